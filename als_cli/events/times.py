"""Timestamps of any supported type and format as Datetime[us, UTC]."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from als_cli.errors import ConfigError, DataError

EPOCH_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
"""Microseconds per unit of epoch time."""
UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
UTC_MICROSECONDS = pl.Datetime("us", "UTC")

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_OLDEST_PLAUSIBLE = datetime(1980, 1, 1, tzinfo=UTC)
_YEARS_AHEAD = 10
_BOUND = 9.0e18
"""Maximum magnitude in microseconds. It keeps invalid epoch times within Int64, where they are future or unreadable."""
_OLDEST = pl.lit(datetime(1000, 1, 1)).dt.replace_time_zone("UTC")  # noqa: DTZ001 - polars sets the zone on this line
"""Older times are placeholders such as 0001-01-01, and durations before them leave the calendar."""
_CALENDAR_DAYS = (date(1, 1, 1).toordinal() - _EPOCH_DAY, date.max.toordinal() - _EPOCH_DAY)
_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_TRUE = pl.lit(value=True)
_ISO_FORMS = ("%Y-%m-%dT%H:%M:%S%.f", "%+", "%Y-%m-%d", "%Y-%m-%dT%H:%M")


@dataclass(frozen=True)
class TimeFacts:
    """Type and counts of the timestamp column of one source."""

    file: str
    column: str
    dtype: pl.DataType
    times: int
    """Values that are not null and not blank."""
    numbers: int
    """Times that are numbers."""
    lowest: float | None
    """Minimum number."""
    highest: float | None
    """Maximum number."""


def plain_time(name: str, dtype: pl.DataType, *, column: str, file: str) -> pl.Expr:
    """Return the timestamp column `name` as a date, a datetime, a number or a text. A blank text or NaN gives null.

    Raises
    ------
    DataError
        The type of the column cannot hold times.
    """
    raw = pl.col(name)
    if dtype.is_float():
        return pl.when(raw.is_finite()).then(raw)
    if dtype.is_integer() or isinstance(dtype, pl.Decimal | pl.Date | pl.Datetime):
        return raw
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        text = raw.cast(pl.String).str.strip_chars()
        return pl.when(text != "").then(text)
    raise DataError(
        f"{file}: column {column!r} holds {dtype}, which is not a time",
        hint="map a column of dates, datetimes, texts or epoch numbers",
    )


def as_number(plain: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a plain timestamp as Float64, or null if it is not a number."""
    return pl.lit(None, pl.Float64) if dtype.is_temporal() else plain.cast(pl.Float64, strict=False)


def time_figures(dtype: pl.DataType, inside: pl.Expr = _TRUE) -> list[pl.Expr]:
    """Return expressions for the counts of :class:`TimeFacts`, on a plain column `timestamp` of type `dtype`.

    Only rows for which `inside` is true count.
    """
    number = pl.when(inside).then(as_number(pl.col("timestamp"), dtype))
    return [
        (inside & pl.col("timestamp").is_not_null()).sum().alias("times"),
        number.is_not_null().sum().alias("numbers"),
        number.min().alias("lowest"),
        number.max().alias("highest"),
    ]


def time_facts(file: str, column: str, dtype: pl.DataType, found: Mapping[str, Any]) -> TimeFacts:
    """Return the facts of `column` in `file`; `found` has the values of :func:`time_figures`."""
    return TimeFacts(
        file, column, dtype, *(found[name] for name in ("times", "numbers", "lowest", "highest"))
    )


def check_format(declared: str) -> None:
    """Raise a ConfigError unless `declared` is `auto`, an epoch unit, `iso` or a pattern with % directives."""
    if declared not in ("auto", "iso", *EPOCH_UNITS) and "%" not in declared:
        raise ConfigError(
            f"events.timestamp_format: {declared!r} is not a timestamp format",
            hint="use auto, s, ms, us, ns, iso, or a strftime pattern, for example '%d/%m/%Y %H:%M'",
        )


