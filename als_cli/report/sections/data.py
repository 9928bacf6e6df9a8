"""Section `data`: the events over time, long tails, left-out rows, and freshness."""

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from als_cli.dataset.description import (
    TAIL_FRACTIONS,
    UNIT_NAMES,
    concentration,
    events_per_period,
    fraction_of_top,
    period_unit,
)
from als_cli.dataset.interactions import Interactions
from als_cli.report.charts.columns import histogram, timeline
from als_cli.report.charts.lines import LineAxes, Mark, lines
from als_cli.report.parts import Chart, Fact, Table, table_of
from als_cli.report.sections.left_out import counts_by_reason, left_out_rows, source_files
from als_cli.report.text import count, day, duration, instant, percent, readable
from als_cli.storage.dataset_files import StoredDataset

_MAXIMUM_PERIODS = 130
_CLASSES = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)


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
    unit = period_unit(first, newest, _MAXIMUM_PERIODS)
    periods = [
        replace(one, series=readable(one.series)) for one in events_per_period(dataset.scan_events(), unit)
    ]
    totals = Counter[datetime]()
    for one in periods:
        totals[one.start] += one.events
    [(busiest, _)] = totals.most_common(1)
    summary = (
        f"Events per {UNIT_NAMES[unit]} from {day(first)} to {day(newest)}. "
        f"The busiest {UNIT_NAMES[unit]} begins on {day(busiest)}. A gap means that no event was read."
    )
    rows = [(instant(one.start), readable(one.series), count(one.events)) for one in periods]
    several = len({one.series for one in periods}) > 1
    table = table_of(
        f"Events per {UNIT_NAMES[unit]}",
        ("from", "type", "events") if several else ("from", "events"),
        rows if several else [(start, events) for start, _, events in rows],
    )
    return Chart("events-over-time", "Events over time", summary, timeline(periods, "events"), table)


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
