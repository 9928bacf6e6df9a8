"""The report of `als compare`."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted, have
from als_cli.evaluation.list_comparison_report import ItemMove, Spread
from als_cli.stages.compare import ComparedLists, CompareReport

_QUANTILES = ("p5", "p25", "median", "p75", "p95")


@escaping
def render_compare(report: CompareReport) -> RenderableType:
    """Return the numbers of users and items, the similarity of the lists, and the slots by source."""
    lines = [
        f"old: {_named(report.old)}",
        f"new: {_named(report.new)}",
        "",
        *_users(report),
    ]
    after = [*_items(report)]
    if report.changes is not None:
        after.append(
            f"changes: {counted(report.changes.upserts, 'upsert')}, {counted(report.changes.deletes, 'delete')}"
            f" in {short_path(report.changes.file)}"
        )
    return Group(
        *(Text(line, overflow="fold") for line in lines),
        Stacked(_similarity(report)),
        Stacked(_sources(report)),
        Text(),
        *(Text(line, overflow="fold") for line in after),
    )


def _named(lists: ComparedLists) -> str:
    name = lists.version or short_path(lists.path)
    return name if lists.instant is None else f"{name} ({lists.instant:%Y-%m-%d %H:%M} UTC)"


def _users(report: CompareReport) -> list[str]:
    users = report.users
    named = f"{counted(users.in_both, 'user')} {have(users.in_both)} both lists, {users.only_old:,} only the old one"
    lines = [f"{named}, {users.only_new:,} only the new one"]
    if users.in_both:
        lines.append(
            f"{counted(users.changed, 'list')} changed ({_percent(users.changed / users.in_both)}): "
            f"{users.other_items:,} {have(users.other_items)} other items, {users.other_order:,} another order"
        )
    return lines


def _similarity(report: CompareReport) -> Table:
    table = Table("", "mean", *_QUANTILES, box=None, padding=(0, 2, 0, 0))
    for column in table.columns[1:]:
        column.justify = "right"
    rows = (
        ("Jaccard", report.jaccard),
        (f"rank-biased overlap (p = {report.persistence:g})", report.rbo),
        ("new score - old score", report.score_drift.spread),
    )
    for name, spread in rows:
        if spread is not None:
            table.add_row(name, *_cells(spread))
    return table


def _cells(spread: Spread) -> list[str]:
    return [f"{getattr(spread, name):.3f}" for name in ("mean", *_QUANTILES)]


def _sources(report: CompareReport) -> Table:
    table = Table("source", "old slots", "new slots", "kept", box=None, padding=(1, 2, 0, 0))
    table.padding = (0, 2, 0, 0)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in report.sources:
        kept = _percent(one.kept / one.new) if one.new else ""
        table.add_row(one.source or "-", f"{one.old:,}", f"{one.new:,}", kept)
    return table


def _items(report: CompareReport) -> list[str]:
    items = report.items
    lines = [
        f"items in lists: {items.old:,} old, {items.new:,} new; {items.only_new:,} appear, {items.only_old:,} disappear",
        f"slots of users with both lists: {items.slots_gained:,} gained, {items.slots_lost:,} lost",
    ]
    if items.most_gained:
        lines.append(f"gained by most users: {_moves(items.most_gained)}")
    if items.most_lost:
        lines.append(f"lost by most users: {_moves(items.most_lost)}")
    return lines


def _moves(moves: tuple[ItemMove, ...]) -> str:
    return ", ".join(f"{one.item_id} ({one.users:,})" for one in moves)


def _percent(fraction: float) -> str:
    return f"{fraction:.1%}".replace("%", " %")
