"""Comparisons of the model with each baseline, paired by user."""

import logging
from collections.abc import Sequence

import numpy as np

from als_cli.arrays import Float64Array
from als_cli.evaluation.protocol import Measured
from als_cli.evaluation.report import ComparisonReport
from als_cli.evaluation.significance import RESAMPLES, compare
from als_cli.progress import Progress
from als_cli.splitting.protocol import MINIMUM_TEST_USERS

log = logging.getLogger(__name__)


def comparisons_of(
    measured: Sequence[Measured], seed: int, progress: Progress
) -> tuple[ComparisonReport, ...]:
    """Return the first method minus each other method: by method in the order of `measured`, then by k, then by metric.

    `seed` is the seed of the resamples.
    """
    model, *baselines = measured
    if not baselines:
        return ()
    model_values = values_per_user(model)
    # All baselines share one set of resamples, which saves time.
    differences = np.hstack([model_values - values_per_user(baseline) for baseline in baselines])
    if len(differences) < MINIMUM_TEST_USERS:
        log.warning(
            "only %d users were evaluated, so intervals and p-values are unreliable", len(differences)
        )
    with progress.task("comparing methods", total=2 * RESAMPLES) as task:
        found = compare(differences, seed, on_resamples=task.advance)
    names = [(baseline.method, name) for baseline in baselines for name in metric_names(model)]
    return tuple(
        ComparisonReport(
            baseline=baseline,
            metric=metric,
            difference=float(found.mean[column]),
            low=float(found.low[column]),
            high=float(found.high[column]),
            p_value=float(found.p_value[column]),
        )
        for column, (baseline, metric) in enumerate(names)
    )


def values_per_user(measured: Measured) -> Float64Array:
    """Return the accuracy metrics of each user, (T, k x metrics) float64, in the order of :func:`metric_names`."""
    return np.column_stack([values for metrics in measured.per_user.values() for values in metrics.values()])


def metric_names(measured: Measured) -> list[str]:
    """Return the accuracy metrics with k, such as ``ndcg@10``: by k, then by metric."""
    return [f"{name}@{k}" for k, metrics in measured.per_user.items() for name in metrics]
