"""The report of `als backtest`."""

from datetime import datetime
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.stacked import Stacked
from als_cli.console.views.evaluate import comparison_cells
from als_cli.console.words import counted
from als_cli.evaluation.backtest_report import BacktestReport, SpreadReport

_DAY = 86_400
_AVAILABLE = 80 - len("2026-01-31 ") - len("1,000,000 ")
_VALUE = len("0.1234")
_ROWS = {"mean": "mean", "deviation": "std. dev.", "minimum": "minimum", "maximum": "maximum"}


@escaping
def render_backtest(report: BacktestReport) -> RenderableType:
    """Return two tables of the first ndcg: its values at the cut-offs, and the lead of the model."""
    metric = f"ndcg@{report.at[0]}"
    summary = (
        f"evaluated {counted(report.users, 'user')} at {counted(len(report.cut_offs), 'cut-off')}, {_span(report.step_seconds)} apart, on the "
        f"{_span(report.test_seconds)} after each, in {report.seconds:.1f} s"
    )
    return Group(
        Text(summary),
        Stacked(_figures(report, metric)),
        *(Text(line) for line in _half_lives(report)),
        *([Stacked(_leads(report, metric))] if report.leads else []),
        Text(f"backtest: {short_path(report.backtest)}", overflow="fold"),
    )


def _figures(report: BacktestReport, metric: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), title=f"\n{metric}", title_justify="left")
    table.add_column("cut-off")
    table.add_column("users", justify="right", vertical="bottom")
    for name in _names(report):
        table.add_column(name, justify="right", vertical="bottom")
    for cut_off, day in zip(report.cut_offs, _days(report), strict=True):
        figures = (f"{method.metrics[metric]:.4f}" for method in cut_off.methods)
        table.add_row(day, f"{cut_off.counts['users_evaluated']:,}", *figures)
    table.add_section()
    spreads = [one for one in report.spreads if one.metric == metric]
    for field, title in _ROWS.items():
        table.add_row(title, "", *(_number(one, field) for one in spreads))
    return table


def _half_lives(report: BacktestReport) -> list[str]:
    """Return the half-lives of `recent_popular`, the half-life of the oldest cut-off first; equal neighbours once."""
    methods = [method for cut_off in report.cut_offs for method in cut_off.methods]
    found = [method.half_life for method in methods if method.half_life is not None]
    different = [half_life for half_life, _ in groupby(found)]
    return [f"recent_popular: half-life {', then '.join(different)}"] if different else []


def _names(report: BacktestReport) -> list[str]:
    """Return the names of the methods, on two lines each if they are too long for one row."""
    names = [one.method for one in report.cut_offs[0].methods]
    width = sum(max(len(name), _VALUE) + 1 for name in names)
    return names if width <= _AVAILABLE else [name.replace("_", "\n") for name in names]


def _number(spread: SpreadReport, field: str) -> str:
    value = getattr(spread, field)
    return "" if value is None else f"{value:.4f}"


def _days(report: BacktestReport) -> list[str]:
    """Return the cut-offs as days, with the time if two cut-offs are on the same day."""
    instants = [datetime.fromisoformat(one.cut_off) for one in report.cut_offs]
    days = [f"{one:%Y-%m-%d}" for one in instants]
    return days if len(set(days)) == len(days) else [f"{one:%Y-%m-%d %H:%M}" for one in instants]


def _leads(report: BacktestReport, metric: str) -> Table:
    """Return a row per baseline: how often the model is ahead, and its mean lead."""
    model, cut_offs = report.cut_offs[0].methods[0].method, report.leads[0].cut_offs
    title = (
        f"\nlead of {model} in {metric}: {model} minus baseline, and at how many of {cut_offs} "
        f"cut-offs\n{model} is ahead, clearly better, clearly worse"
    )
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, title=title, title_justify="left")
    table.add_column("baseline")
    for header in ("ahead", "better", "worse", "difference", "95 % interval", "p"):
        table.add_column(header, justify="right")
    table.add_column(f"{model} is")
    for one in report.leads:
        if one.metric == metric:
            counts = (str(count) for count in (one.ahead, one.clearly_ahead, one.clearly_behind))
            table.add_row(one.baseline, *counts, *comparison_cells(one))
    return table


def _span(seconds: float) -> str:
    if seconds % _DAY:
        return f"{seconds / _DAY:.1f} days" if seconds > _DAY else f"{seconds / 3600:.1f} hours"
    days = round(seconds / _DAY)
    return counted(days, "day")
