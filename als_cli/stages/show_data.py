"""`als show data`: what the dataset has, from which files, and what was left out."""

from collections import Counter
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
from als_cli.report.sections.left_out import counts_by_reason
from als_cli.reports import Report
from als_cli.stages.context import StageContext, reads_events
from als_cli.storage.dataset_files import StoredDataset, open_dataset

_MAXIMUM_PERIODS = 90
_QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)


class PeriodCount(Report):
    """The events of one period."""

    start: datetime
    events: int
    types: dict[str, int]
    """Events by type; empty if no source has types."""


class SideReport(Report):
    """The users or the items."""

    count: int
    quantiles: dict[str, int]
    """Quantiles of the number of pairs of a user or an item, by fraction."""
    fraction_of_top: dict[str, float]
    """Fraction of all pairs that the most active users or most popular items have, by their fraction."""
    concentration: tuple[tuple[float, float], ...]
    """Pairs (fraction of the users or items, fraction of the pairs), the most active first."""


class DataReport(Report):
    """The dataset that `show data` describes."""

    dataset: str
    """Folder of the published dataset."""
    created: datetime
    as_of: datetime | None
    rows: int
    events: int
    pairs: int
    density: float
    """Fraction of all user-item pairs that have an event."""
    first: datetime | None
    """Time of the oldest event; None without timestamps."""
    newest: datetime | None
    files: dict[str, int | None]
    """Rows of each file that was read."""
    rejected: dict[str, int]
    """Rejected rows by reason."""
    dropped: dict[str, int]
    """Dropped rows by reason."""
    later_events: int
    """Events after `events.as_of`, which are left out."""
    users: SideReport
    items: SideReport
    period: str | None
    """Length of the periods in `timeline`: hour, day, week, month, quarter or year; None without timestamps."""
    timeline: tuple[PeriodCount, ...]
    """Events over time. Periods without events are absent."""


@reads_events
def show_data(context: StageContext) -> DataReport:
    """Return a description of the current dataset.

    Raises
    ------
    ArtifactError
        There is no dataset, or it is broken.
    """
    dataset = open_dataset(context.dataset_place)
    found, manifest = dataset.interactions, dataset.manifest
    users, items = found.matrix.shape
    first = found.users["first_time"].min()
    period, timeline = _timeline(dataset, first if isinstance(first, datetime) else None)
    return DataReport(
        dataset=str(dataset.folder),
        created=manifest.created,
        as_of=manifest.as_of,
        rows=manifest.counts.get("rows", 0),
        events=manifest.counts.get("events", 0),
        pairs=found.matrix.nnz,
        density=found.matrix.nnz / (users * items),
        first=first if isinstance(first, datetime) else None,
        newest=found.newest,
        files={file.path: file.rows for file in manifest.inputs},
        rejected=counts_by_reason(manifest, "rejected_"),
        dropped=counts_by_reason(manifest, "dropped_"),
        later_events=manifest.counts.get("later_events", 0),
        users=_side(found.users["interactions"].to_numpy()),
        items=_side(found.items["interactions"].to_numpy()),
        period=period,
        timeline=timeline,
    )


def _timeline(dataset: StoredDataset, first: datetime | None) -> tuple[str | None, tuple[PeriodCount, ...]]:
    newest = dataset.interactions.newest
    if first is None or newest is None:
        return None, ()
    unit = period_unit(first, newest, _MAXIMUM_PERIODS)
    by_start: dict[datetime, Counter[str]] = {}
    for one in events_per_period(dataset.scan_events(), unit):
        by_start.setdefault(one.start, Counter())[one.series] += one.events
    counts = tuple(
        PeriodCount(start=start, events=types.total(), types={} if set(types) == {""} else dict(types))
        for start, types in by_start.items()
    )
    return UNIT_NAMES[unit], counts


def _side(pairs: np.ndarray) -> SideReport:
    counts = pairs.astype(np.int64)
    values = np.quantile(counts, _QUANTILES, method="inverted_cdf")
    return SideReport(
        count=len(counts),
        quantiles={f"{one:g}": int(value) for one, value in zip(_QUANTILES, values, strict=True)},
        fraction_of_top={f"{one:g}": fraction_of_top(counts, one) for one in TAIL_FRACTIONS},
        concentration=tuple(concentration(counts, 21)),
    )
