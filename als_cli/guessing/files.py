"""The event files of a path, and a sample of them by columns."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from als_cli.errors import ConfigError, DataError, one_line
from als_cli.guessing.names import words_in
from als_cli.guessing.samples import Sample, read_sample
from als_cli.tables.delta import is_delta_table
from als_cli.tables.folder_hint import folder_glob
from als_cli.tables.scan import STDIN, find_files, has_pipe, matching_files, reading

_SAMPLED_FILES = 32
_TRAIN = "train"
_HELD_OUT = {"test", "valid", "validation", "val", "dev", "holdout", "heldout", "candidates"}


@dataclass(frozen=True)
class Group:
    """Files with the same columns and format."""

    samples: tuple[Sample, ...]

    @property
    def frame(self) -> pl.DataFrame:
        """The rows of all samples."""
        return pl.concat([sample.frame for sample in self.samples], how="diagonal_relaxed")

    @property
    def main(self) -> Sample:
        """The first sample."""
        return self.samples[0]


@dataclass(frozen=True)
class EventFiles:
    """The files of a path, and samples of some of them."""

    source: str
    """The path that was given."""
    files: tuple[str, ...]
    groups: tuple[Group, ...]
    """The sampled files by columns, in the order of their names."""
    notes: tuple[str, ...]
    """Files that are left out, and why."""
    globs: Mapping[str, frozenset[str]]
    """The path or the globs that were given or found, each with all files that it matches."""

    def only(self, groups: Sequence[Group]) -> "EventFiles":
        """Return the files of `groups` only. All files must be sampled."""
        names = tuple(sample.path for group in groups for sample in group.samples)
        return replace(self, files=names, groups=tuple(groups))

    @property
    def glob(self) -> str | None:
        """The path or glob that matches exactly `files`, None if there is none."""
        return next((path for path, names in self.globs.items() if names == frozenset(self.files)), None)

    @property
    def are_all_sampled(self) -> bool:
        """Whether there is a sample of each file."""
        return sum(len(group.samples) for group in self.groups) == len(self.files)

    @property
    def rows(self) -> int:
        """The rows of all files, possibly an estimate."""
        samples = [sample for group in self.groups for sample in group.samples]
        return round(sum(sample.rows for sample in samples) / len(samples) * len(self.files))

    @property
    def is_complete(self) -> bool:
        """Whether the samples have all rows of all files."""
        samples = [sample for group in self.groups for sample in group.samples]
        return self.are_all_sampled and all(sample.is_complete for sample in samples)

    @property
    def are_rows_exact(self) -> bool:
        """Whether `rows` is exact and not an estimate."""
        samples = [sample for group in self.groups for sample in group.samples]
        return self.are_all_sampled and all(sample.is_exact for sample in samples)


def event_files(path: str, wanted: Collection[str] = ()) -> EventFiles:
    """Return the files of `path` (a file, a folder or a glob) with samples of at most 32 of them.

    Of many columns, the samples have the `wanted` ones and those with the likeliest names. Files of a test set or a validation set beside a training set are left out.

    Raises
    ------
    ConfigError
        `path` is stdin, a pipe or a URL.
    DataError
        There is no such file, or a file cannot be read. Of a folder, no file can be read.
    """
    if path == STDIN or has_pipe(path):
        raise ConfigError(
            "als init reads files several times, so it cannot read stdin or a pipe",
            hint="write the events to a file first",
        )
    notes = []
    in_folder = Path(path).is_dir() and not is_delta_table(path)
    globs = {one: matching_files(one) if in_folder else _names(one) for one in _globs(path)}
    main = next(iter(globs))
    files = tuple(sorted({name for names in globs.values() for name in names}))
    if len(files) > _SAMPLED_FILES:
        files = tuple(globs[main])
        notes += [f"{other} in the same folder" for other in globs if other != main]
    kept = _without_held_out(files)
    notes += [f"{Path(name).name}: an extra set beside a training set" for name in files if name not in kept]
    refused = _refused(kept) if in_folder else {}
    sampled = _spread([name for name in kept if name not in refused])
    samples = []
    for name in sampled:
        try:
            samples.append(read_sample(name, share=1 / len(sampled), wanted=wanted))
        except DataError as refusal:
            if not in_folder:
                raise
            refused[name] = refusal
    if not samples:
        raise next(iter(refused.values()), DataError(f"{path} has no files", hint="check the path"))
    notes += [f"{Path(name).name}: {_reason(name, refusal)}" for name, refusal in sorted(refused.items())]
    kept = tuple(name for name in kept if name not in refused)
    matched = {one: frozenset(names) for one, names in globs.items()}
    return EventFiles(path, kept, _grouped(samples), tuple(notes), matched)


def _refused(files: Sequence[str]) -> dict[str, DataError]:
    """Return the reason for each of `files` that cannot be read, or is empty."""
    refused = {}
    for name in files:
        try:
            _check_file(name)
        except DataError as refusal:
            refused[name] = refusal
    return refused


def _check_file(name: str) -> None:
    if has_pipe(name):
        raise DataError(f"{name} is a pipe", hint="write the events to a file first")
    find_files(name)


def _reason(name: str, refusal: DataError) -> str:
    return (
        refusal.message.removeprefix(one_line(name))
        .lstrip(": ")
        .removeprefix("is not a table that als reads: ")
    )


def _names(pattern: str) -> tuple[str, ...]:
    try:
        return tuple(file.name for file in find_files(pattern))
    except DataError as missing:
        # Its hint is about paths in a config. There is no config yet.
        raise DataError(missing.message, hint=str(missing.hint).partition(";")[0]) from missing


def _globs(path: str) -> list[str]:
    """Return `path`, or for a folder the globs of its tables; the glob of the most files comes first."""
    if not Path(path).is_dir() or is_delta_table(path):
        return [path]
    with reading(path):
        found = folder_glob(Path(path))
    if found is None:
        raise DataError(f"{path} has no files", hint="check the path")
    pattern, others = found
    return [pattern, *(str(Path(pattern).with_name(other)) for other in others)]


def _without_held_out(files: Sequence[str]) -> tuple[str, ...]:
    """Return `files` without test sets and validation sets beside a training set, and without parts of that set."""
    words = {name: set(words_in(Path(name).stem)) for name in files}
    if not any(_TRAIN in found for found in words.values()):
        return tuple(files)
    has_whole = any(found == {_TRAIN} for found in words.values())
    return tuple(
        name
        for name, found in words.items()
        if not found & _HELD_OUT and not (has_whole and _TRAIN in found and found != {_TRAIN})
    )


def _spread(files: Sequence[str]) -> list[str]:
    if len(files) <= _SAMPLED_FILES:
        return list(files)
    last = len(files) - 1
    return [files[round(number * last / (_SAMPLED_FILES - 1))] for number in range(_SAMPLED_FILES)]


def _grouped(samples: Sequence[Sample]) -> tuple[Group, ...]:
    groups: dict[object, list[Sample]] = {}
    for sample in samples:
        # Objects of NDJSON may lack fields. A query and `columns` name the fields that they need.
        names = () if sample.kind == "ndjson" else tuple(sample.frame.columns)
        groups.setdefault((sample.kind, sample.format_key, names), []).append(sample)
    return tuple(Group(tuple(group)) for group in groups.values())
