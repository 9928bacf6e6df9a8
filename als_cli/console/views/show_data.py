"""The view of `als show data`."""

from pathlib import PurePath

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.plots import LinePlot
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted
from als_cli.events.checks import REASONS
from als_cli.stages.show_data import DataReport, SideReport

_PLOTTED = 3
"""Minimum number of periods of a plot."""
_DAY = 86_400
_SHOWN_FILES = 8


@escaping
def render_show_data(report: DataReport) -> RenderableType:
    """Return the sizes, the files, the rows that are left out, and plots of the events over time and of the items."""
    return Group(
        _facts(report),
        *_left_out(report),
        *_timeline(report),
        Text(),
        Stacked(_sides(report)),
        *_tail(report.items),
    )


def _facts(report: DataReport) -> Table:
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("dataset", short_path(report.dataset))
    facts.add_row("made", f"{report.created:%Y-%m-%d %H:%M:%S} UTC")
    for name, rows in list(report.files.items())[:_SHOWN_FILES]:
        facts.add_row("file", PurePath(name).name + ("" if rows is None else f" ({counted(rows, 'row')})"))
    if len(report.files) > _SHOWN_FILES:
        facts.add_row("", f"and {counted(len(report.files) - _SHOWN_FILES, 'more file')}")
    facts.add_row("events", f"{report.events:,} of {counted(report.rows, 'row')}")
    percent = f"{report.density:.2%}".replace("%", " %")
    facts.add_row("pairs", f"{report.pairs:,}, {percent} of all pairs of a user and an item")
    if report.first is not None and report.newest is not None:
        age = max(0.0, ((report.as_of or report.created) - report.newest).total_seconds()) / _DAY
        facts.add_row("oldest event", f"{report.first:%Y-%m-%d %H:%M} UTC")
        facts.add_row(
            "newest event", f"{report.newest:%Y-%m-%d %H:%M} UTC, {age:,.1f} days before the ingest"
        )
    else:
        facts.add_row("times", "the events have no timestamps")
    return facts


def _left_out(report: DataReport) -> list[RenderableType]:
    rows = [("rejected", REASONS.get(name, name), number) for name, number in report.rejected.items()]
    rows += [("dropped", name.replace("_", " "), number) for name, number in report.dropped.items()]
    if report.later_events:
        rows.append(("left out", "later than events.as_of", report.later_events))
    if not rows:
        return []
    table = _table("Rows that are not in the dataset")
    table.add_column("row is", no_wrap=True)
    table.add_column("reason", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    for kind, reason, number in rows:
        table.add_row(kind, reason, f"{number:,}")
    return [Text(), Stacked(table)]


def _timeline(report: DataReport) -> list[RenderableType]:
    if len(report.timeline) < _PLOTTED:
        return []
    form = "%m-%d %H:%M" if report.period == "hour" else "%Y-%m-%d"
    names = [one.start.strftime(form) for one in report.timeline]
    return [
        Text(),
        LinePlot(f"Events per {report.period}", [float(one.events) for one in report.timeline], names),
    ]


def _sides(report: DataReport) -> Table:
    table = _table("Pairs of a user or an item")
    table.add_column("", no_wrap=True)
    table.add_column("number", justify="right", no_wrap=True)
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column("90 %", justify="right", no_wrap=True)
    table.add_column("most", justify="right", no_wrap=True)
    table.add_column("top 10 % have", justify="right", no_wrap=True)
    for name, side in (("users", report.users), ("items", report.items)):
        figures = (side.quantiles[one] for one in ("0.5", "0.9", "1"))
        top = f"{side.fraction_of_top['0.1']:.0%} of the pairs".replace("%", " %")
        table.add_row(name, f"{side.count:,}", *(f"{one:,}" for one in figures), top)
    return table


def _tail(items: SideReport) -> list[RenderableType]:
    if items.count < _PLOTTED:
        return []
    names = [f"{x:.0%} of the items".replace("%", " %") for x, _ in items.concentration]
    values = [y for _, y in items.concentration]
    return [Text(), LinePlot("Fraction of the pairs of the most popular items", values, names)]


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        min_width=len(title),
    )
