"""Lists in a Delta table: one commit, which replaces all rows or the rows of the users of this run.

Lists are made block by block, but a commit needs all of them. So blocks are stored in a Parquet file beside the table
first, and read from there in batches.
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from als_cli.errors import AlsError, refusals_at
from als_cli.storage.durable import make_folder
from als_cli.storage.manifest import Manifest, new_manifest
from als_cli.storage.sinks.delta_table import (
    check_own_table,
    check_types,
    delta_errors,
    is_written,
    open_table,
    properties_of,
    require_deltalake,
    shortfall_table,
    vacuum,
)
from als_cli.storage.sinks.open_table import OpenTable
from als_cli.storage.sinks.tables import TableOptions
from als_cli.storage.sinks.target import KIND, Target

if TYPE_CHECKING:
    from deltalake import WriterProperties

log = logging.getLogger(__name__)

_USER_OF_RUN = "als_user_of_run"
"""Column of the source of a merge: the id of a user whose old rows are deleted. Null in new rows."""
_SPOOL = TableOptions("zstd", 1)


class DeltaSink:
    """Stores lists in files until they are committed."""

    def __init__(self, target: Target, folder: Path, streams: ExitStack) -> None:
        self._target, self._folder, self._streams = target, folder, streams
        self._path = Path(target.path)
        self._tables: dict[str, OpenTable] = {}
        self._user = ""
        self._manifest: Manifest | None = None

    def create(self, schema: pl.Schema, shortfall: pl.Schema) -> None:
        """Open the files."""
        self._user = schema.names()[0]
        users = pl.Schema({self._user: schema[self._user]})
        for name, columns in (("lists", schema), ("shortfall", shortfall), ("users", users)):
            path = self._folder / f"{name}.parquet"
            self._tables[name] = OpenTable(path, "parquet", columns, self._streams, _SPOOL)

    def write(self, lists: pl.DataFrame, shortfall: pl.DataFrame, users: int) -> None:  # noqa: ARG002 - the interface
        """Append the rows of a block."""
        self._tables["lists"].write(lists)
        self._tables["shortfall"].write(shortfall)
        # A user without a full list is in the shortfall, so a user of the run is in one of the two tables.
        ids = pl.concat([lists.select(self._user), shortfall.select(self._user)]).unique(maintain_order=True)
        self._tables["users"].write(ids)

    def finish(self, key: str, config: dict[str, Any], **fields: Any) -> None:
        """Close the files, and make the manifest."""
        for table in self._tables.values():
            table.close()
        self._manifest = new_manifest((), kind=KIND, key=key, config=config, **fields)

    def publish(self) -> None:
        """Commit the shortfall, then the lists. A table whose newest commit is of the same run is left as it is.

        Without a manifest, do nothing.
        """
        if self._manifest is None:
            return
        output = self._target.output
        is_merge = output.mode == "merge"
        self._commit(shortfall_table(self._path), "shortfall", self._manifest, merge=False, partition_by=())
        self._commit(self._path, "lists", self._manifest, merge=is_merge, partition_by=output.partition_by)

    def drop_old(self) -> None:
        """Remove files of old versions."""
        for path in (shortfall_table(self._path), self._path):
            vacuum(path, self._target.keep)

    def _commit(
        self, path: Path, name: str, manifest: Manifest, *, merge: bool, partition_by: tuple[str, ...]
    ) -> None:
        from deltalake import write_deltalake

        table = open_table(path)
        if table is not None and is_written(table, manifest.key):
            log.info("%s has the lists of this run already: nothing is written", path)
            return
        properties, writer = properties_of(manifest), self._writer_properties()
        with delta_errors(path):
            if table is not None and merge:
                source = self._merge_source(name)
                merger = table.merge(
                    source,
                    f'old."{self._user}" = new.{_USER_OF_RUN}',
                    source_alias="new",
                    target_alias="old",
                    merge_schema=True,
                    commit_properties=properties,
                    writer_properties=writer,
                )
                columns = {f'"{c}"': f'new."{c}"' for c in source.schema.names if c != _USER_OF_RUN}
                merger.when_matched_delete().when_not_matched_insert(
                    columns, predicate=f"new.{_USER_OF_RUN} is null"
                ).execute()
                return
            write_deltalake(
                str(path),
                _batches(self._folder / f"{name}.parquet"),
                mode="overwrite",
                schema_mode="overwrite",
                partition_by=list(partition_by) or None,
                commit_properties=properties,
                writer_properties=writer,
            )

    def _merge_source(self, name: str) -> pa.RecordBatchReader:
        """Return a row for each user of the run, then the new rows. Columns that one of the two lacks are null."""
        users, lists = (_batches(self._folder / f"{one}.parquet") for one in ("users", name))
        schema = lists.schema.append(pa.field(_USER_OF_RUN, users.schema.field(0).type))

        def rows() -> Iterator[pa.RecordBatch]:
            for batch in users:
                nulls = [pa.nulls(len(batch), field.type) for field in lists.schema]
                yield pa.RecordBatch.from_arrays([*nulls, batch.column(0)], schema=schema)
            for batch in lists:
                nothing = pa.nulls(len(batch), schema.field(_USER_OF_RUN).type)
                yield pa.RecordBatch.from_arrays([*batch.columns, nothing], schema=schema)

        return pa.RecordBatchReader.from_batches(schema, rows())

    def _writer_properties(self) -> "WriterProperties":
        from deltalake import WriterProperties

        output = self._target.output
        names = {"none": "UNCOMPRESSED", "lz4": "LZ4_RAW"}
        return WriterProperties(
            compression=names.get(output.compression, output.compression.upper()),  # type: ignore[arg-type]
            compression_level=output.compression_level,
            max_row_group_size=output.row_group_rows,
        )


@contextmanager
def delta_sink(target: Target, schema: pl.Schema, shortfall: pl.Schema) -> Iterator[DeltaSink]:
    """Yield a sink to the Delta table `target`. Commit the lists when the block ends without an exception.

    Raises
    ------
    ConfigError
        deltalake is not installed, or als-cli did not make what is at `target`.
    ResourceError
        The table cannot be written.
    """
    require_deltalake()
    path = Path(target.path)
    for table in (path, shortfall_table(path)):
        check_own_table(table)
    if target.output.mode == "merge":
        check_types(path, schema)
    folder = path.with_name(f".{path.name}.als-blocks")
    with refusals_at(path):
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
        make_folder(folder)
    try:
        with ExitStack() as streams, delta_errors(path):
            sink = DeltaSink(target, folder, streams)
            sink.create(schema, shortfall)
            yield sink
            sink.publish()
        try:
            sink.drop_old()
        except AlsError as failure:
            log.warning("files of old versions were not removed: %s", failure.message)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _batches(path: Path) -> pa.RecordBatchReader:
    file = pq.ParquetFile(path)
    return pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches())
