"""Events that are later than `events.as_of`. They do not exist: they are removed before a source is probed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.errors import DataError, counted
from als_cli.events.sources import Source
from als_cli.events.times import (
    TimeFacts,
    as_time,
    is_unreadable,
    plain_time,
    time_facts,
    time_figures,
    time_format,
)
from als_cli.tables.scan import reading

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class LaterEvents:
    """The events of a source that are later than `events.as_of`, and the times of all its rows."""

    events: int
    """Rows that are later. They are not part of the source any more."""
    readable: int
    """Rows with a readable time, later ones included."""
    oldest: int | None
    """The oldest readable time, microseconds since 1970 in UTC."""
    form: str
    """The timestamp format of the source."""
    facts: TimeFacts
    """Type and counts of the timestamp column, from all rows of the file."""


def without_later(
    source: Source, config: EventsConfig, as_of: datetime, clock: datetime
) -> tuple[Source, LaterEvents]:
    """Return `source` without the events after `as_of`, and the figures of these events.

    Rows without a readable time stay. `config` gives the format of the times; a format ``auto`` is inferred from all
    rows of the file. Rows keep their numbers.

    Raises
    ------
    DataError
        The file or its times cannot be read.
    """
    name = source.columns["timestamp"]
    plain = plain_time(name, source.dtypes["timestamp"], column=name, file=source.file.shown)
    times = source.rows.select(plain.alias("timestamp"))
    with reading(source.file.shown, source.fmt):
        dtype = times.collect_schema()["timestamp"]
        found = times.select(time_figures(dtype)).collect(engine="streaming").row(0, named=True)
        facts = time_facts(source.file.shown, name, dtype, found)
        form = time_format(config.timestamp_format, facts, clock)
        figures = times.select(_figures(as_time(pl.col("timestamp"), dtype, form), as_of))
        counts = figures.collect(engine="streaming").row(0, named=True)
    rows = source.rows.filter(~_is_later(as_time(plain, dtype, form), as_of))
    return replace(source, rows=rows), LaterEvents(form=form, facts=facts, **counts)


def check_any_left(
    sources: Iterable[LaterEvents | None], rows: int, as_of: datetime | None, hint: str | None
) -> None:
    """Return when an event with a readable time exists at `as_of`, or when no event is later.

    `rows` is the number of rows of all sources. `hint` replaces the usual hint.

    Raises
    ------
    DataError
        All events with a readable time are later.
    """
    found = [later for later in sources if later is not None]
    readable = sum(later.readable for later in found)
    oldest = [later.oldest for later in found if later.oldest is not None]
    if as_of is None or not oldest or sum(later.events for later in found) < readable:
        return
    have = "has" if rows - readable == 1 else "have"
    unreadable = f"; {counted(rows - readable, 'row')} {have} no readable time" if readable < rows else ""
    raise DataError(
        f"no event is at or before events.as_of {as_of:%Y-%m-%d %H:%M:%S} UTC",
        hint=hint
        or f"the time of the oldest event is {_shown(min(oldest))}{unreadable}; set a later events.as_of (or --as-of)",
    )


def _is_later(time: pl.Expr, as_of: datetime) -> pl.Expr:
    return (time > pl.lit(as_of).dt.cast_time_unit("us")).fill_null(value=False)


def _figures(time: pl.Expr, as_of: datetime) -> list[pl.Expr]:
    readable = ~is_unreadable(time)
    return [
        _is_later(time, as_of).sum().alias("events"),
        readable.sum().alias("readable"),
        time.filter(readable).min().dt.epoch("us").alias("oldest"),
    ]


def _shown(microseconds: int) -> str:
    try:
        return f"{_EPOCH + timedelta(microseconds=microseconds):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return "after the year 9999"