def time_format(declared: str, facts: TimeFacts, clock: datetime) -> str:
    """Return the format of the column: `declared`, or for ``auto`` an epoch unit or ``iso``.

    An epoch unit is inferred only if it places all numbers from 1980 to ten years after `clock`.

    Raises
    ------
    DataError
        No unit fits all numbers.
    """
    if declared != "auto" or facts.dtype.is_temporal() or not facts.times:
        return declared
    if facts.dtype == pl.String and facts.numbers * 2 < facts.times:
        return "iso"
    unit = plausible_unit(facts, clock)
    if unit is None:
        raise DataError(
            f"{facts.file}: the unit of the times in column {facts.column!r} cannot be inferred "
            f"(numbers from {facts.lowest:.0f} to {facts.highest:.0f})",
            hint="set events.timestamp_format: s, ms, us, ns, or a strftime pattern, for example %Y%m%d",
        )
    return unit


def plausible_unit(facts: TimeFacts, clock: datetime) -> str | None:
    """Return the epoch unit that places all numbers from 1980 to ten years after `clock`, or None."""
    if facts.lowest is None or facts.highest is None:
        return None
    oldest = _OLDEST_PLAUSIBLE.timestamp() * 1e6
    latest = clock.timestamp() * 1e6 + _YEARS_AHEAD * 365.25 * 86_400 * 1e6
    for unit, microseconds in EPOCH_UNITS.items():
        if oldest <= facts.lowest * microseconds and facts.highest * microseconds <= latest:
            return unit
    return None


def is_unreadable(time: pl.Expr) -> pl.Expr:
    """Return whether a time of :func:`as_time` is null or before the year 1000."""
    return time.is_null() | (time < _OLDEST)


def within_calendar(plain: pl.Expr, dtype: pl.Date | pl.Datetime) -> pl.Expr:
    """Return a date or datetime, or null for one outside the years 1 to 9999, which polars cannot show or convert."""
    days = plain.to_physical().cast(pl.Int64) // _PER_DAY.get(getattr(dtype, "time_unit", "d"), 1)
    return pl.when(days.is_between(*_CALENDAR_DAYS)).then(plain)


def as_time(plain: pl.Expr, dtype: pl.DataType, form: str) -> pl.Expr:
    """Return a plain timestamp as Datetime[us, UTC], or null if it is unreadable. A time without zone is UTC."""
    if isinstance(dtype, pl.Date | pl.Datetime):
        plain = within_calendar(plain, dtype)
    if isinstance(dtype, pl.Datetime):
        zoned = plain.dt.convert_time_zone("UTC") if dtype.time_zone else plain.dt.replace_time_zone("UTC")
        return zoned.dt.cast_time_unit("us")
    if dtype == pl.Date:
        return plain.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if form in EPOCH_UNITS:
        return _from_epoch(plain, dtype, form)
    text = plain if dtype == pl.String else plain.cast(pl.Int64, strict=False).cast(pl.String)
    if form in ("iso", "auto"):
        joined = text.str.replace(" ", "T", literal=True)
        return pl.coalesce(_parsed(joined, pattern) for pattern in _ISO_FORMS)
    return _parsed(text, form)


def _from_epoch(plain: pl.Expr, dtype: pl.DataType, unit: str) -> pl.Expr:
    number = plain.cast(pl.Float64, strict=False)
    microseconds = (number * EPOCH_UNITS[unit]).clip(-_BOUND, _BOUND).round().cast(pl.Int64)
    if not dtype.is_float():
        # Large integers are exact only in integer arithmetic. Integers out of range would overflow there.
        whole = plain.cast(pl.Int64, strict=False)
        exact = whole // 1000 if unit == "ns" else whole * int(EPOCH_UNITS[unit])
        in_range = whole.is_not_null() & (number.abs() * EPOCH_UNITS[unit] < _BOUND)
        microseconds = pl.when(in_range).then(exact).otherwise(microseconds)
    return microseconds.cast(UTC_MICROSECONDS)


def _parsed(text: pl.Expr, pattern: str) -> pl.Expr:
    return text.str.to_datetime(pattern, strict=False, time_unit="us", time_zone="UTC")
