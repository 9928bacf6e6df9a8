"""The report of `als similar` and `als audience`."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted
from als_cli.ranking.vector_lists_report import VectorListsReport

_WORDS = {
    "no_vector": "no list: no factors",
    "minimum_support": "no list: below the minimum support",
    "too_few_candidates": "list not full: too few candidates",
    "limits": "list not full: limits leave too few items",
    "minimum_score": "list not full: too few users with the minimum score",
}
_SIDES = {
    "similar items": ("item", "item"),
    "similar users": ("user", "user"),
    "audience": ("item", "user"),
}


@escaping
def render_similar(report: VectorListsReport) -> RenderableType:
    """Return a summary, and the number of lists that are not full, per reason."""
    owner, listed = _SIDES[report.of]
    written = f"wrote {counted(report.rows, 'slot')} in lists of up to {counted(report.top_n, listed)}"
    lines = [
        f"{written} for {counted(report.lists, owner)} in {report.seconds:.1f} s",
        f"{counted(report.candidates, listed)} could be listed",
    ]
    if report.unknown_items:
        lines.append(f"unknown to the model: {counted(report.unknown_items, 'item')} of the file")
    if report.users_without_vector:
        lines.append(
            f"users without a vector: {report.users_without_vector:,} (no item of theirs is in the model)"
        )
    table = Table(f"{owner}s", "", box=None, padding=(0, 2), show_header=True)
    table.columns[0].justify = "right"
    for name, count in report.shortfall.items():
        table.add_row(f"{count:,}", _WORDS[name])
    place = "stdout" if report.output == "-" else short_path(report.output)
    shortfall = [Stacked(table)] if report.shortfall else []
    return Group(
        *map(Text, lines), *shortfall, Text(f"{report.of}: {place} ({report.format})", overflow="fold")
    )
