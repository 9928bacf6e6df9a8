"""Tables of changes: beside the lists of a version, or at a path of their own."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl

from als_cli.errors import ConfigError
from als_cli.evaluation.list_changes import ChangedBy, ListChanges, changes_in
from als_cli.evaluation.list_overlap import Overlap
from als_cli.evaluation.list_tables import ListTable
from als_cli.ranking.lists import output_schema
from als_cli.storage.lock import output_lock
from als_cli.storage.manifest import write_manifest
from als_cli.storage.publish_file import staged_file_version
from als_cli.storage.sinks.tables import TableWriter, table_writer
from als_cli.storage.sinks.target import SUFFIX_OF_FORMAT

KIND_OF_CHANGES = "changes"
_FORMATS = {SUFFIX_OF_FORMAT[name]: name for name in ("parquet", "csv", "ndjson", "ipc")}
"""Format of a table of changes by the suffix of its name."""


class ChangesWriter:
    """Writes the changes of each block of a comparison to one table."""

    def __init__(self, table: TableWriter, schema: pl.Schema, by: ChangedBy, layout: str) -> None:
        self._table, self._schema, self._by, self._layout = table, schema, by, layout
        self.counts: Counter[str] = Counter(upserts=0, deletes=0, unchanged=0)
        """Numbers of users: upserts, deletes, unchanged."""
        self.report: ListChanges | None = None
        """Set by :func:`published_changes`."""

    def write(self, block: Overlap) -> None:
        """Append the changes of `block`."""
        changes, counts = changes_in(block, self._by, self._layout)
        self.counts.update(counts)
        absent = [
            pl.lit(None, kind).alias(name) for name, kind in self._schema.items() if name not in changes
        ]
        self._table.write(changes.with_columns(absent).select(self._schema.names()).cast(self._schema))


@contextmanager
def changes_writer(path: Path, new: ListTable, by: ChangedBy, layout: str) -> Iterator[ChangesWriter]:
    """Yield a writer of changes that lead to the lists `new`, in the format of the suffix of `path`."""
    schema = changes_schema(new, layout)
    with path.open("wb") as stream:
        table = _writer(path, stream, schema)
        try:
            yield ChangesWriter(table, schema, by, layout)
        finally:
            table.close()


def changes_schema(new: ListTable, layout: str) -> pl.Schema:
    """Return the columns of a table of changes: op, and those of lists in `layout`."""
    lists = output_schema(layout, new.user_type, new.item_type, because=new.has_reasons)
    return pl.Schema({"op": pl.String(), **lists})


def format_of_changes(path: Path, layout: str) -> str:
    """Return the format of a table of changes at `path`.

    Raises
    ------
    ConfigError
        The suffix is no format, or the format has no lists in cells.
    """
    formats = _FORMATS
    name = formats.get(path.suffix.lower())
    if name is None:
        raise ConfigError(
            f"--changes: {path} must end in {', '.join(formats)}", hint="choose a file name with a format"
        )
    if name == "csv" and layout == "lists":
        raise ConfigError(
            f"--changes: {path}: CSV cannot store recommend.output.layout lists",
            hint="choose .parquet, .ndjson or .arrow",
        )
    return name


def _writer(path: Path, stream: BinaryIO, schema: pl.Schema) -> TableWriter:
    formats = _FORMATS
    return table_writer(formats[path.suffix.lower()], stream, schema)


@contextmanager
def published_changes(
    path: Path, new: ListTable, by: ChangedBy, layout: str, leads: tuple[str, str]
) -> Iterator[ChangesWriter]:
    """Yield a writer of changes to the file `path`. Publish it when the block ends without an exception.

    `leads` are the versions or the paths that the changes lead from and to. A manifest is written beside the file. The
    report of the writer is complete after the block.

    Raises
    ------
    LockedError
        Another run writes to `path`.
    ResourceError
        `path` cannot be written.
    """
    with output_lock(path), staged_file_version(path, keep=1) as version:
        with changes_writer(version / path.name, new, by, layout) as writer:
            yield writer
        writer.report = ListChanges(
            file=path.name, by=by, from_version=leads[0], to_version=leads[1], **writer.counts
        )
        changes = writer.report.model_dump(mode="json")
        write_manifest(version, kind=KIND_OF_CHANGES, key="", config={}, metrics={"changes": changes})
