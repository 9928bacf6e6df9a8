"""What `als ingest` reports."""

from datetime import datetime

from als_cli.reports import Report


class SourceReport(Report):
    """One file that was read."""

    path: str
    rows: int


class EventTypeReport(Report):
    """One kind of event."""

    type: str
    weight: float | None
    """None: not listed in `events.types`."""
    rows: int
    """Rows inside `events.where`, before the row checks."""


class IngestReport(Report):
    """What `ingest` read, dropped and made."""

    dataset: str
    """Folder of the published dataset."""
    sources: tuple[SourceReport, ...]
    rows: int
    """Rows read."""
    events: int
    """Clean events."""
    dropped: dict[str, int]
    """Rows left out on purpose: where, unlisted_type, negative, duplicate."""
    rejected: dict[str, int]
    """Bad rows per reason, as in rejected.parquet."""
    types: tuple[EventTypeReport, ...]
    """Effective weights, most frequent type first; empty without a type column."""
    users: int
    items: int
    interactions: int
    density: float
    """Interactions / (users x items)."""
    first_time: datetime | None
    """Oldest event of the interactions, UTC."""
    last_time: datetime | None
    """Newest event of the interactions, UTC."""
    seconds: float
