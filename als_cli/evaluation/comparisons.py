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
    differences = differences_of(measured)
    if len(differences) < MINIMUM_TEST_USERS:
        log.warning(
            "only %d users were evaluated, so intervals and p-values are unreliable", len(differences)
        )
    figures = compared(differences, seed, progress)
    names = [(baseline.method, name) for baseline in baselines for name in metric_names(model)]
    return tuple(
        ComparisonReport(baseline=baseline, metric=metric, **of_column)
        for (baseline, metric), of_column in zip(names, figures, strict=True)
    )


def differences_of(measured: Sequence[Measured]) -> Float64Array:
    """Return the first method minus each other method per user, (T, methods x k x metrics) float64."""
    model, *baselines = (values_per_user(method) for method in measured)
    return np.hstack([model - baseline for baseline in baselines])


def compared(differences: Float64Array, seed: int, progress: Progress) -> list[dict[str, float]]:
    """Return difference, low, high and p_value of :class:`ComparisonReport` for each column of `differences` (T, M)."""
    # All columns share one set of resamples, which saves time.
    with progress.task("comparing methods", total=2 * RESAMPLES) as task:
        found = compare(differences, seed, on_resamples=task.advance)
    columns = zip(found.mean, found.low, found.high, found.p_value, strict=True)
    names = ("difference", "low", "high", "p_value")
    return [dict(zip(names, map(float, column), strict=True)) for column in columns]


def values_per_user(measured: Measured) -> Float64Array:
    """Return the accuracy metrics of each user, (T, k x metrics) float64, in the order of :func:`metric_names`."""
    return np.column_stack([values for metrics in measured.per_user.values() for values in metrics.values()])


def metric_names(measured: Measured) -> list[str]:
    """Return the accuracy metrics with k, such as ``ndcg@10``: by k, then by metric."""
    return [f"{name}@{k}" for k, metrics in measured.per_user.items() for name in metrics]
