"""The report of `als check`."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted
from als_cli.stages.check_reports import CheckReport, SourceCheckReport

_MAXIMUM_SOURCES = 5
_MAXIMUM_TYPES = 12
_DROPPED = {
    "where": "left out by events.where",
    "unlisted_type": "of a type that events.types does not list",
    "later": "later than events.as_of",
}


@escaping
def render_check(report: CheckReport) -> RenderableType:
    """Return the parsed columns of each file, the rejected rows with hints, and the catalogue."""
    parts: list[RenderableType] = []
    for source in report.sources[:_MAXIMUM_SOURCES]:
        parts += [*_source(source), Text()]
    if more := report.files - min(len(report.sources), _MAXIMUM_SOURCES):
        parts.append(Text(f"{counted(more, 'more file')} {'is' if more == 1 else 'are'} not shown"))
    catalog = report.catalog
    if catalog is not None:
        titles = "with titles" if catalog.has_titles else "without titles"
        parts.append(
            Text(
                f"catalogue {short_path(catalog.path)}: {counted(catalog.rows, 'row')}, {titles}; it has {catalog.joined:,} of the "
                f"{counted(catalog.items, 'item')} of these events",
                overflow="fold",
            )
        )
    parts += [Text(f"warning: {line}", style="yellow", overflow="fold") for line in report.warnings]
    if report.ok:
        parts.append(Text(f"no problems found in {report.seconds:.1f} s", style="green"))
    return Group(*parts)


def _source(source: SourceCheckReport) -> list[RenderableType]:
    name = "stdin" if source.path == "-" else short_path(source.path)
    table = Table("", "column", "type", "values", "example", "parsed", box=None, padding=(0, 2, 0, 0))
    table.columns[3].justify = "right"
    for place in (1, 2, 4, 5):
        table.columns[place].overflow = "fold"
    for column in source.columns:
        example = column.examples[0] if column.examples else None
        parsed = None if example is None else example.parsed
        table.add_row(
            column.role,
            column.column,
            column.type,
            f"{column.distinct:,}",
            "" if example is None else example.raw,
            "" if example is None else "cannot be read" if parsed is None else parsed,
            style="red" if example is not None and parsed is None else "",
        )
    return [
        Text(f"{name}: the first {counted(source.rows, 'row')}", style="bold", overflow="fold"),
        Stacked(table),
        *_facts(source),
        *_rows(source),
    ]


def _facts(source: SourceCheckReport) -> list[RenderableType]:
    found = []
    if source.first_time is not None and source.last_time is not None:
        form = f", format {source.timestamp_format}" if source.timestamp_format not in (None, "auto") else ""
        found.append(
            f"times from {source.first_time:%Y-%m-%d %H:%M} to {source.last_time:%Y-%m-%d %H:%M} UTC{form}"
        )
    if source.types:
        shown = [
            f"{name} {'dropped' if weight is None else format(weight, 'g')}"
            for name, weight in list(source.types.items())[:_MAXIMUM_TYPES]
        ]
        more = len(source.types) - len(shown)
        found.append("weights: " + ", ".join(shown) + (f" and {more} more" if more > 0 else ""))
    return [Text(line, overflow="fold") for line in found]


def _rows(source: SourceCheckReport) -> list[RenderableType]:
    lines: list[RenderableType] = [
        Text(f"{counted(rows, 'row')} {_DROPPED[cause]}", style="dim")
        for cause, rows in source.dropped.items()
    ]
    for one in source.rejected:
        said = f"{counted(one.rows, 'row')} rejected, {one.reason}: {one.meaning}; row {one.row:,}: {one.example}"
        lines.append(Text(said, style="yellow", overflow="fold"))
        if one.hint:
            lines.append(Text(f"  hint: {one.hint}", style="yellow", overflow="fold"))
    return [*lines, Text(counted(source.kept, "clean event"))]
