"""The report of `als tune`."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted
from als_cli.tuning.report import TrialReport, TuneReport, best_first

_SHOWN = 5
_IN_TABLE = ("factors", "iterations", "regularization")
_UNITS = {
    "regularization": "where frequency_exponent is 1",
    "unobserved_weight": "times interactions / (users x items)",
    "fold_in_regularization": "times regularization",
    "fold_in_item_exponent": "times item_exponent",
}
"""Units of the values of `tune.space`."""


@escaping
def render_tune(report: TuneReport) -> RenderableType:
    """Return the best trials beside the config as given, all values of the best trial, and the path of its config."""
    counts = [
        f"{report.count(state)} {state}" for state in ("done", "pruned", "failed") if report.count(state)
    ]
    summary = (
        f"{counted(len(report.trials), 'trial')} ({', '.join(counts)}), {report.new_trials} of them now in "
        f"{report.seconds:.1f} s, on {counted(report.folds, 'fold')}, {counted(report.users, 'user')} in all"
    )
    before = [Text(line) for line in (_ingest_line(report), _screen_line(report)) if line]
    return Group(
        *before,
        Text(summary),
        Stacked(_table(report)),
        Text(f"\n{_verdict(report)}"),
        *([] if report.best.untuned else [_values_of_best(report.best)]),
        Text(f"config: {short_path(report.config)}", overflow="fold"),
    )


def _ingest_line(report: TuneReport) -> str:
    done = report.ingest
    return f"events ingested in {done.seconds:.1f} s" if done and done.status == "done" else ""


def _screen_line(report: TuneReport) -> str:
    if report.screen is None:
        return ""
    screen = report.screen
    return (
        f"first round: {counted(len(screen.trials), 'trial')} on a sample of {counted(screen.users, 'user')}, "
        f"the best {screen.kept} went on"
    )


def _table(report: TuneReport) -> Table:
    """Return a row for each of the best trials and for the config as given, with the most expensive hyperparameters."""
    best = best_first(report.trials)[:_SHOWN]
    shown = best if report.untuned in best else [*best, report.untuned]
    names = [name for name in _IN_TABLE if name in report.best.parameters]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for header in ("trial", report.metric, "change", *names, "seconds"):
        table.add_column(header, justify="right", no_wrap=True)
    for trial in shown:
        table.add_row(*_cells(trial, names, report.untuned.value or 0.0))
    return table


def _cells(trial: TrialReport, names: list[str], untuned: float) -> list[str]:
    value = trial.value or 0.0
    if trial.untuned:
        return [str(trial.number), f"{value:.5f}", "as given", *("" for _ in names), f"{trial.seconds:.1f}"]
    change = f"{100 * (value / untuned - 1):+.1f} %" if untuned else ""
    shown = (
        f"{trial.parameters[name]:.2g}" if name == "regularization" else f"{trial.parameters[name]:.0f}"
        for name in names
    )
    return [str(trial.number), f"{value:.5f}", change, *shown, f"{trial.seconds:.1f}"]


def _values_of_best(best: TrialReport) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    names = [*(name for name in _IN_TABLE if name in best.parameters)]
    for name in (*names, *(name for name in best.parameters if name not in names)):
        table.add_row(f"  {name}", f"{best.parameters[name]:.4g}", _UNITS.get(name, ""))
    return Group(Text(f"\ntrial {best.number}, values as in tune.space:"), Stacked(table))


def _verdict(report: TuneReport) -> str:
    best, untuned = report.best.value or 0.0, report.untuned.value or 0.0
    if report.best.untuned:
        return "no trial was better than the config as given"
    return f"best {report.metric} {best:.5f}, {untuned:.5f} with the config as given"
