"""Trends of items for `als show`: the demand now, the long-run demand, and how they compare.

The demand of an item is its number of users. A user counts half for every half-life between their newest event with
the item and the newest event of the dataset. With half-life h, an item that gains r users per second since the oldest
event has the demand r E(h), E(h) = h / ln 2 (1 - 2^(-T / h)), where T is the time from the oldest to the newest event,
and E = T for an infinite half-life. So demand / E(h) is the number of users that the item gains per second. The trend
is this number now divided by this number in the long run: 1 for constant demand, 2 for twice as many users per day.

Users count once per item, at their newest event. The trend of items that the same users need again and again is
therefore above 1.
"""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from als_cli.als.demand import DemandRule, demand
from als_cli.arrays import Float64Array
from als_cli.dataset.interactions import Interactions
from als_cli.ranking.item_demand import ModelItems
from als_cli.ranking.show_reports import DemandHalfLives, ItemDemand


@dataclass(frozen=True)
class Trends:
    """Demand for the items of a model, (I,) float64 each."""

    half_lives: DemandHalfLives
    now: Float64Array
    long_run: Float64Array
    trend: Float64Array
    """NaN for items without long-run demand."""

    def of(self, row: int) -> ItemDemand:
        """Return the demand for the item in `row`."""
        trend = float(self.trend[row])
        return ItemDemand(
            now=float(self.now[row]),
            long_run=float(self.long_run[row]),
            trend=trend if math.isfinite(trend) else None,
        )


def trends_of(rule: DemandRule, interactions: Interactions, item_ids: pl.Series) -> Trends | None:
    """Return the trends of `item_ids` (I,), the items of a model, in the dataset with `interactions`.

    The half-lives are those of `rule`. None if its half-life is infinite, or if the dataset has no times.
    """
    times = interactions.times
    if rule.half_life is None or times is None or not times.nnz:
        return None
    items = ModelItems(interactions, item_ids)
    now = items.take(demand(interactions.matrix, times, rule.half_life))
    long_run = items.take(demand(interactions.matrix, times, rule.long_run_half_life))
    span = (int(times.data.max()) - int(times.data.min())) / 1e6
    # Both durations become equal as the span goes to zero.
    scale = _duration(rule.long_run_half_life, span) / _duration(rule.half_life, span) if span else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        trend = np.where(long_run > 0, now / long_run * scale, np.nan)
    half_lives = DemandHalfLives(now=rule.half_life, long_run=rule.long_run_half_life)
    return Trends(half_lives, now, long_run, trend)


def _duration(half_life: float | None, span: float) -> float:
    """Return E: the seconds of constant demand that count, out of the last `span` seconds."""
    if half_life is None:
        return span
    return -math.expm1(-span / half_life * math.log(2)) * half_life / math.log(2)
