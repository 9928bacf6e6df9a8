"""The path, kind and format of section `recommend.output`."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from als_cli.config.fields import is_url
from als_cli.config.recommend import OutputConfig
from als_cli.errors import ConfigError

STDOUT = "-"
_FORMAT_OF_SUFFIX = {".parquet": "parquet", ".csv": "csv", ".ndjson": "ndjson", ".arrow": "ipc"}
SUFFIX_OF_FORMAT = {name: suffix for suffix, name in _FORMAT_OF_SUFFIX.items()}
_NEAR_SUFFIX = {
    **dict.fromkeys((".json", ".jsonl"), ".ndjson"),
    **dict.fromkeys((".tsv", ".txt"), ".csv"),
    **dict.fromkeys((".feather", ".ipc"), ".arrow"),
    ".pq": ".parquet",
}
_OTHER_FILES = (
    *(".7z", ".avro", ".bz2", ".duckdb", ".gz", ".h5", ".orc"),
    *(".sqlite", ".sqlite3", ".xls", ".xlsx", ".zip", ".zst"),
)
"""Suffixes of files that als does not write. They are not accepted for folders either."""


@dataclass(frozen=True)
class Target:
    """The path that lists are written to, and their format."""

    path: str
    """A folder, a file, or ``-`` for stdout."""
    kind: Literal["folder", "file", "stdout"]
    format: str
    """parquet, csv, ndjson or ipc."""
    layout: str
    """rows or lists."""
    users_per_part: int
    keep: int
    """Number of versions of the lists that stay on disk."""
    changes: Literal["items", "rows"] | None = None
    """Which lists count as changed: items or rows. None: the changes are not written."""


def target_of(output: OutputConfig) -> Target:
    """Return the target of section `output`. If the format is not set, the suffix of the file name determines it.

    Raises
    ------
    ConfigError
        The suffix is not a format, the format differs from the suffix, or the format does not support stdout or the
        layout.
    """
    if is_url(output.path):
        raise ConfigError(
            f"recommend.output.path: {output.path} is not a local path",
            hint="write to a local path and copy the published files",
        )
    suffix_format = _FORMAT_OF_SUFFIX.get(Path(output.path).suffix.lower())
    kind: Literal["folder", "file", "stdout"] = "file"
    if output.path == STDOUT:
        kind = "stdout"
    elif suffix_format is None:
        _check_folder_name(Path(output.path))
        kind = "folder"
    target = Target(
        output.path,
        kind,
        _format_of(output, suffix_format),
        output.layout,
        output.users_per_part,
        output.keep,
        output.changes,
    )
    _check_combination(target)
    return target


def _check_folder_name(path: Path) -> None:
    """Return when `path` can be a folder: no suffix, a suffix with a digit as in ``lists.v2``, or an existing folder."""
    suffix = path.suffix.lower()
    is_file_suffix = suffix in _NEAR_SUFFIX or suffix in _OTHER_FILES
    if not is_file_suffix and (not suffix[1:].isalpha() or path.is_dir()):
        return
    guesses = () if is_file_suffix else difflib.get_close_matches(suffix, _FORMAT_OF_SUFFIX, n=1)
    near = _NEAR_SUFFIX.get(suffix) or next(iter(guesses), None)
    suggestion = f"did you mean {path.with_suffix(near).name}? " if near else ""
    raise ConfigError(
        f"recommend.output.path: {path} ends in {path.suffix}, but lists have no such format",
        hint=f"{suggestion}the name of a file must end in .parquet, .csv, .ndjson or .arrow;"
        " the name of a new folder must not end in a suffix of letters",
    )


def _format_of(output: OutputConfig, suffix_format: str | None) -> str:
    declared = "format" in output.model_fields_set
    if suffix_format is not None:
        if declared and output.format != suffix_format:
            raise ConfigError(
                f"recommend.output.format is {output.format}, but recommend.output.path ends in"
                f" {SUFFIX_OF_FORMAT[suffix_format]}",
                hint="leave out recommend.output.format, or change the file name",
            )
        return suffix_format
    if output.path == STDOUT and not declared:
        return "csv" if output.layout == "rows" else "ndjson"
    return output.format


def _check_combination(target: Target) -> None:
    if target.kind == "stdout" and target.format == "parquet":
        raise ConfigError(
            "recommend.output.format parquet cannot be streamed to stdout: a Parquet file has its index at the end",
            hint="set recommend.output.format to csv, ndjson or ipc",
        )
    if target.format == "csv" and target.layout == "lists":
        raise ConfigError(
            "recommend.output.format csv cannot store recommend.output.layout lists",
            hint="set recommend.output.layout to rows, or recommend.output.format to ndjson, parquet or ipc",
        )
