"""The report of `als tune`."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.stages.tune_report import TrialReport, TuneReport

_SHOWN = 5
_HEADERS = {
    "factors": "fac-\ntors",
    "regularization": "ridge",
    "unobserved_weight": "unob-\nserv.",
    "frequency_exponent": "freq.\nexp.",
    "alpha": "alpha",
    "user_exponent": "user\nexp.",
    "item_exponent": "item\nexp.",
    "iterations": "it.",
    "fold_in_regularization": "fold\nridge",
    "fold_in_item_exponent": "fold\nexp.",
}
_FORMATS = {
    "regularization": ".2g",
    "unobserved_weight": ".3g",
    "alpha": ".3g",
    "fold_in_regularization": ".2g",
}
"""Of exponents two decimals, of counts none."""


def render_tune(report: TuneReport) -> RenderableType:
    """Return the best trials and the untuned config, under what was done and above where the winner is."""
    counts = [
        f"{report.count(state)} {state}" for state in ("done", "pruned", "failed") if report.count(state)
    ]
    summary = (
        f"{len(report.trials)} trials ({', '.join(counts)}), {report.new_trials} of them now in "
        f"{report.seconds:.1f} s, on {report.folds} folds, {report.users:,} users in all"
    )
    before = [Text(line) for line in (_ingest_line(report), _screen_line(report)) if line]
    return Group(
        *before,
        Text(summary),
        _table(report),
        Text(_verdict(report)),
        Text(f"config: {report.config}", overflow="fold"),
    )


def _ingest_line(report: TuneReport) -> str:
    done = report.ingest
    return f"events ingested in {done.seconds:.1f} s" if done and done.status == "done" else ""


def _screen_line(report: TuneReport) -> str:
    if report.screen is None:
        return ""
    screen = report.screen
    return (
        f"first round: {len(screen.trials)} trials on a sample of {screen.users:,} users, "
        f"the best {screen.kept} went on"
    )


def _table(report: TuneReport) -> Table:
    done = [trial for trial in report.trials if trial.value is not None]
    best = sorted(done, key=lambda trial: (-(trial.value or 0.0), trial.number))[:_SHOWN]
    shown = best if report.untuned in best else [*best, report.untuned]
    names = [name for name in _HEADERS if name in report.best.parameters]
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    metric = report.metric.replace("@", "\n@")
    for header in ("trial", metric, *(_HEADERS[name] for name in names), "sec."):
        table.add_column(header, justify="right", vertical="bottom")
    for trial in shown:
        table.add_row(*_cells(trial, names))
    return table


def _cells(trial: TrialReport, names: list[str]) -> list[str]:
    parameters = ["given" if name == "factors" else "" for name in names]
    if not trial.untuned:
        parameters = [_shown(name, trial.parameters[name]) for name in names]
    value = "" if trial.value is None else f"{trial.value:.5f}"
    return [str(trial.number), value, *parameters, f"{trial.seconds:.0f}"]


def _shown(name: str, value: float) -> str:
    if name in ("factors", "iterations"):
        return f"{value:.0f}"
    return f"{value:{_FORMATS.get(name, '.2f')}}"


def _verdict(report: TuneReport) -> str:
    best, untuned = report.best.value or 0.0, report.untuned.value or 0.0
    if report.best.untuned:
        return "nothing did better than the config as it is"
    gain = f" ({best / untuned - 1:+.1%})" if untuned else ""
    return f"{report.metric} {best:.5f}, {untuned:.5f} with the config as it was{gain}"
