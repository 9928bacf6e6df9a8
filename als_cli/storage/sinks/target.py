"""The place and format that the config's output section stands for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from als_cli.config.fields import is_url
from als_cli.config.recommend import OutputConfig
from als_cli.errors import ConfigError

STDOUT = "-"
_FORMAT_OF_SUFFIX = {".parquet": "parquet", ".csv": "csv", ".ndjson": "ndjson", ".arrow": "ipc"}
SUFFIX_OF_FORMAT = {name: suffix for suffix, name in _FORMAT_OF_SUFFIX.items()}


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
        The format disagrees with the file name, cannot be streamed, or cannot hold lists.
    """
    if is_url(output.path):
        raise ConfigError(
            f"recommend.output.path: {output.path} is not a local path",
            hint="write to a local path and copy the published files",
        )
    suffix_format = _FORMAT_OF_SUFFIX.get(Path(output.path).suffix.lower())
    kind: Literal["folder", "file", "stdout"] = "folder" if suffix_format is None else "file"
    if output.path == STDOUT:
        kind = "stdout"
    target = Target(
        output.path, kind, _format_of(output, suffix_format), output.layout, output.users_per_part
    )
    _check_combination(target)
    return target


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
