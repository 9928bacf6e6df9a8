"""The report of `als ingest`."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from als_cli.config.events import EventsConfig
from als_cli.dataset.interactions import Interactions
from als_cli.events.cleaning import Cleaned
from als_cli.events.probe import Probed, types_of
from als_cli.reports import Report

_MAXIMUM_TYPES = 50
"""Event types that the report lists, besides those of `events.types`."""

log = logging.getLogger(__name__)


class SourceReport(Report):
    """A file that was read."""

    path: str
    rows: int


class EventTypeReport(Report):
    """An event type."""

    type: str
    weight: float | None
    """None if `events.types` does not list the type."""
    rows: int
    """Rows up to `as_of` that satisfy `events.where`, before rows are checked."""


class IngestReport(Report):
    """What `ingest` read, dropped and made."""

    dataset: str
    """Folder of the published dataset."""
    sources: tuple[SourceReport, ...]
    as_of: datetime | None
    """The instant of the dataset: `events.as_of`, UTC."""
    rows: int
    """Rows read."""
    later_events: int
    """Events after `as_of`, which were left out before all checks."""
    events: int
    """Clean events."""
    dropped: dict[str, int]
    """Rows left out on purpose, per reason: where, unlisted_type, negative, duplicate."""
    rejected: dict[str, int]
    """Bad rows per reason, as in rejected.parquet."""
    types: tuple[EventTypeReport, ...]
    """Effective weights, most frequent type first. Empty without a type column."""
    users: int
    items: int
    interactions: int
    density: float
    """Interactions / (users x items)."""
    first_time: datetime | None
    """Time of the oldest event of the interactions, UTC."""
    last_time: datetime | None
    """Time of the newest event of the interactions, UTC."""
    seconds: float


def ingest_report(
    config: EventsConfig, probed: Sequence[Probed], cleaned: Cleaned, interactions: Interactions, **run: Any
) -> IngestReport:
    """Return the report of an ingest; `run` has the fields `dataset` (the folder) and `seconds`."""
    users, items = interactions.matrix.shape
    times: dict[str, Any] = {
        "first_time": interactions.users["first_time"].min(),
        "last_time": interactions.newest,
    }
    return IngestReport(
        sources=tuple(SourceReport(path=read.source.file.name, rows=read.rows) for read in probed),
        as_of=config.as_of,
        rows=cleaned.rows,
        later_events=cleaned.later,
        events=cleaned.kept,
        dropped=cleaned.dropped,
        rejected=cleaned.rejected,
        types=_types(config, probed),
        users=users,
        items=items,
        interactions=interactions.matrix.nnz,
        density=interactions.matrix.nnz / (users * items),
        **times,
        **run,
    )


def ingest_counts(cleaned: Cleaned, interactions: Interactions) -> dict[str, int]:
    """Return the counts of rows, events, users, items and interactions for the manifest."""
    return {
        "rows": cleaned.rows,
        "later_events": cleaned.later,
        "events": cleaned.kept,
        **{f"dropped_{reason}": count for reason, count in cleaned.dropped.items()},
        **{f"rejected_{reason}": count for reason, count in cleaned.rejected.items()},
        "users": interactions.users.height,
        "items": interactions.items.height,
        "interactions": interactions.matrix.nnz,
    }


def _types(config: EventsConfig, probed: Sequence[Probed]) -> tuple[EventTypeReport, ...]:
    """Return the types of `events.types` and the most frequent other types, with their weights."""
    found = types_of(probed)
    listed = config.types or {}
    for name in sorted(listed.keys() - found.keys()):
        log.warning("events.types lists %r, but no event has this type", name)
    rows = dict(list(found.items())[:_MAXIMUM_TYPES]) | {name: found.get(name, 0) for name in listed}
    unlisted = 1.0 if config.types is None else None
    return tuple(
        EventTypeReport(type=name, weight=listed.get(name, unlisted), rows=count)
        for name, count in rows.items()
    )
