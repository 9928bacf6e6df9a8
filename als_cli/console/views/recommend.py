"""The report of `als recommend`."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.ranking.recommend_report import RecommendReport

_WORDS = {
    "als": "from trained factors",
    "fold_in": "folded in: newer than the model",
    "popular": "popularity list: no history",
    "too_few_candidates": "list not full: too few candidates",
    "no_history": "no list: no history",
}


def render_recommend(report: RecommendReport) -> RenderableType:
    """Return a summary, and the number of users per source and per reason of a shortfall."""
    summary = (
        f"wrote {report.rows:,} slots in lists of up to {report.top_n} for {report.users:,} users "
        f"in {report.seconds:.1f} s"
    )
    table = Table("users", "", box=None, padding=(0, 2), show_header=True)
    table.columns[0].justify = "right"
    for name, count in (*report.sources.items(), *report.shortfall.items()):
        if count:
            table.add_row(f"{count:,}", _WORDS[name])
    candidates = f"{report.candidates:,} items could be recommended"
    if report.never_interacted:
        candidates += f"; {report.never_interacted:,} more of the catalogue have no events yet"
    place = "stdout" if report.output == "-" else report.output
    lines = [Text(candidates)]
    if report.unreadable_users:
        lines.append(Text(f"{report.unreadable_users:,} rows of the users file hold no id"))
    lines.append(Text(f"lists: {place} ({report.format}, {report.layout})", overflow="fold"))
    return Group(Text(summary), table, *lines)
