"""The report of `als evaluate`."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.plots import LinePlot
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted
from als_cli.evaluation.report import DifferenceReport, EvaluateReport, GateReport, MethodReport
from als_cli.evaluation.verdict import compared_metric, verdict_of
from als_cli.splitting.protocol import MINIMUM_TEST_USERS

_ACCURACY = {
    "ndcg": "ndcg",
    "recall": "recall",
    "precision": "precision",
    "map": "map",
    "mrr": "mrr",
    "hit_rate": "hit rate",
}
# Only accuracy metrics have a best value. Higher coverage, for example, is not always better.
_LISTS = {
    "coverage": "coverage",
    "popularity": "popularity",
    "gini": "gini",
    "novelty": "novelty",
    "popularity_lift": "pop. lift",
    "filled": "filled",
    "diversity": "diversity",
}
_BEST = "*"
_PLOTTED = 3
"""Minimum number of evaluations of a plot."""
_LEFT_OUT = {
    "no_model": "note: baseline published is left out: there is no published model",
    "same_settings": "note: baseline published is left out: its section train is the same",
}


@escaping
def render_evaluate(report: EvaluateReport) -> RenderableType:
    """Return two tables per k with a row per method, and counts. The best value of each accuracy metric is marked."""
    counts = report.counts
    at = f" at {report.cut_off}" if report.cut_off else ""
    training = (
        f"trained on {counted(counts['training_interactions'], 'interaction')} of {counted(counts['training_users'], 'user')} and "
        f"{counted(counts['training_items'], 'item')}; evaluated in {report.seconds:.1f} s"
    )
    return Group(
        Text(f"{counted(counts['users_evaluated'], 'test user')}, split by {report.split['by']}{at}"),
        *_choice_lines(report),
        Text(training),
        *(
            Stacked(_table(report.methods, k, headers, title))
            for k in report.at
            for headers, title in ((_ACCURACY, f"lists of {k}"), (_LISTS, f"make-up of lists of {k}"))
        ),
        Text(
            f"{_BEST} best of its column; popularity: mean training interactions of listed items;\nnovelty: bits"
        ),
        *(Text(line) for line in (*_half_lives(report.methods), *_notes(report), *_cohort_lines(report))),
        *([Text(_LEFT_OUT[report.published])] if report.published in _LEFT_OUT else []),
        *([Stacked(_comparison_table(report))] if report.comparisons else []),
        *([_gate_line(report.gate)] if report.gate else []),
        *_history_plot(report),
        Text(f"\n{_verdict(report)}\n"),
        Text(f"evaluation: {short_path(report.evaluation)}", overflow="fold"),
    )


def _history_plot(report: EvaluateReport) -> list[RenderableType]:
    if len(report.history) < _PLOTTED:
        return []
    names = [f"{one.evaluated:%Y-%m-%d}" for one in report.history]
    title = f"{compared_metric(report)} of als in the evaluations on disk"
    return [Text(), LinePlot(title, [one.value for one in report.history], names)]


def _verdict(report: EvaluateReport) -> str:
    """Return the result in plain words, as the HTML report has it."""
    metrics = {method.method: method.metrics for method in report.methods}
    metric = compared_metric(report)
    users = report.counts["users_evaluated"]
    return verdict_of(metrics, report.comparisons, users, metric).text.replace("`", "")


def _choice_lines(report: EvaluateReport) -> list[Text]:
    if report.split_choice is None:
        return []
    key = "test" if report.split["by"] == "time" else "fraction"
    return [Text(f"evaluate.split is auto: {key}: {report.split[key]} was chosen")]


def _table(methods: Sequence[MethodReport], k: int, headers: dict[str, str], title: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), title=f"\n{title}", title_justify="left")
    table.add_column("method")
    for name, header in headers.items():
        if f"{name}@{k}" in methods[0].metrics:
            table.add_column(header, justify="right")
    for method in methods:
        cells = [_cell(methods, method, name, k) for name in headers if f"{name}@{k}" in method.metrics]
        table.add_row(method.method, *cells)
    return table


def _cell(methods: Sequence[MethodReport], method: MethodReport, name: str, k: int) -> Text:
    value = method.metrics[f"{name}@{k}"]
    if name == "popularity":
        return Text(_count_text(value))
    if name not in _ACCURACY:
        return Text(f"{value:.2f}" if name in ("novelty", "popularity_lift") else f"{value:.3f}")
    best = max(one.metrics[f"{name}@{k}"] for one in methods)
    is_best = len(methods) > 1 and value == best and best > 0
    return Text(f"{value:.4f}{_BEST if is_best else ' '}", style="bold green" if is_best else "")


def _count_text(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f}{unit}"
    return f"{value:.1f}"


def _comparison_table(report: EvaluateReport) -> Table:
    """Return a row per baseline: the lead of the model in the metric of the gate, or else in the first ndcg."""
    metric = compared_metric(report)
    model = report.methods[0].method
    table = Table(
        box=None,
        padding=(0, 2, 0, 0),
        title=f"\nlead of {model} in {metric}: {model} minus baseline",
        title_justify="left",
    )
    table.add_column("baseline")
    for header in ("difference", "95 % interval", "p"):
        table.add_column(header, justify="right")
    table.add_column(f"{model} is")
    for one in report.comparisons:
        if one.metric == metric:
            table.add_row(one.baseline, *comparison_cells(one))
    return table


def comparison_cells(one: DifferenceReport) -> tuple[str | Text, ...]:
    """Return the cells with difference, interval, p-value and conclusion."""
    style = {"better": "green", "worse": "bold red", "not clear": ""}[one.conclusion]
    interval = f"{one.low:+.4f} to {one.high:+.4f}"
    return f"{one.difference:+.4f}", interval, _p_value_text(one.p_value), Text(one.conclusion, style)


def _p_value_text(p_value: float) -> str:
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _half_lives(methods: Sequence[MethodReport]) -> list[str]:
    """Return the half-life of `recent_popular`, if it was evaluated."""
    return [f"{one.method}: half-life {one.half_life}" for one in methods if one.half_life is not None]


def _notes(report: EvaluateReport) -> list[str]:
    """Return a line for each kind of users and items that are left out, or count as misses."""
    counts, fraction = report.counts, _percent(report.fallback.fraction)
    lines = (
        ("left out", "test_users_without_history", "test user", f"({fraction}) without history in training"),
        ("misses", "test_pairs_unknown_to_training", "test pair", "of items that training does not know"),
        ("empty lists", "users_without_candidates", "user", "without candidates that training knows"),
    )
    return [
        f"note: {kind}: {counted(counts[key], noun)} {why}"
        for kind, key, noun, why in lines
        if counts.get(key)
    ]


def _cohort_lines(report: EvaluateReport) -> list[str]:
    """Return the fractions of popular and rare items in the lists of the model."""
    model, k = report.methods[0].method, report.at[0]
    fractions = {
        one.cohort: one.methods[model][f"slot_fraction@{k}"]
        for one in report.item_cohorts
        if one.column is None
    }
    taken = ", ".join(
        f"{_percent(fraction)} {name}" for name, fraction in fractions.items() if fraction is not None
    )
    if not taken:
        return []
    return [f"lists of {k} by {model}: {taken} items; all figures by cohort are in metrics.json"]


def _percent(fraction: float) -> str:
    return f"{fraction:.1%}".replace("%", " %")


def _gate_line(gate: GateReport) -> Text:
    if gate.users < MINIMUM_TEST_USERS:
        return Text(
            f"gate NOT met: test users: {gate.users}, a gate needs at least {MINIMUM_TEST_USERS}", "bold red"
        )
    if gate.threshold is None:
        return Text(f"gate met: {gate.metric} {gate.value:.4f}, nothing published to be worse than", "green")
    against = f"{gate.baseline} {gate.threshold:.4f}" if gate.baseline else f"{gate.threshold:g}"
    if gate.low is not None and gate.p_value is not None:
        against += f", lead from {gate.low:+.4f}, p {_p_value_text(gate.p_value)}"
    verdict = "met" if gate.met else "NOT met"
    return Text(
        f"gate {verdict}: {gate.metric} {gate.value:.4f}, at least {against}",
        style="green" if gate.met else "bold red",
    )
