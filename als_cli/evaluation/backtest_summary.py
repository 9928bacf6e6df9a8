"""Summary of a backtest over all cut-offs: spreads of the metrics, and comparisons with the baselines."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from als_cli.dataset.interactions import rows_of
from als_cli.evaluation.backtest_cut_offs import ScoredCutOff
from als_cli.evaluation.backtest_report import CutOffReport, LeadReport, SpreadReport
from als_cli.evaluation.comparisons import compared, differences_of
from als_cli.evaluation.pooling import pooled_by_user
from als_cli.progress import Progress


def spreads_of(cut_offs: Sequence[CutOffReport]) -> tuple[SpreadReport, ...]:
    """Return the spread of each metric over `cut_offs`: by method, then by metric and k."""
    return tuple(
        _spread(method.method, metric, [cut_off.methods[position].metrics[metric] for cut_off in cut_offs])
        for position, method in enumerate(cut_offs[0].methods)
        for metric in method.metrics
    )


def means_of(spreads: Sequence[SpreadReport]) -> dict[str, dict[str, float]]:
    """Return the mean over cut-offs by method, then by metric."""
    means: dict[str, dict[str, float]] = {}
    for spread in spreads:
        means.setdefault(spread.method, {})[spread.metric] = spread.mean
    return means


def leads_of(
    cut_offs: Sequence[ScoredCutOff], users: pl.Series, seed: int, progress: Progress
) -> tuple[LeadReport, ...]:
    """Return the comparisons of the model with each baseline over all cut-offs.

    They have the order of the comparisons of one cut-off. `users` are the distinct ids of the users evaluated at any cut-off,
    sorted. `seed` is the seed of the resamples.
    """
    if not cut_offs[0].comparisons:
        return ()
    differences = pooled_by_user(
        [differences_of([scored.measured for scored in cut_off.scored]) for cut_off in cut_offs],
        [rows_of(users, cut_off.user_ids).astype(np.int64) for cut_off in cut_offs],
        users.len(),
    )
    leads = []
    for column, figures in enumerate(compared(differences, seed, progress)):
        each = [cut_off.comparisons[column] for cut_off in cut_offs]
        leads.append(
            LeadReport(
                baseline=each[0].baseline,
                metric=each[0].metric,
                cut_offs=len(each),
                ahead=sum(comparison.difference > 0 for comparison in each),
                clearly_ahead=sum(comparison.conclusion == "better" for comparison in each),
                clearly_behind=sum(comparison.conclusion == "worse" for comparison in each),
                **figures,
            )
        )
    return tuple(leads)


def _spread(method: str, metric: str, values: Sequence[float]) -> SpreadReport:
    return SpreadReport(
        method=method,
        metric=metric,
        mean=float(np.mean(values)),
        deviation=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        minimum=min(values),
        maximum=max(values),
    )
