"""Parquet tables of ids, checked before and after they are read."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa

from als_cli.storage.matrix_checks import check_times
from als_cli.tables.parquet_footer import read_footer

UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    pa.ArrowException,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)
"""What Arrow and polars raise for broken files. A panic of polars is no Exception."""
_MAXIMUM_RATIO = 1000
"""Rows per byte, and uncompressed bytes per byte, of a table that is plausible. Larger numbers could use up the memory."""
_MAXIMUM_ROWS = 2**31 - 2
"""Row numbers are int32."""

INSTANT = pl.Datetime("us", "UTC")
COUNT = pl.UInt32()


def read_id_table(path: Path, ids: str, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return the Parquet table at `path` with column `ids` and the other `columns` of the given types.

    Raises
    ------
    OSError, ValueError, ...
        One of UNREADABLE: the file is broken, has other columns, or the ids are not unique.
    """
    check_parquet_sizes(path)
    check_types(pl.scan_parquet(path, glob=False).collect_schema(), ids, columns)
    table = pl.read_parquet(path, columns=[ids, *columns], glob=False).rechunk()
    check_types(table.schema, ids, columns)
    check_ids(table[ids])
    for name, dtype in columns.items():
        if dtype == INSTANT:
            check_instants(table[name])
    return table


def check_types(schema: Mapping[str, pl.DataType], ids: str, columns: Mapping[str, pl.DataType]) -> None:
    """Return when `schema` has integers or text in column `ids`, and `columns`.

    Raises
    ------
    ValueError
        A column is missing or has another type.
    """
    for name, wanted in columns.items():
        if schema.get(name) != wanted:
            raise ValueError(f"column {name} is {schema.get(name)} instead of {wanted}")
    found = schema.get(ids)
    if found is None or not (found.is_integer() or found == pl.String):
        raise ValueError(f"column {ids} is {found} instead of integers or text")


def check_ids(ids: pl.Series) -> None:
    """Return when `ids` rise, so that they are unique. Row numbers depend on this order.

    Raises
    ------
    ValueError
        An id is null, occurs twice, or is smaller than the id before it.
    """
    if ids.null_count():
        raise ValueError(f"column {ids.name} has nulls")
    if len(ids) > _MAXIMUM_ROWS or not (ids[:-1] < ids[1:]).all():
        raise ValueError(f"the values of column {ids.name} are not sorted, or occur twice")


def check_instants(instants: pl.Series) -> None:
    """Return when `instants` are null or in the years 1 to 9999: Python has no other times.

    Raises
    ------
    ValueError
        A time is outside these years.
    """
    times = instants.drop_nulls().to_physical()
    check_times(times.to_numpy(), len(times))


def check_parquet_sizes(path: Path) -> None:
    """Return when the numbers in the footer of the Parquet file at `path` are plausible for its size.

    Raises
    ------
    OSError, ValueError
        The file is not Parquet, or a number is not plausible.
    """
    limit = _MAXIMUM_RATIO * path.stat().st_size
    with path.open("rb") as file:
        footer = read_footer(file)
    rows = [group.rows for group in footer.groups]
    sizes = [chunk.expanded_bytes for group in footer.groups for chunk in group.chunks]
    if min([*rows, *sizes, 0]) < 0 or sum(rows) != footer.rows or max(sum(rows), sum(sizes)) > limit:
        raise ValueError("its footer has wrong sizes")
