"""The times between which the items of a catalogue may be recommended."""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from als_cli.errors import DataError
from als_cli.events.times import as_time, is_unreadable, plain_time

SINCE, UNTIL = "recommend.items.available.since", "recommend.items.available.until"
VALUE = "\0value:"
"""Prefix of the names of columns that hold the values of a config key."""


def available(table: pl.DataFrame, columns: Mapping[str, str], file: str, instant: datetime) -> pl.Series:
    """Return whether each row of `table` is available at `instant`, Boolean.

    `table` has the values of each key of `columns`, which gives the name of the column in `file`. A blank time is open.

    Raises
    ------
    DataError
        A time is unreadable, or a column has a type that cannot hold times.
    """
    is_available = pl.repeat(value=True, n=table.height, dtype=pl.Boolean, eager=True)
    for key in (SINCE, UNTIL):
        if key in columns:
            times = _times(table[VALUE + key], columns[key], key, file)
            is_inside = times <= instant if key == SINCE else times > instant
            is_available &= is_inside | times.is_null()
    return is_available


def _times(values: pl.Series, name: str, key: str, file: str) -> pl.Series:
    frame = values.to_frame("raw")
    if values.dtype.is_numeric():
        raise DataError(
            f"{key}: column {name!r} of {file} holds {values.dtype}, which is not a date or a time",
            hint="write dates, datetimes or ISO 8601 texts to the catalogue",
        )
    plain = plain_time("raw", values.dtype, column=name, file=file)
    found = frame.select(plain.alias("plain")).with_columns(
        as_time(pl.col("plain"), frame.select(plain).to_series().dtype, "iso").alias("time")
    )
    wrong = found.with_row_index("row", offset=1).filter(
        pl.col("plain").is_not_null() & is_unreadable(pl.col("time"))
    )
    if wrong.height:
        raise DataError(
            f"{key}: {file}, row {wrong['row'][0]}: {wrong['plain'][0]!r} in column {name!r} is not a date or a time",
            hint="write dates such as 2026-01-31, or ISO 8601 times; leave the cell empty for no limit",
        )
    return found["time"]
