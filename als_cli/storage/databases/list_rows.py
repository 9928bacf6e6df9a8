"""Rows of lists in a database, copied in batches into a Parquet file.

Metrics read lists several times, in blocks of users. Databases sort text in different ways, so a block of users cannot
be a condition of a query. One query also reads one state of the table.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa

from als_cli.errors import ArtifactError, ResourceError, refusals_at
from als_cli.evaluation.list_tables import needed_columns
from als_cli.storage.databases.database import NotAllowedError
from als_cli.storage.databases.dialect import quoted
from als_cli.storage.databases.published_view import PublishedView
from als_cli.storage.durable import make_folder
from als_cli.storage.sinks.open_table import OpenTable
from als_cli.storage.sinks.tables import TableOptions

_OPTIONS = TableOptions("zstd", 1)


def copy_lists(view: PublishedView, version: str, file: Path) -> None:
    """Write the lists of `version` into the Parquet file at `file`: the columns of lists that the table has.

    Raises
    ------
    ArtifactError
        There is no table of this version, or it does not have the rows that were written.
    DataError
        The table has no lists.
    ResourceError
        The database cannot be read, or `file` cannot be written.
    """
    database, (table, _) = view.database, view.tables_of(version)
    recorded = next((one for one in view.versions() if one.id == version), None)
    if recorded is None or not view.exists(table):
        raise _changed(view, version, "there is no table of")
    columns = needed_columns(f"{database.address.shown} {table}", database.columns(view.sql(table)))
    query = f"select {', '.join(map(quoted, columns))} from {view.sql(table)}"  # noqa: S608 - checked names
    with refusals_at(file):
        make_folder(file.parent)
        with database.batches(query) as (schema, batches):
            rows = _write(schema, batches, file)
    if rows != recorded.rows:
        raise _changed(view, version, "another program changed the rows of")


def _write(schema: pa.Schema, batches: Iterator[pa.RecordBatch], file: Path) -> int:
    """Write `batches` of `schema` into `file`, and return the number of rows."""
    empty = _as_frame(pa.Table.from_batches([], schema))
    rows = 0
    with ExitStack() as streams:
        table = OpenTable(file, "parquet", empty.schema, streams, _OPTIONS)
        for batch in batches:
            table.write(_as_frame(pa.Table.from_batches([batch])))
            rows += batch.num_rows
        table.close()
    return rows


def _as_frame(table: pa.Table) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(table))


def _changed(view: PublishedView, version: str, what: str) -> ArtifactError:
    return ArtifactError(
        f"{view.database.address.shown}: {what} version {version} of {view.name}",
        hint="run `als recommend` again, or name another version of `als versions`",
    )


@contextmanager
def reading_rights(shown: str) -> Iterator[None]:
    """Say in errors of the block which rights a reader of lists needs. `shown` names the database and the view."""
    try:
        yield
    except NotAllowedError as refused:
        raise ResourceError(
            refused.message,
            hint=f"grant USAGE on the schema, and SELECT on als_versions and the tables behind {shown}, to this user",
        ) from None
