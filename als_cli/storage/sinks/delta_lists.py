"""Lists in a Delta table, read as a table of rows."""

from pathlib import Path

import polars as pl

from als_cli.errors import ArtifactError, DataError
from als_cli.storage.sinks.delta_table import delta_errors, is_written, require_deltalake, table_at
from als_cli.storage.versions import StoredVersion


def is_delta_table(path: Path) -> bool:
    """Return whether there is a Delta table at `path`."""
    return (path / "_delta_log").is_dir()


def scan_delta_lists(path: Path, version: StoredVersion) -> pl.LazyFrame:
    """Return a scan of the lists of `version` of the Delta table at `path`. Rows are read when the scan is collected.

    Raises
    ------
    ArtifactError
        The version is the present one, but another program changed the rows of the table.
    ConfigError
        deltalake is not installed.
    ResourceError
        The table cannot be read.
    """
    require_deltalake()
    table = table_at(path, None if version.is_current else int(version.id))
    with delta_errors(path):
        if version.is_current and not is_written(table, version.manifest.key):
            raise ArtifactError(
                f"another program changed the rows of the Delta table {path}",
                hint="run `als recommend` again, or name another version of `als versions`",
            )
        return pl.scan_delta(table)


def no_lists_in_delta(path: Path) -> DataError:
    """Return the error for a Delta table without lists of als-cli."""
    return DataError(
        f"the Delta table {path} has no lists that als-cli wrote",
        hint="name the output of `als recommend`, or a version of it",
    )
