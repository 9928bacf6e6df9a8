"""Figures that describe a dataset: events per period, and how unequally users and items share the pairs."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from als_cli.arrays import Int64Array

_UNITS = (("1h", 3600), ("1d", 86_400), ("1w", 7 * 86_400), ("1mo", 31 * 86_400), ("1q", 92 * 86_400))
UNIT_NAMES = {"1h": "hour", "1d": "day", "1w": "week", "1mo": "month", "1q": "quarter", "1y": "year"}
"""Words for the units of periods."""
_MAXIMUM_TYPES = 7
TAIL_FRACTIONS = (0.01, 0.1, 0.5)
"""Fractions of the most active users and most popular items that are reported."""


@dataclass(frozen=True)
class EventPeriod:
    """The number of events of a type in a period."""

    start: datetime
    end: datetime
    events: int
    series: str = ""


def period_unit(first: datetime, newest: datetime, maximum: int) -> str:
    """Return the shortest unit (hour to year) with at most `maximum` periods between two times, as polars writes it."""
    seconds = (newest - first).total_seconds()
    return next((name for name, size in _UNITS if seconds / size <= maximum), "1y")


def events_per_period(events: pl.LazyFrame, unit: str) -> list[EventPeriod]:
    """Return the number of events per period of length `unit`, by type if the events have one.

    The oldest period is first, and in a period the type that most events of all periods have.
    """
    has_types = "type" in events.collect_schema()
    kind = pl.col("type").cast(pl.String).fill_null("without type") if has_types else pl.lit("")
    counts = (
        events.drop_nulls("timestamp")
        .group_by(pl.col("timestamp").dt.truncate(unit).alias("start"), kind.alias("series"))
        .agg(pl.len().alias("events"))
        .collect(engine="streaming")
    )
    totals = (
        counts.group_by("series")
        .agg(pl.col("events").sum())
        .sort("events", "series", descending=[True, False])
    )
    kept = totals["series"].head(_MAXIMUM_TYPES).to_list()
    named = counts.with_columns(
        pl.when(pl.col("series").is_in(kept)).then("series").otherwise(pl.lit("other"))
    )
    table = (
        named.group_by("start", "series")
        .agg(pl.col("events").sum())
        .with_columns(pl.col("start").dt.offset_by(unit).alias("end"))
        .sort("start", pl.col("series").replace_strict(kept, range(len(kept)), default=len(kept)))
    )
    return [
        EventPeriod(start, end, events, series)
        for start, end, events, series in table.select("start", "end", "events", "series").iter_rows()
    ]


def concentration(counts: Int64Array, points: int = 51) -> list[tuple[float, float]]:
    """Return pairs (fraction of the entries, fraction of the sum of `counts` in these entries), largest entries first."""
    ordered = np.sort(counts)[::-1]
    sums = np.concatenate([[0], np.cumsum(ordered, dtype=np.int64)])
    total = max(1, int(sums[-1]))
    places = np.unique(np.linspace(0, len(ordered), min(points, len(ordered) + 1)).round().astype(np.int64))
    return [(float(place / len(ordered)), float(sums[place] / total)) for place in places]


def fraction_of_top(counts: Int64Array, fraction: float) -> float:
    """Return the fraction of the sum of `counts` in the largest `fraction` of the entries, at least one entry."""
    ordered = np.sort(counts)[::-1]
    return float(ordered[: max(1, round(fraction * len(ordered)))].sum() / max(1, ordered.sum()))
