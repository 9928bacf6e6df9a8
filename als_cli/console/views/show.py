"""The tables of `als show`."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.plots import LinePlot
from als_cli.console.shortened import ShortenedId
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted
from als_cli.ranking.show_reports import (
    DemandHalfLives,
    ItemDemand,
    ItemEntry,
    ItemReport,
    ModelReport,
    RankedItem,
    UserReport,
)

_WIDE = 110
"""Minimum width of a terminal for ids, strengths and demand beside titles."""
_TWO_TABLES = 72
"""Minimum width of a terminal for two tables side by side."""
_TITLE = 20
"""Minimum width of a column of titles, if there are titles of this length."""
_PLOTTED = 3
"""Minimum number of iterations of a plot."""
_EXPLAINED = 5
"""Items of a list whose reasons are shown."""
_UNITS = (("d", 86_400), ("h", 3600), ("m", 60))
"""Units of half-lives, in seconds."""
_SOURCES = {
    "als": "from trained factors",
    "fold_in": "folded in, newer than the model",
    "segment_popular": "popular in the user's segment",
    "recent_popular": "popular lately",
    "popular": "the popularity list",
    "pinned": "pinned items only",
    "promoted": "promoted items only",
    "explore": "items sampled at random only",
    None: "no list",
}


@escaping
def render_user(report: UserReport) -> RenderableType:
    """Return the history beside the list. A wide terminal also shows ids."""
    head = Text.assemble(
        ("user ", "bold"),
        (str(report.user_id), "bold"),
        f" · {counted(len(report.history), 'item')} · {_SOURCES[report.source]}",
    )
    parts: list[RenderableType] = [head, Text(), _SideBySide(report)]
    missing = report.wanted - len(report.recommended)
    if missing:
        parts.append(Text(f"{missing} of {counted(report.wanted, 'slot')} unfilled: too few candidates"))
    return Group(*parts, *_why(report.recommended), *_legend(report.half_lives))


def _why(recommended: Sequence[RankedItem]) -> list[RenderableType]:
    """Return the reasons of the first items, a line each; nothing without reasons."""
    lines: list[RenderableType] = []
    for item in recommended[:_EXPLAINED]:
        reasons = ", ".join(f"{_name(one)} {one.share:.0%}" for one in item.because)
        if reasons:
            lines.append(Text(f"{item.rank:2}  {reasons}", overflow="ellipsis", no_wrap=True))
    return [Text(), Text("Why: shares of items of the history in the score"), *lines] if lines else []


@escaping
def render_item(report: ItemReport) -> RenderableType:
    """Return the neighbours of the item, nearest first."""
    head = Text.assemble(
        ("item ", "bold"),
        (str(report.item_id), "bold"),
        f" {report.title or ''}".rstrip(),
        f" · {counted(report.users, 'user')} · number {report.popularity_rank:,} of {report.items:,} in popularity",
    )
    if report.demand is not None:
        now, long_run, trend = _demand(report.demand)
        head.append(f"\ndemand {now} · long run {long_run} · trend {trend or 'unknown'}")
    table = _table("Items like it")
    named = _any_title(report.neighbours)
    _add_columns(table, rank=True)
    _add_name_columns(table, ids=named)
    timed = report.half_lives is not None
    _add_columns(table, cosine=True, demand=timed, long_run=timed, trend=timed)
    for item in report.neighbours:
        demand = [] if item.demand is None else _demand(item.demand)
        table.add_row(str(item.rank), *_names(item, ids=named), f"{item.score:.3f}", *demand)
    near: RenderableType = Stacked(table) if report.neighbours else Text("no item is near it")
    return Group(head, Text(), near, *_legend(report.half_lives))


@escaping
def render_model(report: ModelReport) -> RenderableType:
    """Return the hyperparameters and sizes of the model, its loss, and the most popular items."""
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _model_facts(report):
        facts.add_row(name, value)
    popular = _table("Most popular items")
    named = _any_title(report.popular)
    _add_columns(popular, users=True)
    _add_name_columns(popular, ids=named)
    for item in report.popular:
        popular.add_row(f"{item.users:,}", *_names(item, ids=named))
    return Group(facts, *_loss_plot(report.loss), Text(), Stacked(popular))


def _loss_plot(loss: Sequence[float]) -> list[RenderableType]:
    if len(loss) < _PLOTTED:
        return []
    return [Text(), LinePlot("Loss by iteration", loss, [str(k) for k in range(1, len(loss) + 1)])]


def _model_facts(report: ModelReport) -> list[tuple[str, str]]:
    recipe = report.recipe
    facts = [
        ("model", short_path(report.model)),
        (
            "made",
            f"{report.created:%Y-%m-%d %H:%M:%S} UTC by als-cli {report.tool_version} in {report.seconds:.1f} s",
        ),
        ("engine", recipe["engine"]),
        ("settings", _listed(recipe["settings"], leave_out=("threads",))),
        ("confidence", _listed(recipe["confidence"])),
        ("fold-in", _fold_in(recipe)),
        ("demand", _demand_rule(recipe["demand"])),
        ("users", f"{report.users:,} ({report.user_id_type} ids)"),
        ("items", f"{report.items:,} ({report.item_id_type} ids)"),
        ("interactions", f"{report.interactions:,}"),
        ("size", f"{report.bytes / 1e6:,.1f} MB"),
    ]
    if report.loss:
        count = counted(len(report.loss), "iteration")
        facts.append(("loss", f"{report.loss[0]:.6f} → {report.loss[-1]:.6f} in {count}"))
    return facts


def _fold_in(recipe: dict[str, Any]) -> str:
    own, trained = recipe["fold_in"], recipe["confidence"]
    if own is None:
        return "as in training"
    return (
        f"regularization {_shown(own['regularization'])} ({_shown(recipe['settings']['regularization'])} in training), "
        f"item_exponent {_shown(own['confidence']['item_exponent'])} ({_shown(trained['item_exponent'])}), "
        f"half_life {_duration(own['half_life'])}"
    )


def _demand_rule(rule: dict[str, Any]) -> str:
    if rule["exponent"] == rule["long_run_exponent"] == 0:
        return "no influence"
    shown = {
        name: _duration(value) if name.endswith("half_life") else _shown(value)
        for name, value in rule.items()
    }
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def _demand(demand: ItemDemand) -> list[str]:
    """Return demand, long-run demand and trend as texts."""
    trend = "" if demand.trend is None else f"{demand.trend:,.2f}"
    return [f"{demand.now:,.1f}", f"{demand.long_run:,.1f}", trend]


def _legend(half_lives: DemandHalfLives | None) -> list[RenderableType]:
    if half_lives is None:
        return []
    long_run = "all users"
    if half_lives.long_run is not None:
        long_run = f"the same with {_duration(half_lives.long_run)}"
    text = (
        f"demand: users; each counts half for every {_duration(half_lives.now)} since their newest event\n"
        f"long run: {long_run}\n"
        "trend: users per day now / in the long run; 1.00 is constant demand"
    )
    return [Text(), Text(text)]


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "infinite"
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.4g}{unit}"
    return f"{seconds:.4g}s"


def _listed(settings: dict[str, Any], leave_out: tuple[str, ...] = ()) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in settings.items() if name not in leave_out)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class _SideBySide:
    """The history of a user beside their list, or above it in a narrow terminal."""

    def __init__(self, report: UserReport) -> None:
        self._report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= _WIDE
        history, recommended = Stacked(self._history(wide=wide)), Stacked(self._recommended(wide=wide))
        if options.max_width < _TWO_TABLES:
            yield from (history, Text(), recommended)
            return
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(history, recommended)
        yield grid

    def _history(self, *, wide: bool) -> Table:
        history = self._report.history
        shown = max(self._report.wanted, len(self._report.recommended))
        ids = wide and _any_title(history)
        timed = any(item.last_time is not None for item in history)
        strengths = wide or not timed
        table = _table("Has", expand=True)
        _add_name_columns(table, ids=ids)
        _add_columns(table, strength=strengths, last=timed)
        for item in history[:shown]:
            strength = [f"{item.strength:.2f}"] if strengths else []
            last = [f"{item.last_time:%Y-%m-%d}" if item.last_time else ""] if timed else []
            table.add_row(*_names(item, ids=ids), *strength, *last)
        if len(history) > shown:
            table.caption = f"and {len(history) - shown:,} {'older' if timed else 'more'}"
        return table

    def _recommended(self, *, wide: bool) -> Table:
        items = self._report.recommended
        ids = wide and _any_title(items)
        digits = 0 if self._report.source == "popular" else 3
        table = _table("Recommended", expand=True)
        _add_columns(table, rank=True)
        _add_name_columns(table, ids=ids)
        timed = self._report.half_lives is not None
        _add_columns(table, score=True, demand=wide and timed, long_run=wide and timed, trend=timed)
        for item in items:
            demand = [] if item.demand is None else _demand(item.demand)[0 if wide else -1 :]
            table.add_row(str(item.rank), *_names(item, ids=ids), f"{item.score:,.{digits}f}", *demand)
        return table


def _table(title: str, *, expand: bool = False) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        expand=expand,
        min_width=len(title),  # a title longer than its table would be broken
    )


def _add_name_columns(table: Table, *, ids: bool) -> None:
    table.add_column("item", no_wrap=True, overflow="ellipsis", ratio=1, min_width=_TITLE)
    if ids:
        table.add_column("id", no_wrap=True, overflow="ellipsis", ratio=1)


def _add_columns(table: Table, **wanted: bool) -> None:
    for name in (name for name, is_wanted in wanted.items() if is_wanted):
        title = "" if name == "rank" else name.replace("_", " ")
        table.add_column(title, justify="right", no_wrap=True)


def _names(item: ItemEntry, *, ids: bool) -> list[RenderableType]:
    item_id = ShortenedId(str(item.item_id))
    name = item_id if item.title is None else item.title
    return [name, item_id] if ids else [name]


def _name(item: ItemEntry) -> str:
    return item.title if item.title is not None else str(item.item_id)


def _any_title(items: Sequence[ItemEntry]) -> bool:
    return any(item.title is not None for item in items)
