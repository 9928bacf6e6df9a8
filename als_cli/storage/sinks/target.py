"""The place and format that the config's output section stands for."""

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
_OTHER_FILES = frozenset(
    {
        ".7z",
        ".avro",
        ".bz2",
        ".duckdb",
        ".gz",
        ".h5",
        ".orc",
        ".sqlite",
        ".sqlite3",
        ".xls",
        ".xlsx",
        ".zip",
        ".zst",
    }
)
"""Suffixes of files that als does not write; no folder is given a name like that."""


@dataclass(frozen=True)
class Target:
    """Where lists are written, and how."""

    path: str
    """A folder, a file, or ``-``."""
    kind: Literal["folder", "file", "stdout"]
    format: str
    """parquet, csv, ndjson or ipc."""
    layout: str
    """rows or lists."""
    users_per_part: int


def target_of(output: OutputConfig) -> Target:
    """Return where `output` points: its format goes by the file name where it is not set.

    Raises
    ------
    ConfigError
        The file name's suffix is no format, the format disagrees with it, cannot be streamed, or cannot hold lists.
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
        output.path, kind, _format_of(output, suffix_format), output.layout, output.users_per_part
    )
    _check_combination(target)
    return target


def _check_folder_name(path: Path) -> None:
    """Return when `path` is plainly a folder: no suffix, one with a digit as in ``lists.v2``, or a folder already there."""
    suffix = path.suffix.lower()
    of_a_file = suffix in _NEAR_SUFFIX or suffix in _OTHER_FILES
    if not of_a_file and (not suffix[1:].isalpha() or path.is_dir()):
        return
    guesses = () if of_a_file else difflib.get_close_matches(suffix, _FORMAT_OF_SUFFIX, n=1)
    near = _NEAR_SUFFIX.get(suffix) or next(iter(guesses), None)
    suggestion = f"did you mean {path.with_suffix(near).name}? " if near else ""
    raise ConfigError(
        f"recommend.output.path: {path} ends in {path.suffix}, which is not a format of lists",
        hint=f"{suggestion}a file ends in .parquet, .csv, .ndjson or .arrow;"
        " the name of a new folder has no suffix of letters",
    )


def _format_of(output: OutputConfig, suffix_format: str | None) -> str:
    declared = "format" in output.model_fields_set
    if suffix_format is not None:
        if declared and output.format != suffix_format:
            raise ConfigError(
                f"recommend.output.format is {output.format}, but recommend.output.path ends in"
                f" {SUFFIX_OF_FORMAT[suffix_format]}",
                hint="leave recommend.output.format out, or change the file name",
            )
        return suffix_format
    if output.path == STDOUT and not declared:
        return "csv" if output.layout == "rows" else "ndjson"
    return output.format


def _check_combination(target: Target) -> None:
    if target.kind == "stdout" and target.format == "parquet":
        raise ConfigError(
            "Parquet cannot be streamed to stdout: its index comes last",
            hint="set recommend.output.format to csv, ndjson or ipc",
        )
    if target.format == "csv" and target.layout == "lists":
        raise ConfigError(
            "CSV cannot hold recommend.output.layout lists",
            hint="set recommend.output.layout to rows, or recommend.output.format to ndjson, parquet or ipc",
        )
