"""The format of a column of times, from its values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from als_cli.events.time_patterns import patterns_for
from als_cli.events.times import EPOCH_UNITS, UNIT_NAMES, as_time, is_unreadable
from als_cli.guessing.facts import ColumnFacts, text_of

_TESTED = 4000
"""Number of values on which a format is tried."""
_EXAMPLES = 12
_READABLE = 0.98
"""Minimum fraction of the values that a format must read."""
_LATEST = pl.lit(datetime(9000, 1, 1, tzinfo=UTC))
_OLDEST = datetime(1980, 1, 1, tzinfo=UTC)
_RECENT = datetime(1995, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=370)
_CLEARLY = 1.5
"""Minimum ratio of :func:`_directness` that decides between two orders of day and month."""


@dataclass(frozen=True)
class TimeGuess:
    """The format of a column of times."""

    form: str
    """A value of `events.timestamp_format`. `auto` for a column of dates or datetimes."""
    confidence: float
    reasons: tuple[str, ...]
    alternatives: tuple[str, ...] = ()
    has_clock: bool = True
    """Whether the times have a time of day."""


def guess_time(column: pl.Series, facts: ColumnFacts, clock: datetime, first: int) -> TimeGuess | None:
    """Return the format of `column`, None if it has no times. `clock` is now. The `first` values are consecutive rows."""
    dtype = column.dtype
    if isinstance(dtype, pl.Date | pl.Datetime):
        kind = "dates" if dtype == pl.Date else "datetimes"
        return TimeGuess("auto", 1.0, (f"the column has {kind}",), has_clock=dtype != pl.Date)
    if facts.values == 0 or dtype == pl.Boolean:
        return None
    if facts.numbers >= _READABLE * facts.values:
        return _digits(column, facts, clock) or _epoch(column, clock)
    if facts.numbers > 0.5 * facts.values or facts.length < 6 or facts.length > 48:
        return None
    return _text(column, clock, first)


def read_times(column: pl.Series, form: str) -> pl.Series:
    """Return the times of `column` in the format `form`, Datetime[us, UTC], null where it is unreadable.

    Times after the year 9000 are null too, because Python has no later ones.
    """
    frame = pl.DataFrame({"time": column if column.dtype.is_temporal() else _plain(column)})
    time = as_time(pl.col("time"), frame.schema["time"], form)
    try:
        return frame.select(pl.when(~is_unreadable(time) & (time < _LATEST)).then(time).alias("time"))["time"]
    except pl.exceptions.PolarsError:  # an invalid pattern, for example an hour without a minute
        return pl.Series("time", [None] * len(column), pl.Datetime("us", "UTC"))


def _plain(column: pl.Series) -> pl.Series:
    if column.dtype.is_numeric():
        return column.fill_nan(None) if column.dtype.is_float() else column
    return text_of(column)


def _digits(column: pl.Series, facts: ColumnFacts, clock: datetime) -> TimeGuess | None:
    """Return the format of dates that are written as 8, 12 or 14 digits."""
    patterns = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
    pattern = patterns.get(round(facts.length))
    if pattern is None or not facts.is_whole or facts.length != round(facts.length):
        return None
    if _fraction_read(_tested(column), pattern, clock) < _READABLE:
        return None
    return TimeGuess(
        pattern, 0.9, (f"the digits are dates such as {facts.examples[0]}",), has_clock=facts.length > 8
    )


def _epoch(column: pl.Series, clock: datetime) -> TimeGuess | None:
    """Return the epoch unit that places the values between 1980 and next year."""
    numbers = text_of(column).cast(pl.Float64, strict=False).drop_nulls()
    if numbers.is_empty():
        return None
    for unit, microseconds in EPOCH_UNITS.items():
        low, high = _OLDEST.timestamp() * 1e6, (clock + _AHEAD).timestamp() * 1e6
        times = numbers * microseconds
        inside = float(times.is_between(low, high).mean() or 0)  # type: ignore[arg-type]
        if inside < _READABLE:
            continue
        recent = float((times >= _RECENT.timestamp() * 1e6).mean() or 0)  # type: ignore[arg-type]
        years = [_year(times.min()), _year(times.max())] if inside == 1 else []
        span = f" for {inside:.1%} of the values"
        if years:
            span = f" from {years[0]} to {years[1]}" if years[0] < years[1] else f" in {years[0]}"
        reason = f"in {UNIT_NAMES[unit]} since 1970 the values are times{span}"
        return TimeGuess(unit, 0.95 if recent > _READABLE else 0.7, (reason,))
    return None


def _year(microseconds: object) -> int:
    return datetime.fromtimestamp(float(microseconds) / 1e6, UTC).year  # type: ignore[arg-type]


def _text(column: pl.Series, clock: datetime, first: int) -> TimeGuess | None:
    tested = _tested(column)
    if tested.is_empty():
        return None
    if _fraction_read(tested, "iso", clock) >= _READABLE:
        example = str(tested[0])
        has_clock = ":" in example
        return TimeGuess(
            "iso", 0.95, (f"the texts are ISO 8601, for example {example}",), has_clock=has_clock
        )
    examples = tested.unique(maintain_order=True).head(_EXAMPLES).to_list()
    patterns = dict.fromkeys(pattern for text in examples for pattern in patterns_for(text))
    read = {pattern: _fraction_read(tested, pattern, clock) for pattern in patterns}
    best = max(read.values(), default=0.0)
    equal = [pattern for pattern, fraction in read.items() if fraction == best]
    # A leading two-digit year reads almost every date, but few files have one.
    equal = [pattern for pattern in equal if not pattern.startswith("%y")] or equal
    if best < _READABLE:
        return None
    return _decided(equal, column.head(first), examples[0], read)


def _decided(equal: Sequence[str], rows: pl.Series, example: str, read: dict[str, float]) -> TimeGuess:
    """Return the pattern that reads the times, the likeliest if day and month cannot be told apart by their values."""
    has_clock = "%H" in equal[0] or "%I" in equal[0]
    if len(equal) == 1:
        worse = [pattern for pattern in read if pattern != equal[0] and read[pattern] > 0]
        reason = f"pattern {equal[0]} reads the times, for example {example}"
        if worse:
            reason += f"; {worse[0]} reads only {read[worse[0]]:.0%} of them"
        return TimeGuess(equal[0], 0.95, (reason,), has_clock=has_clock)
    order = {pattern: _directness(read_times(rows, pattern)) for pattern in equal}
    ranked = sorted(equal, key=lambda pattern: -order[pattern])
    if order[ranked[0]] > _CLEARLY * order[ranked[1]]:
        reason = f"the rows are nearest to the order of time if they are read as {ranked[0]}"
        return TimeGuess(ranked[0], 0.8, (reason,), tuple(ranked[1:]), has_clock)
    reason = f"both {equal[0]} and {equal[1]} read all times, for example {example}"
    return TimeGuess(equal[0], 0.5, (reason,), tuple(equal[1:]), has_clock)


def _tested(column: pl.Series) -> pl.Series:
    """Return values spread over the column."""
    values = _plain(column).drop_nulls()
    return values.gather_every(max(1, len(values) // _TESTED))


def _fraction_read(values: pl.Series, form: str, clock: datetime) -> float:
    times = read_times(values, form)
    plausible = times.is_between(_OLDEST.replace(year=1900), clock + _AHEAD)
    return float(plausible.fill_null(value=False).mean() or 0)  # type: ignore[arg-type]


def _directness(times: pl.Series) -> float:
    """Return the time span divided by the sum of all steps from row to row: 1 for rows in order, near 0 without order."""
    times = times.drop_nulls().dt.epoch("us")
    steps = float(times.diff().abs().sum())
    return float(times.max() - times.min()) / steps if steps else 0.0  # type: ignore[operator, arg-type]
