"""The report of `als init`."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted
from als_cli.stages.init import GuessReport, InitReport

_STYLES = {"sure": "green", "likely": "yellow", "unsure": "red"}
_SHOWN_TYPES = 6


@escaping
def render_init(report: InitReport) -> RenderableType:
    """Return the guesses with their sureness and reasons, and a line about the config."""
    about = "" if report.are_rows_exact else "about "
    files = f" in {report.files:,} files" if report.files > 1 else ""
    head = Text(
        f"{report.source}: {about}{counted(report.rows, 'row')}{files}, {report.sampled_rows:,} sampled",
        overflow="fold",
    )
    parts: list[RenderableType] = [head, Text(), Stacked(_guess_table(report))]
    if report.catalog is not None and report.catalog_join_rate is not None:
        parts.append(
            Text(
                f"catalogue {report.catalog}: {report.catalog_join_rate:.0%} of the items",
                overflow="fold",
            )
        )
    parts += [Text(f"left out: {note}", overflow="fold", style="dim") for note in report.notes]
    if report.config is not None:
        parts += [
            Text(),
            Text(f"wrote {report.config} in {report.seconds:.1f} s", overflow="fold"),
            Text(f"next: als check -c {report.config}, then als run -c {report.config}", overflow="fold"),
        ]
    return Group(*parts)


def _guess_table(report: InitReport) -> Table:
    table = Table("key", "guess", "", "why", box=None, padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = True
    table.columns[1].overflow = "fold"
    table.columns[1].max_width = 26
    table.columns[3].overflow = "fold"
    for guess in report.guesses:
        table.add_row(
            _short(guess.key),
            _shown(guess),
            Text(guess.sureness, style=_STYLES[guess.sureness]),
            "; ".join(guess.reasons),
        )
    return table


def _short(key: str) -> str:
    for prefix in ("events.columns.", "events.", "recommend.items.columns."):
        if key.startswith(prefix):
            shown = key.removeprefix(prefix)
            return f"catalogue {shown}" if prefix.startswith("recommend") else shown
    return key.removeprefix("evaluate.")


def _shown(guess: GuessReport) -> str:
    value: Any = guess.value
    if not isinstance(value, dict):
        return str(value)
    entries = list(value.items())
    more = f" and {len(entries) - _SHOWN_TYPES} more" if len(entries) > _SHOWN_TYPES else ""
    return "\n".join(f"{name}: {_number(one)}" for name, one in entries[:_SHOWN_TYPES]) + more


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
