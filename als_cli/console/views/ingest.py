"""The report of `als ingest`."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted
from als_cli.dataset.ingest_report import IngestReport

_DROPPED = {
    "where": "left out by events.where",
    "unlisted_type": "of a type that events.types does not list",
    "negative": "with a negative value",
    "duplicate": "equal to an earlier row",
}
_MAXIMUM_SOURCES = 10
_MAXIMUM_TYPES = 12


@escaping
def render_ingest(report: IngestReport) -> RenderableType:
    """Return the numbers of kept and dropped rows, the weights of the event types, and a line about the dataset."""
    return Group(
        Stacked(_rows(report)),
        *([Stacked(_types(report))] if report.types else []),
        Text(_summary(report)),
        Text(f"dataset: {short_path(report.dataset)}", overflow="fold"),
    )


def _rows(report: IngestReport) -> Table:
    table = Table("rows", "", box=None, padding=(0, 2))
    table.columns[0].justify = "right"
    table.columns[1].overflow = "fold"
    for source in report.sources[:_MAXIMUM_SOURCES]:
        table.add_row(f"{source.rows:,}", f"in {'stdin' if source.path == '-' else short_path(source.path)}")
    if more := report.sources[_MAXIMUM_SOURCES:]:
        table.add_row(f"{sum(source.rows for source in more):,}", f"in {counted(len(more), 'more file')}")
    if report.as_of and report.later_events:
        table.add_row(
            f"{report.later_events:,}",
            f"later than events.as_of, {report.as_of:%Y-%m-%d %H:%M:%S} UTC",
            style="dim",
        )
    for reason, count in report.dropped.items():
        table.add_row(f"{count:,}", _DROPPED[reason], style="dim")
    for reason, count in report.rejected.items():
        table.add_row(f"{count:,}", f"rejected: {reason}", style="yellow")
    table.add_row(f"{report.events:,}", "clean event" if report.events == 1 else "clean events")
    return table


def _types(report: IngestReport) -> Table:
    table = Table("event type", "weight", "rows", box=None, padding=(0, 2))
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in report.types[:_MAXIMUM_TYPES]:
        table.add_row(kind.type, "dropped" if kind.weight is None else f"{kind.weight:g}", f"{kind.rows:,}")
    if more := report.types[_MAXIMUM_TYPES:]:
        table.add_row(f"{len(more)} more", "", f"{sum(kind.rows for kind in more):,}")
    return table


def _summary(report: IngestReport) -> str:
    span = ""
    if report.first_time and report.last_time:
        span = f", {report.first_time:%Y-%m-%d} to {report.last_time:%Y-%m-%d}"
    return (
        f"{counted(report.users, 'user')} x {counted(report.items, 'item')}, {counted(report.interactions, 'interaction')} "
        f"({report.density:.3%} of all pairs){span}, in {report.seconds:.1f} s"
    )
