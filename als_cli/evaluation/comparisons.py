"""What the figures per user say beyond their mean: the model against each baseline."""

import logging
from collections.abc import Sequence

import numpy as np

from als_cli.arrays import Float64Array
from als_cli.evaluation.protocol import Measured
from als_cli.evaluation.report import ComparisonReport
from als_cli.evaluation.significance import RESAMPLES, compare
from als_cli.progress import Progress
from als_cli.splitting.protocol import FEWEST_USERS

log = logging.getLogger(__name__)


def comparisons_of(
    measured: Sequence[Measured], seed: int, progress: Progress
) -> tuple[ComparisonReport, ...]:
    """Return the first method minus each of the others: by method as measured, then by k, then by metric."""
    model, *baselines = measured
    if not baselines:
        return ()
    own = figures_per_user(model)
    # All baselines side by side: they share one set of resamples, and its cost.
    differences = np.hstack([own - figures_per_user(baseline) for baseline in baselines])
    if len(differences) < FEWEST_USERS:
        log.warning("only %d users were evaluated: intervals and p-values say little", len(differences))
    with progress.task("comparing methods", total=2 * RESAMPLES) as task:
        found = compare(differences, seed, on_resamples=task.advance)
    names = [(baseline.method, name) for baseline in baselines for name in figure_names(model)]
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


def figures_per_user(measured: Measured) -> Float64Array:
    """Return the values per user, (T, k x metrics), in the order of :func:`figure_names`."""
    return np.column_stack([values for metrics in measured.per_user.values() for values in metrics.values()])


def figure_names(measured: Measured) -> list[str]:
    """Return the accuracy metrics with their k, such as `ndcg@10`."""
    return [f"{name}@{k}" for k, metrics in measured.per_user.items() for name in metrics]
