"""The result of an evaluation in plain words: which lists are best, by how much, how sure this is, and what to do."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from als_cli.evaluation.leader import strongest_of
from als_cli.evaluation.methods import MODEL, PUBLISHED
from als_cli.evaluation.report import DifferenceReport, Evaluation
from als_cli.evaluation.significance import SIGNIFICANCE_LEVEL
from als_cli.evaluation.with_rules import WITH_RULES
from als_cli.reports import Report
from als_cli.splitting.protocol import MINIMUM_TEST_USERS

Outcome = Literal["better", "worse", "not clear", "too few users", "no hits", "no baseline"]
_TWICE = 2.0
"""Ratio of two values from which on a sentence says how many times, not how many per cent."""


class QualityVerdict(Report):
    """The comparison of the model with the strongest baseline, in plain words."""

    outcome: Outcome
    """`better`, `worse` or `not clear`: the model against the strongest baseline. Otherwise why there is no comparison."""
    metric: str
    """Accuracy metric and k, such as `ndcg@10`."""
    users: int
    """Number of evaluated test users."""
    best: str
    """The method with the largest value: `als`, or the name of a baseline."""
    baseline: str | None
    """The strongest baseline; None: no baseline was evaluated."""
    result: str
    """Sentence: which lists are best, and by how much."""
    certainty: str
    """Sentence: how sure this is."""
    advice: str
    """Sentence: what to do."""

    @property
    def text(self) -> str:
        """All three sentences."""
        return f"{self.result} {self.certainty} {self.advice}"


def verdict_of(
    metrics: Mapping[str, Mapping[str, float]],
    comparisons: Sequence[DifferenceReport],
    users: int,
    metric: str,
) -> QualityVerdict:
    """Return the verdict on the model against the strongest baseline in `metric`.

    `metrics` are by method and then by metric and k. `comparisons` compare the model with each baseline on `users` test
    users. The model with rules is no baseline, because it is the same model.
    """
    values = {method: found[metric] for method, found in metrics.items() if method != WITH_RULES}
    baselines = {method: value for method, value in values.items() if method != MODEL}
    strongest = strongest_of(baselines) if baselines else None
    compared = next((one for one in comparisons if (one.baseline, one.metric) == (strongest, metric)), None)
    outcome = _outcome(values, compared, users)
    result, certainty, advice = _SENTENCES[outcome](_Case(metric, values, strongest, compared, users))
    return QualityVerdict(
        outcome=outcome,
        metric=metric,
        users=users,
        best=strongest_of(values),
        baseline=strongest,
        result=result,
        certainty=certainty,
        advice=advice,
    )


def compared_metric(evaluation: Evaluation) -> str:
    """Return the metric that the verdict on `evaluation` is about: the metric of the gate if it was compared, else NDCG.

    NDCG is that of the shortest lists.
    """
    gate = evaluation.gate
    if gate is not None and any(one.metric == gate.metric for one in evaluation.comparisons):
        return gate.metric
    return f"ndcg@{min(evaluation.at)}"


def metric_name(metric: str) -> str:
    """Return `metric`, such as ``ndcg@10``, as it is written in sentences, such as ``NDCG@10``."""
    name, _, k = metric.partition("@")
    shown = {"ndcg": "NDCG", "map": "MAP", "mrr": "MRR", "hit_rate": "hit rate"}.get(name, name)
    return f"{shown}@{k}" if k else shown


class _Case:
    """The figures that the sentences name."""

    def __init__(
        self,
        metric: str,
        values: Mapping[str, float],
        strongest: str | None,
        compared: DifferenceReport | None,
        users: int,
    ) -> None:
        self.metric, self.users, self.compared = metric_name(metric), users, compared
        self.model = values[MODEL]
        self.baseline = "" if strongest is None else values[strongest]
        self.name = _shown_name(strongest or "")

    def ratio(self, larger: float, smaller: float, relation: str) -> str:
        """Return how far `larger` is above `smaller` or below, by `relation`: above or below."""
        if not smaller > 0:
            return ""
        if relation == "above" and larger / smaller >= _TWICE:
            return f", {larger / smaller:.1f} times as high as"
        part = larger / smaller - 1 if relation == "above" else 1 - smaller / larger
        return f", {part:.1%} {relation}".replace("%", " %")

    def interval(self) -> str:
        """Return the interval of the difference, for sentences."""
        if self.compared is None:
            return ""
        return f"the 95 % interval of the difference is {self.compared.low:+.4f} to {self.compared.high:+.4f}"


def _outcome(values: Mapping[str, float], compared: DifferenceReport | None, users: int) -> Outcome:
    if users < MINIMUM_TEST_USERS:
        return "too few users"
    if not any(value > 0 for value in values.values() if not math.isnan(value)):
        return "no hits"
    return "no baseline" if compared is None else compared.conclusion


def _better(case: _Case) -> tuple[str, str, str]:
    above = case.ratio(case.model, float(case.baseline or 0), "above") or ", above"
    return (
        (
            f"The model gives the best lists: its {case.metric} is {case.model:.4f}{above} the strongest baseline, "
            f"{case.name} ({case.baseline:.4f})."
        ),
        f"The difference is clear: {case.interval()}, which does not include zero ({case.users:,} test users).",
        "Publish the lists of the model.",
    )


def _worse(case: _Case) -> tuple[str, str, str]:
    below = case.ratio(float(case.baseline or 0), case.model, "below") or ", below"
    return (
        (
            f"The model does not give the best lists: its {case.metric} is {case.model:.4f}{below} the strongest baseline, "
            f"{case.name} ({case.baseline:.4f})."
        ),
        f"The difference is clear: {case.interval()}, which does not include zero ({case.users:,} test users).",
        "Do not publish the lists of the model yet: run `als tune`, or check the events and their weights.",
    )


def _not_clear(case: _Case) -> tuple[str, str, str]:
    compared = case.compared
    why = "which includes zero"
    if compared is not None and (compared.low > 0 or compared.high < 0):
        why = f"but the p-value {compared.p_value:.3f} is not below {SIGNIFICANCE_LEVEL}"
    return (
        (
            f"It is not clear whether the model or the strongest baseline, {case.name}, gives better lists: their "
            f"{case.metric} is {case.model:.4f} and {case.baseline:.4f}."
        ),
        f"T{case.interval()[1:]}, {why} ({case.users:,} test users).",
        "Evaluate more users before you decide: choose a longer `evaluate.split.test`, or run `als backtest`.",
    )


def _too_few_users(case: _Case) -> tuple[str, str, str]:
    figures = f"the {case.metric} of the model is {case.model:.4f}"
    if case.name:
        figures += f", and that of {case.name}, the strongest baseline, is {case.baseline:.4f}"
    return (
        f"No conclusion is possible yet: {figures}.",
        f"Only {case.users:,} test users were evaluated. A conclusion needs at least {MINIMUM_TEST_USERS}.",
        "Choose a longer `evaluate.split.test` or another `evaluate.split`.",
    )


def _no_hits(case: _Case) -> tuple[str, str, str]:
    return (
        "No method gives useful lists: no list contains an item of the test set.",
        f"{case.metric} of all methods is zero on {case.users:,} test users.",
        "Check that the test set has the same users and items as the training set.",
    )


def _no_baseline(case: _Case) -> tuple[str, str, str]:
    return (
        f"The {case.metric} of the model is {case.model:.4f}. It was compared with no baseline.",
        "So nothing shows whether simpler lists would be as good.",
        "Add baselines, for example `evaluate.baselines: [popular, item_knn]`.",
    )


_SENTENCES = {
    "better": _better,
    "worse": _worse,
    "not clear": _not_clear,
    "too few users": _too_few_users,
    "no hits": _no_hits,
    "no baseline": _no_baseline,
}


def _shown_name(method: str) -> str:
    return "the published model" if method == PUBLISHED else method
