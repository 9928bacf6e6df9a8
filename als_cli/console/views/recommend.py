"""The report of `als recommend`."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted, have
from als_cli.ranking.recommend_report import RecommendReport

_WORDS = {
    "als": "from trained factors",
    "fold_in": "folded in: newer than the model",
    "segment_popular": "popular in the user's segment",
    "recent_popular": "popular lately",
    "popular": "popular",
    "pinned": "pinned items only",
    "promoted": "promoted items only",
    "explore": "items sampled at random only",
    "too_few_candidates": "list not full: too few candidates",
    "no_history": "no list: no history and no fallback",
    "limits": "list not full: limits leave too few items",
    "minimum_score": "list not full: too few items with the minimum score",
    "not_allowed": "no list: no item is allowed for this user",
}


@escaping
def render_recommend(report: RecommendReport) -> RenderableType:
    """Return a summary, and the number of users per source and per reason of a shortfall."""
    summary = (
        f"wrote {counted(report.rows, 'slot')} in lists of up to {report.top_n} for {counted(report.users, 'user')} "
        f"in {report.seconds:.1f} s"
    )
    table = Table("users", "", box=None, padding=(0, 2), show_header=True)
    table.columns[0].justify = "right"
    for name, count in (*report.sources.items(), *report.shortfall.items()):
        if count:
            table.add_row(f"{count:,}", _WORDS[name])
    candidates = f"{counted(report.candidates, 'item')} could be recommended"
    if report.never_interacted:
        candidates += f"; {report.never_interacted:,} more of the catalogue {have(report.never_interacted)} no events yet"
    extra = _since_published(report)
    place = "stdout" if report.output == "-" else short_path(report.output)
    lines = [Text(candidates)]
    if report.unreadable_users:
        lines.append(Text(f"{counted(report.unreadable_users, 'row')} of the users file without an id"))
    lines.append(Text(f"lists: {place} ({report.format}, {report.layout})", overflow="fold"))
    return Group(Text(summary), Stacked(table), *_rules(report), *extra, *lines)


def _since_published(report: RecommendReport) -> list[RenderableType]:
    """Return a line about the churn gate, and one about the table of changes."""
    lines = []
    if report.churn is not None:
        lines.append(
            f"beside the published lists: rank-biased overlap {report.churn['rbo']:.3f}, Jaccard "
            f"{report.churn['jaccard']:.3f}, {report.churn['changed_users']:.1%} of users changed".replace(
                "%", " %"
            )
        )
    if report.changes is not None:
        lines.append(
            f"changes: {counted(int(report.changes['upserts']), 'upsert')}, {counted(int(report.changes['deletes']), 'delete')}"
            f" in {short_path(str(report.changes['file']))}"
        )
    return [Text(line, overflow="fold") for line in lines]


def _rules(report: RecommendReport) -> list[RenderableType]:
    """Return a table of what the rules did; nothing without rules."""
    if not report.rules:
        return []
    columns = [
        name
        for name in ("users", "slots", "items")
        if any(name in counts for counts in report.rules.values())
    ]
    table = Table("rule", *columns, box=None, padding=(0, 2), show_header=True)
    for rule, counts in report.rules.items():
        table.add_row(rule, *(f"{counts[name]:,}" if name in counts else "" for name in columns))
    for column in table.columns[1:]:
        column.justify = "right"
    return [Stacked(table)]
