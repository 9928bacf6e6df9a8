"""The strongest baseline, and the message that its lists would be better than the lists of the model."""

import logging
import math
from collections.abc import Mapping, Sequence

from als_cli.config.evaluate import ACCURACY_NAMES, GateConfig
from als_cli.evaluation.methods import MODEL
from als_cli.evaluation.report import LeaderReport
from als_cli.evaluation.with_rules import WITH_RULES

log = logging.getLogger(__name__)


def strongest_of(values: Mapping[str, float]) -> str:
    """Return the name with the largest of `values`, the first of equal ones. NaN counts as the smallest value."""
    return max(values, key=lambda name: -math.inf if math.isnan(values[name]) else values[name])


def leading_metric(gate: GateConfig | None, at: Sequence[int]) -> str:
    """Return the metric that decides which method leads: the metric of `gate` if it is an accuracy metric, else NDCG.

    NDCG is computed at the shortest list length of `at`.
    """
    if gate is not None and gate.metric.partition("@")[0] in ACCURACY_NAMES:
        return gate.metric
    return f"ndcg@{min(at)}"


def leader_of(metrics: Mapping[str, Mapping[str, float]], metric: str) -> LeaderReport | None:
    """Return the strongest baseline in `metric` if it is better than the model; `metrics` are by method.

    Baseline `published` counts too.
    """
    values = {method: found[metric] for method, found in metrics.items() if method != WITH_RULES}
    strongest = strongest_of(values)
    if not values[strongest] > values[MODEL]:
        return None
    return LeaderReport(baseline=strongest, metric=metric, value=values[strongest], model=values[MODEL])


def describe_leader(leader: LeaderReport) -> str:
    """Return which baseline leads, with its value and the value of the model."""
    return f"{leader.baseline} leads: {leader.metric} {leader.value:.4f}, {MODEL} {leader.model:.4f}"


def log_leader(leader: LeaderReport | None, mean: str = "") -> None:
    """Log one warning if a baseline leads. `mean` follows the values and says over which cut-offs they are means."""
    if leader is not None:
        log.warning(
            "%s%s; its lists would be better than the lists of the model", describe_leader(leader), mean
        )
