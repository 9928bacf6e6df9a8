"""The report of `als evaluate --published`."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted
from als_cli.evaluation.hindsight_report import RelevantItems, SlotGroup
from als_cli.stages.hindsight import HindsightReport

_SHOWN = ("hits", "precision", "recall", "ndcg", "hit_rate")
_ROWS = 10


@escaping
def render_hindsight(report: HindsightReport) -> RenderableType:
    """Return the metrics at the first k, and the hit rates of the slots by source, rule, rank and reason."""
    counts, later = report.counts, report.later
    period = (
        ""
        if later.first is None or later.last is None
        else (f", {later.first:%Y-%m-%d %H:%M} to {later.last:%Y-%m-%d %H:%M} UTC")
    )
    lines = [
        f"lists of {report.lists.instant:%Y-%m-%d %H:%M} UTC: {report.lists.version or short_path(report.lists.path)}",
        f"{counted(later.events, 'event')} after them{period}",
        f"{counts['users_evaluated']:,} of {counted(counts['users_with_list'], 'user')} with a list have events",
    ]
    groups = (
        ("source", report.sources),
        ("rule", report.rules),
        ("rank", report.ranks),
        ("reason", report.reasons),
    )
    return Group(
        *(Text(line, overflow="fold") for line in lines),
        *(Stacked(_metrics(one, report.at[0])) for one in report.relevant if one.users),
        *(part for name, found in groups if found for part in (Text(), Stacked(_slots(name, found)))),
        Text(f"hindsight: {short_path(report.file)}", overflow="fold"),
    )


def _metrics(relevant: RelevantItems, k: int) -> Table:
    title = f"\n{relevant.items} items: {counted(relevant.users, 'user')}, {counted(relevant.pairs, 'relevant item')}"
    table = Table(
        "metric", "lists", "95 % interval", box=None, padding=(0, 2, 0, 0), title=title, title_justify="left"
    )
    compared = {one.metric: one for one in relevant.comparisons}
    if compared:
        for header in ("popular", "difference", "lists are"):
            table.add_column(header)
    for column in table.columns[1:5]:
        column.justify = "right"
    for one in relevant.metrics:
        if one.metric in {f"{name}@{k}" for name in _SHOWN}:
            cells = [one.metric, f"{one.value:.4f}", f"{one.low:.4f} to {one.high:.4f}"]
            if one.metric in compared and one.popular is not None:
                difference = compared[one.metric]
                cells += [f"{one.popular:.4f}", f"{difference.difference:+.4f}", difference.conclusion]
            table.add_row(*cells)
    return table


def _slots(name: str, groups: tuple[SlotGroup, ...]) -> Table:
    table = Table(name, "slots", "hits", "hit rate", "95 % interval", box=None, padding=(0, 2, 0, 0))
    for column in table.columns[1:]:
        column.justify = "right"
    for one in groups[:_ROWS]:
        interval = f"{one.low:.4f} to {one.high:.4f}"
        table.add_row(str(one.name), f"{one.shown:,}", f"{one.hits:,}", f"{one.hit_rate:.4f}", interval)
    if len(groups) > _ROWS:
        table.add_row(f"and {len(groups) - _ROWS} more")
    return table
