"""Section `data`: the events over time, long tails, left-out rows, and freshness."""

import itertools
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from als_cli.arrays import Int64Array
from als_cli.dataset.interactions import Interactions
from als_cli.report.charts.columns import EventPeriod, histogram, timeline
from als_cli.report.charts.lines import LineAxes, Mark, lines
from als_cli.report.parts import Chart, Fact, Table, table_of
from als_cli.report.sections.left_out import counts_by_reason, left_out_rows, source_files
from als_cli.report.text import count, day, duration, instant, percent, readable
from als_cli.storage.dataset_files import StoredDataset

_UNITS = (("1h", 3600), ("1d", 86_400), ("1w", 7 * 86_400), ("1mo", 31 * 86_400), ("1q", 92 * 86_400))
_UNIT_NAMES = {"1h": "hour", "1d": "day", "1w": "week", "1mo": "month", "1q": "quarter", "1y": "year"}
_MAXIMUM_PERIODS = 130
_MAXIMUM_TYPES = 7
_CLASSES = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
TAIL_FRACTIONS = (0.01, 0.1, 0.5)


@dataclass(frozen=True)
class DataSection:
    """What the model was trained on."""

    facts: tuple[Fact, ...]
    timeline: Chart | None
    """None if the events have no timestamps."""
    tails: Chart
    histories: Chart
    left_out: Table | None
    """Rejected and dropped rows by reason; None if there are none."""
    sources: Table
    newest: datetime | None
    read_at: datetime
    """The instant that the age of the newest event counts from: `events.as_of`, or else the time of the ingest."""
    rejected_fraction: float

    @property
    def age_seconds(self) -> float | None:
        """Age of the newest event; None without timestamps."""
        return None if self.newest is None else max(0.0, (self.read_at - self.newest).total_seconds())


def data_section(dataset: StoredDataset) -> DataSection:
    """Return the figures of `dataset`."""
    manifest, found = dataset.manifest, dataset.interactions
    users, items = found.matrix.shape
    read_at = manifest.as_of or manifest.created
    rejected = counts_by_reason(manifest, "rejected_")
    rows = manifest.counts.get("rows", 0)
    facts = [
        Fact("Events", count(manifest.counts.get("events", 0)), f"of {count(rows)} rows read"),
        Fact("Users", count(users)),
        Fact("Items", count(items)),
        Fact(
            "User-item pairs",
            count(found.matrix.nnz),
            f"{percent(found.matrix.nnz / (users * items), 2)} of all",
        ),
        Fact("First event", day(found.users["first_time"].min())),  # type: ignore[arg-type]
        Fact("Newest event", day(found.newest), _age(found.newest, read_at)),
    ]
    return DataSection(
        facts=tuple(facts),
        timeline=_timeline(dataset),
        tails=_tails(found),
        histories=_histories(found),
        left_out=left_out_rows(dataset),
        sources=source_files(manifest),
        newest=found.newest,
        read_at=read_at,
        rejected_fraction=sum(rejected.values()) / rows if rows else 0.0,
    )


def _age(newest: datetime | None, read_at: datetime) -> str:
    if newest is None:
        return "the events have no timestamps"
    return f"{duration(max(0.0, (read_at - newest).total_seconds()))} before {day(read_at)}"


def _timeline(dataset: StoredDataset) -> Chart | None:
    first, newest = dataset.interactions.users["first_time"].min(), dataset.interactions.newest
    if not isinstance(first, datetime) or newest is None:
        return None
    seconds = (newest - first).total_seconds()
    unit = next((name for name, size in _UNITS if seconds / size <= _MAXIMUM_PERIODS), "1y")
    periods = _periods(dataset.scan_events(), unit)
    totals = Counter[datetime]()
    for one in periods:
        totals[one.start] += one.events
    [(busiest, _)] = totals.most_common(1)
    summary = (
        f"Events per {_UNIT_NAMES[unit]} from {day(first)} to {day(newest)}. "
        f"The busiest {_UNIT_NAMES[unit]} begins on {day(busiest)}. A gap means that no event was read."
    )
    rows = [(instant(one.start), readable(one.series), count(one.events)) for one in periods]
    several = len({one.series for one in periods}) > 1
    table = table_of(
        f"Events per {_UNIT_NAMES[unit]}",
        ("from", "type", "events") if several else ("from", "events"),
        rows if several else [(start, events) for start, _, events in rows],
    )
    return Chart("events-over-time", "Events over time", summary, timeline(periods, "events"), table)


def _periods(events: pl.LazyFrame, unit: str) -> list[EventPeriod]:
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
        EventPeriod(start, end, events, readable(series) if series else "")
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


def _tails(found: Interactions) -> Chart:
    sides = {"items": found.items["interactions"], "users": found.users["interactions"]}
    counts = {name: values.to_numpy().astype(np.int64) for name, values in sides.items()}
    marks = [
        Mark(x, y, f"{percent(x)} of the {name}: {percent(y)} of the pairs", name)
        for name, values in counts.items()
        for x, y in concentration(values)
    ]
    axes = LineAxes(
        "items or users, most active first",
        "fraction of the pairs",
        "fraction",
        y_format=".0%",
    )
    top = {name: fraction_of_top(values, 0.1) for name, values in counts.items()}
    rows = [
        (
            f"top {percent(fraction, 0)}",
            *(percent(fraction_of_top(values, fraction)) for values in counts.values()),
        )
        for fraction in TAIL_FRACTIONS
    ]
    summary = (
        f"The most popular 10 % of the items have {percent(top['items'], 0)} of the user-item pairs. "
        f"The most active 10 % of the users have {percent(top['users'], 0)}."
    )
    table = table_of("Fraction of the pairs", ("entries", "items", "users"), rows)
    return Chart("long-tails", "Long tails", summary, lines(marks, axes, highlighted="items"), table)


def _histories(found: Interactions) -> Chart:
    sizes = found.users["interactions"].to_numpy().astype(np.int64)
    edges = [*_CLASSES, int(max(_CLASSES[-1], sizes.max())) + 1]
    numbers, _ = np.histogram(sizes, bins=np.array(edges))
    names = [
        f"{low}" if high == low + 1 else f"{low}–{high - 1}" if high != edges[-1] else f"{low}+"
        for low, high in itertools.pairwise(edges)
    ]
    classes = [(name, int(number)) for name, number in zip(names, numbers, strict=True)]
    while len(classes) > 1 and classes[-1][1] == 0:
        classes.pop()
    few = float((sizes < 5).mean())
    summary = (
        f"Users by the number of their items. The median is {int(np.median(sizes))} items. "
        f"{percent(few, 0)} of the users have fewer than 5 items, so their lists rest on little evidence."
    )
    table = table_of(
        "Users by number of items", ("items", "users"), [(name, count(n)) for name, n in classes]
    )
    spec = histogram(classes, "items of the user", "users")
    return Chart("history-lengths", "Length of the histories", summary, spec, table)
