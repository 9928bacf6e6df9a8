"""Trends of items: 1 for constant demand, for any half-lives and any length of the data."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from als_cli.als.demand import DemandRule
from als_cli.ranking.trends import trends_of
from tests.ranking.demand_lists import DAY, dataset_of
from tests.stages.builders import interactions_of

HOUR = 3600


def trends(pairs, half_life=7.0 * DAY, long_run_half_life=None, items=range(5)):
    """Return the trends of `items` from (user, item, seconds before the newest event)."""
    rule = DemandRule(half_life=half_life, long_run_half_life=long_run_half_life)
    return trends_of(rule, dataset_of(pairs), pl.Series(list(items)))


def constant(item, days, per_day=8):
    """Return pairs of an item that gains `per_day` users every day for `days` days."""
    step = DAY // per_day
    return [(item * 100_000 + k, item, k * step + step // 2) for k in range(days * per_day)]


@settings(max_examples=20)
@given(
    half_life=st.sampled_from([1.0, 7.0, 50.0]),
    long_run=st.sampled_from([None, 20.0, 400.0]),
    days=st.sampled_from([10, 60, 300]),
)
def test_constant_demand_has_trend_one(half_life, long_run, days):
    pairs = [*constant(0, days), *constant(1, days, per_day=2), (7, 2, 0), (8, 2, days * DAY)]
    found = trends(pairs, half_life * DAY, None if long_run is None else long_run * DAY)
    assert found.of(0).trend == pytest.approx(1, abs=0.02)
    assert found.of(1).trend == pytest.approx(1, abs=0.1)


def test_twice_as_many_users_per_day_have_twice_the_trend():
    # Items 0 and 1 gain the same number of users in 100 days. All users of item 1 come in the newer 50 days.
    pairs = [*constant(0, 100), *constant(1, 50, per_day=16), (7, 2, 0), (8, 2, 100 * DAY)]
    found = trends(pairs, 1.0 * DAY)
    assert found.of(0).long_run == found.of(1).long_run == 800
    assert found.of(1).trend == pytest.approx(2, rel=0.02)
    assert found.of(1).now == pytest.approx(2 * found.of(0).now, rel=0.02)


def test_demand_halves_per_half_life_and_the_long_run_counts_all_users():
    found = trends([(0, 0, 0), (1, 0, 7 * DAY), (2, 1, 14 * DAY), (3, 1, 14 * DAY)])
    assert (found.of(0).now, found.of(0).long_run) == (1.5, 2)
    assert (found.of(1).now, found.of(1).long_run) == (0.5, 2)
    assert (found.half_lives.now, found.half_lives.long_run) == (7 * DAY, None)
    assert found.of(0).trend == pytest.approx(3 * found.of(1).trend)


def test_items_that_the_dataset_lacks_have_no_trend_and_its_own_items_are_ignored():
    found = trends([(0, 0, 0), (1, 3, DAY), (1, 99, 0)], items=[0, 2, 3])
    assert (found.of(1).now, found.of(1).long_run, found.of(1).trend) == (0, 0, None)
    assert found.of(2).now == pytest.approx(0.5 ** (1 / 7))


def test_events_at_one_instant_have_trend_one():
    found = trends([(0, 0, 5), (1, 0, 5), (2, 1, 5)], long_run_half_life=90.0 * DAY)
    assert [(found.of(row).now, found.of(row).trend) for row in (0, 1)] == [(2, 1), (1, 1)]


def test_long_run_demand_below_the_range_of_float64_gives_no_trend():
    found = trends([(0, 0, 0), (1, 1, 5000 * HOUR)], half_life=60.0, long_run_half_life=1.0 * HOUR)
    assert (found.of(1).now, found.of(1).long_run, found.of(1).trend) == (0, 0, None)


def test_a_half_life_below_the_resolution_of_times_gives_finite_numbers():
    found = trends([(0, 0, 0), (1, 1, 1)], half_life=1e-9)
    assert np.isfinite([found.of(0).trend, found.of(1).trend]).all()
    assert (found.of(0).now, found.of(1).now) == (1, 0)


def test_without_times_or_without_a_half_life_there_are_no_trends():
    ids = pl.Series([0, 1])
    untimed = interactions_of([(0, 0), (1, 1)], timed=False)
    timed = interactions_of([(0, 0), (1, 1)], ages=[timedelta(0), timedelta(1)])
    assert trends_of(DemandRule(half_life=DAY, exponent=1.0), untimed, ids) is None
    assert trends_of(DemandRule(exponent=1.0), timed, ids) is None
    assert trends_of(DemandRule(half_life=DAY), timed, ids) is not None
