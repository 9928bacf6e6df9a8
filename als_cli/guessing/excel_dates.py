"""Dates that Excel stores: days since 1899-12-30, with the time of day as a fraction. A query makes seconds of them."""

from collections.abc import Mapping

import polars as pl

from als_cli.config.query import EVENTS_TABLE
from als_cli.guessing.facts import ColumnFacts, is_pattern
from als_cli.guessing.names import name_score
from als_cli.guessing.nested import Nested, quoted

_EARLIEST, _LATEST = 20_000, 60_000
"""Days of the years 1954 to 2064."""
_NAMED = 0.5
_EPOCH_DAY, _DAY_SECONDS = 25_569, 86_400
_REASON = (
    "the numbers are days since 1899-12-30, as Excel stores dates; the query makes seconds since 1970 of them"
)


def excel_date(facts: Mapping[str, ColumnFacts]) -> str | None:
    """Return the column whose name is that of a time and whose values are dates of Excel, None without one."""
    found = [name for name, one in facts.items() if _is_excel_date(one)]
    return max(found, key=lambda name: name_score("timestamp", name), default=None)


def with_excel_date(frame: pl.DataFrame, column: str) -> Nested:
    """Return the plain columns of `frame`, in which `column` has seconds since 1970."""
    fields = {
        name: (pl.col(name), quoted(name))
        for name, dtype in frame.schema.items()
        if not is_pattern(name) and not dtype.is_nested()
    }
    days = f"try_cast({quoted(column)} as double)"
    seconds = (pl.col(column).cast(pl.Float64, strict=False) - _EPOCH_DAY) * _DAY_SECONDS
    fields[column] = (
        seconds.round().cast(pl.Int64),
        f"cast(round(({days} - {_EPOCH_DAY}) * {_DAY_SECONDS}) as bigint)",
    )
    flat = frame.select(expression.alias(name) for name, (expression, _) in fields.items())
    expressions = {name: text for name, (_, text) in fields.items()}
    return Nested(flat, expressions, EVENTS_TABLE, "", {column: _REASON})


def _is_excel_date(facts: ColumnFacts) -> bool:
    if not facts.is_numeric or facts.lowest is None or facts.highest is None:
        return False
    is_named = name_score("timestamp", facts.name) >= _NAMED
    return is_named and _EARLIEST <= facts.lowest <= facts.highest <= _LATEST
