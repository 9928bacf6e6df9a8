"""The files of a Delta table. Its folder also has files of older versions, whose rows may be deleted.

Specification: PROTOCOL.md of delta-io/delta, sections "Deletion Vectors", "Column Mapping" and "Reader Version
Requirements".
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa

from als_cli.errors import AlsError, ConfigError, DataError
from als_cli.tables.partitions import partition_values

if TYPE_CHECKING:
    from deltalake import DeltaTable

_LOG = "_delta_log"
_READABLE = {
    *("columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"),
    *("variantType", "variantType-preview"),
}
"""Features of a table that its Parquet files alone are enough for, after the checks of this module."""
_HINT = "write the rows to a plain Parquet file, for example with DuckDB or Spark, and read that file"


def is_delta_table(path: str | Path) -> bool:
    """Return whether `path` is the folder of a Delta table."""
    return os.path.isdir(os.path.join(path, _LOG))  # noqa: PTH112, PTH118 - no error without permission


def live_files(folder: str) -> list[str]:
    """Return the Parquet files of the current version of the Delta table in `folder`, sorted; each starts with `folder`.

    Raises
    ------
    ConfigError
        deltalake is not installed.
    DataError
        The table cannot be read, it has no rows, or its Parquet files alone do not give its rows.
    """
    root = os.path.realpath(folder)
    table = _open(root, folder)
    try:
        _check_features(table, folder)
        paths = pa.table(table.get_add_actions())["path"].to_pylist()
        partitions = set(table.metadata().partition_columns)
    except AlsError:
        raise
    except Exception as broken:  # deltalake has no common class of errors
        raise _unreadable(folder, broken) from broken
    if not paths:
        raise DataError(f"{folder} is a Delta table without rows", hint="check the job that writes the table")
    return sorted(_file_at(folder, path, partitions) for path in paths)


def only_live(names: Sequence[str]) -> list[str]:
    """Return `names` without files of Delta tables that do not belong to the current version of their table.

    Raises
    ------
    ConfigError
        deltalake is not installed.
    DataError
        A table cannot be read.
    """
    tables: dict[Path, Path | None] = {}
    live: dict[Path, set[str]] = {}
    kept = []
    for name in names:
        folder = Path(os.path.realpath(name)).parent
        if folder not in tables:
            tables[folder] = next((one for one in (folder, *folder.parents) if is_delta_table(one)), None)
        table = tables[folder]
        if table is not None and table not in live:
            live[table] = set(live_files(str(table)))
        if table is None or os.path.realpath(name) in live[table]:
            kept.append(name)
    return kept


def _file_at(folder: str, path: str, partitions: set[str]) -> str:
    """Return the name of the data file of the table in `folder` that its log calls `path`, which is percent-encoded."""
    if path.startswith("/") or "://" in path:
        raise _refusal(folder, f"it has files outside its folder, for example {path}")
    found = next((one for one in (Path(folder) / unquote(path), Path(folder) / path) if one.exists()), None)
    if found is None:
        raise DataError(
            f"{folder}: {unquote(path)} is missing, a file of the current version of the Delta table",
            hint="restore the file, or write the table again",
        )
    if not partitions <= partition_values(unquote(path)).keys():
        raise _refusal(folder, f"the path of {unquote(path)} lacks a partition column")
    return str(found)


def _open(root: str, folder: str) -> "DeltaTable":
    try:
        from deltalake import DeltaTable
    except ImportError:
        raise ConfigError(
            f"{folder} is a Delta table, which needs deltalake, which is not installed",
            hint="pip install 'als-cli[delta]'",
        ) from None
    try:
        return DeltaTable(root)
    except Exception as broken:  # deltalake has no common class of errors
        raise _unreadable(folder, broken) from broken


def _check_features(table: "DeltaTable", folder: str) -> None:
    """Return when the Parquet files of `table` have its rows and its columns.

    Raises
    ------
    DataError
        It has deletion vectors, column mapping or another feature that changes what the files mean.
    """
    mode = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    if mode != "none":
        raise _refusal(folder, f"its columns have other names in its files (column mapping by {mode})")
    features = set(table.protocol().reader_features or ())
    others = sorted(features - _READABLE)
    if others:
        raise _refusal(folder, f"it uses {', '.join(others)}")
    if "deletionVectors" in features and next(iter(table.deletion_vectors()), None) is not None:
        raise _refusal(folder, "it marks deleted rows in deletion vectors")


def _refusal(folder: str, reason: str) -> DataError:
    return DataError(f"{folder} is a Delta table that als does not read: {reason}", hint=_HINT)


def _unreadable(folder: str, broken: Exception) -> DataError:
    first_line = (str(broken).splitlines() or [type(broken).__name__])[0]
    return DataError(f"{folder}: the Delta table cannot be read: {first_line}", hint="check its _delta_log")
