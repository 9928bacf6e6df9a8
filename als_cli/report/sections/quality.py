"""Section `quality`: the model beside the baselines, with intervals, and by cohort."""

from collections.abc import Sequence
from dataclasses import dataclass

from als_cli.evaluation.report import ComparisonReport, Evaluation
from als_cli.evaluation.verdict import QualityVerdict, metric_name, verdict_of
from als_cli.report.charts.bars import Bar, bars
from als_cli.report.methods import MEANINGS, THE_MODEL, label_of
from als_cli.report.parts import Chart, Fact, Table, table_of
from als_cli.report.sections.cohorts import item_cohorts, other_cohorts, user_cohorts
from als_cli.report.sections.differences import DifferenceWords, differences_chart
from als_cli.report.text import count, day, figure, readable
from als_cli.storage.manifest import Manifest

_TABLE_METRICS = (
    "ndcg",
    "recall",
    "precision",
    "hit_rate",
    "mrr",
    "coverage",
    "popularity_lift",
    "diversity",
)


@dataclass(frozen=True)
class QualitySection:
    """How good the lists are on held-out events."""

    facts: tuple[Fact, ...]
    held_out: str
    """Which events were held out: the start of a sentence."""
    metric: str
    """The metric of the charts, as it is written in sentences."""
    methods: Chart
    differences: Chart | None
    """None: no baseline was evaluated."""
    figures: Table
    user_cohorts: Chart | None
    item_cohorts: Chart | None
    other_cohorts: Table | None
    """Cohorts by the columns of the config; None: there are none."""
    gate: str
    """What the gate decided; empty without a gate."""
    notes: tuple[str, ...]


def verdict_on(evaluation: Evaluation, metric: str) -> QualityVerdict:
    """Return the verdict on `evaluation` in `metric`."""
    metrics = {method.method: method.metrics for method in evaluation.methods}
    return verdict_of(metrics, evaluation.comparisons, evaluation.counts["users_evaluated"], metric)


def quality_section(evaluation: Evaluation, manifest: Manifest, metric: str) -> QualitySection:
    """Return the figures of `evaluation`, compared in `metric`."""
    counts = evaluation.counts
    verdict = verdict_on(evaluation, metric)
    facts = [
        Fact("Test users", count(counts["users_evaluated"])),
        Fact(
            "Test set", _split(evaluation), f"from {day_of(evaluation.cut_off)}" if evaluation.cut_off else ""
        ),
        Fact("Training set", count(counts["training_interactions"]), "user-item pairs"),
        Fact("Evaluated", day(manifest.created)),
    ]
    shown = _compared_methods(evaluation, verdict)
    return QualitySection(
        facts=tuple(facts),
        held_out="The newest events" if evaluation.split.get("by") == "time" else "Some events",
        metric=metric_name(metric),
        methods=_methods(evaluation, metric),
        differences=_differences(evaluation.comparisons, metric),
        figures=_figures(evaluation),
        user_cohorts=user_cohorts(evaluation, metric, shown),
        item_cohorts=item_cohorts(evaluation, shown),
        other_cohorts=other_cohorts(evaluation, metric, shown),
        gate=_gate(evaluation),
        notes=tuple(_notes(evaluation)),
    )


def day_of(time: str | None) -> str:
    """Return the day of an ISO 8601 text."""
    return "" if time is None else time[:10]


def _split(evaluation: Evaluation) -> str:
    by = str(evaluation.split.get("by"))
    if by == "time":
        return f"the last {readable(evaluation.split.get('test'))}"
    return {"random": "random pairs", "last": "last items", "users": "held-out users", "file": "a file"}.get(
        by, by
    )


def _compared_methods(evaluation: Evaluation, verdict: QualityVerdict) -> list[str]:
    names = [evaluation.methods[0].method, verdict.baseline]
    return [name for name in names if name is not None]


def _methods(evaluation: Evaluation, metric: str) -> Chart:
    found = sorted(
        ((method.method, method.metrics[metric]) for method in evaluation.methods),
        key=lambda one: (-one[1], one[0]),
    )
    rows = [Bar(label_of(method), value, figure(value)) for method, value in found]
    name = metric_name(metric)
    summary = f"{name} of each method. The largest value, {figure(found[0][1])}, is that of {label_of(found[0][0])}."
    table = table_of(
        f"{name} of each method",
        ("method", "recommends", name),
        [(label_of(method), MEANINGS.get(method, ""), figure(value)) for method, value in found],
    )
    return Chart(
        "methods", "The model beside the baselines", summary, bars(rows, name, highlighted=THE_MODEL), table
    )


def _differences(comparisons: Sequence[ComparisonReport], metric: str) -> Chart | None:
    found, name = [one for one in comparisons if one.metric == metric], metric_name(metric)
    clear = sum(one.conclusion == "better" for one in found)
    words = DifferenceWords[ComparisonReport](
        "differences",
        (
            f"{name} of the model minus {name} of each baseline, with 95 % intervals over users. The model is clearly "
            f"better than {clear} of {len(found)} baselines. An interval that crosses zero shows no clear difference."
        ),
        f"{name} of the model minus baseline",
        "p-value",
        lambda one: "< 0.001" if one.p_value < 0.001 else f"{one.p_value:.3f}",
    )
    return differences_chart(found, metric, words)


def _figures(evaluation: Evaluation) -> Table:
    k = evaluation.at[0]
    names = [f"{name}@{k}" for name in _TABLE_METRICS if f"{name}@{k}" in evaluation.methods[0].metrics]
    rows = [
        (label_of(method.method), *(figure(method.metrics.get(name), 3) for name in names))
        for method in evaluation.methods
    ]
    titles = ("method", *(metric_name(name).removesuffix(f"@{k}").replace("_", " ") for name in names))
    return table_of(f"Metrics of lists of {k}", titles, rows, marked=0)


def _gate(evaluation: Evaluation) -> str:
    gate = evaluation.gate
    if gate is None:
        return ""
    met = "met" if gate.met else "not met"
    if gate.threshold is None:
        return f"The quality gate is {met}: there was no published model to compare with."
    source = (
        f", {label_of(gate.baseline)} has {figure(gate.threshold)}"
        if gate.baseline
        else f", required are {figure(gate.threshold)}"
    )
    return (
        f"The quality gate is {met}: {metric_name(gate.metric)} of the model is {figure(gate.value)}{source}."
    )


def _notes(evaluation: Evaluation) -> list[str]:
    texts = {
        "test_users_without_history": "test users have no history in the training set. They are not evaluated.",
        "test_pairs_unknown_to_training": "test pairs are of items that the training set does not have. They count as misses.",
        "users_without_candidates": "users have no candidates. Their lists are empty.",
    }
    return [
        f"{count(evaluation.counts[key])} {text}" for key, text in texts.items() if evaluation.counts.get(key)
    ]
