"""The report of `als check`."""

from datetime import datetime

from als_cli.reports import Report


class ProblemReport(Report):
    """A mistake that stops a run."""

    message: str
    hint: str | None
    exit_code: int
    """The code with which a run would exit."""


class ExampleReport(Report):
    """A value before and after it is parsed."""

    raw: str
    parsed: str | None
    """None if the value cannot be parsed."""


class ColumnReport(Report):
    """A mapped column in the first rows of a file."""

    role: str
    column: str
    type: str
    """Type in the file."""
    parsed: str
    """Type after parsing."""
    values: int
    """Rows with a value."""
    distinct: int
    examples: tuple[ExampleReport, ...]


class RejectedReport(Report):
    """Rows that are rejected for one reason."""

    reason: str
    meaning: str
    rows: int
    row: int
    """The first of these rows, from 1."""
    example: str
    hint: str | None


class SourceCheckReport(Report):
    """The first rows of a file."""

    path: str
    """The file, or `events.query`."""
    rows: int
    kept: int
    dropped: dict[str, int]
    """Rows that the config drops, per cause: where, unlisted_type, later."""
    timestamp_format: str | None
    first_time: datetime | None
    last_time: datetime | None
    types: dict[str, float | None]
    """Weight of each event type that was found; None if it is not listed."""
    columns: tuple[ColumnReport, ...]
    rejected: tuple[RejectedReport, ...]


class CatalogCheckReport(Report):
    """The catalogue and the items of the first rows."""

    path: str
    rows: int
    items: int
    """Distinct items in the first rows of the events."""
    joined: int
    """Items that are in the catalogue."""
    has_titles: bool


class CheckReport(Report):
    """What `als check` found."""

    ok: bool
    exit_code: int
    """0, or the code of the first problem."""
    files: int
    """Number of event files, also those that were not checked."""
    sources: tuple[SourceCheckReport, ...]
    catalog: CatalogCheckReport | None
    problems: tuple[ProblemReport, ...]
    warnings: tuple[str, ...]
    """What is allowed, but often a mistake."""
    seconds: float
