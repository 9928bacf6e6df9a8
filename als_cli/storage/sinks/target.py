"""The path, kind and format of section `recommend.output`."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from als_cli.config.database import FILE_SYSTEMS, DatabaseConfig
from als_cli.config.fields import is_url
from als_cli.config.output import OutputConfig
from als_cli.errors import ConfigError
from als_cli.storage.databases.address import address_of
from als_cli.storage.databases.dialect import dialect_of
from als_cli.storage.sinks.file_options import check_compression, check_partitions
from als_cli.storage.sinks.tables import TableOptions

STDOUT = "-"
KIND = "recommendations"
"""Kind of the manifests of lists."""
_FORMAT_OF_SUFFIX = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".arrow": "ipc",
    ".resp": "resp",
}
SUFFIX_OF_FORMAT = {**{name: suffix for suffix, name in _FORMAT_OF_SUFFIX.items()}, "kv": ".ndjson"}
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
    """A folder, a file, ``-`` for stdout, or the name of a database and its view in messages."""
    kind: Literal["folder", "file", "stdout", "delta", "database"]
    format: str
    """Format of the file: parquet, csv, ndjson, ipc, kv or resp. Or delta, or the kind of the database."""
    output: OutputConfig
    """The section."""

    @property
    def layout(self) -> str:
        """Rows or lists."""
        return self.output.layout

    @property
    def users_per_part(self) -> int:
        """Maximum number of users in one part file of a folder."""
        return self.output.users_per_part

    @property
    def table_options(self) -> TableOptions:
        """How files are written."""
        output = self.output
        return TableOptions(
            output.compression,
            output.compression_level,
            output.row_group_rows,
            output.key_value,
            output.layout,
        )

    @property
    def keep(self) -> int:
        """Number of versions of the lists that stay."""
        return self.output.keep

    @property
    def changes(self) -> Literal["items", "rows"] | None:
        """Which lists count as changed: items or rows. None: the changes are not written."""
        return self.output.changes


def target_of(output: OutputConfig) -> Target:
    """Return the target of section `output`. If the format is not set, the suffix of the file name determines it.

    Raises
    ------
    ConfigError
        The suffix is not a format, the format differs from the suffix, or the format does not support stdout or the
        layout.
    """
    if output.database is not None:
        return _database(output, output.database)
    if is_url(output.path):
        raise _remote_path(output.path)
    suffix_format = _FORMAT_OF_SUFFIX.get(Path(output.path).suffix.lower())
    kind: Literal["folder", "file", "stdout", "delta"] = "file"
    if output.path == STDOUT:
        kind = "stdout"
    elif suffix_format is None:
        _check_folder_name(Path(output.path))
        kind = "delta" if output.format == "delta" else "folder"
    target = Target(output.path, kind, _format_of(output, suffix_format), output)
    _check_combination(target)
    check_compression(output)
    check_partitions(target.kind, output)
    return target


def _remote_path(path: str) -> ConfigError:
    scheme = path.partition(":")[0]
    if scheme in ("postgresql", "postgres", *FILE_SYSTEMS):
        # The path may contain a password, so it is not shown.
        return ConfigError(
            f"recommend.output.path is the URI of a database ({scheme}:), not a path",
            hint="use recommend.output.database.uri instead",
        )
    return ConfigError(
        f"recommend.output.path: {path} is not a local path",
        hint="write to a local path and copy the published files",
    )


def _database(output: OutputConfig, database: DatabaseConfig) -> Target:
    """Return the target of lists in `database`. Keys that shape files must be absent."""
    of_files = {"path", "format", "compression", "compression_level", "row_group_rows", "users_per_part"}
    given = sorted((of_files | {"shards", "partition_by", "mode", "key_value"}) & output.model_fields_set)
    if given:
        raise ConfigError(
            f"recommend.output.{given[0]} is about files, but recommend.output.database is set",
            hint=f"leave out recommend.output.{given[0]} or recommend.output.database",
        )
    address = address_of(database)
    dialect = dialect_of(address)
    if output.layout == "lists" and not dialect.has_arrays:
        raise ConfigError(
            f"{dialect.title} cannot store recommend.output.layout lists, because it has no arrays",
            hint="set recommend.output.layout to rows",
        )
    return Target(f"{address.shown} {database.table}", "database", address.system, output)


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
        hint=f"{suggestion}the name of a file must end in .parquet, .csv, .ndjson, .arrow or .resp;"
        " the name of a new folder must not end in a suffix of letters",
    )


def _format_of(output: OutputConfig, suffix_format: str | None) -> str:
    declared = "format" in output.model_fields_set
    if suffix_format is not None:
        if output.format == "kv" and suffix_format == "ndjson":
            return "kv"
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
    if target.kind == "stdout" and target.format in ("parquet", "delta"):
        raise ConfigError(
            f"recommend.output.format {target.format} cannot be streamed to stdout: its index comes at the end",
            hint="set recommend.output.format to csv, ndjson or ipc",
        )
    if target.output.mode == "merge" and target.kind != "delta":
        raise ConfigError(
            "recommend.output.mode merge needs a Delta table", hint="set recommend.output.format to delta"
        )
    if target.format == "csv" and target.layout == "lists":
        raise ConfigError(
            "recommend.output.format csv cannot store recommend.output.layout lists",
            hint="set recommend.output.layout to rows, or recommend.output.format to ndjson, parquet or ipc",
        )
