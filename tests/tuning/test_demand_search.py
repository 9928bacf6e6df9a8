"""The search for the rule of demand, on scripted scores."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.tuning.demand_search import POPULARITY_OFFSET, DemandSearch, demand_point
from als_cli.tuning.point import (
    DEMAND_EXPONENT,
    DEMAND_HALF_LIFE,
    DEMAND_OFFSET,
    LONG_RUN_EXPONENT,
    LONG_RUN_HALF_LIFE,
)

HOUR, DAY = 3600.0, 86_400.0
LADDERS = {
    DEMAND_HALF_LIFE: (
        *(hours * HOUR for hours in (0.5, 2, 6, 12)),
        *(days * DAY for days in (1, 2, 4, 7, 14, 28, 56, 112)),
    ),
    DEMAND_EXPONENT: (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0),
    LONG_RUN_HALF_LIFE: (30 * DAY, 120 * DAY, 365 * DAY, math.inf),
    LONG_RUN_EXPONENT: (0.0, 0.25, 0.5, 0.75, 1.0),
    DEMAND_OFFSET: (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
}
STEPS = sum(len(ladder) - 1 for ladder in LADDERS.values())
START = {"unobserved_weight": 24.0, "fold_in_regularization": 2.0}
YEARS = 3 * 365 * DAY

peaks = st.builds(
    lambda *values: dict(zip(LADDERS, values, strict=True)), *map(st.sampled_from, LADDERS.values())
)


class Search:
    """A search whose scored points are recorded once, as models score them once. Scores are positive."""

    def __init__(self, score, span=YEARS):
        self.points, known = [], {}

        def scored(point):
            key = tuple(sorted(point.items()))
            if key not in known:
                self.points.append(dict(point))
                known[key] = score(point)
            return known[key]

        self.search = DemandSearch(scored, span)

    @property
    def demands(self):
        return [demand_of(point) for point in self.points]


def demand_of(point):
    return {name: point[name] for name in LADDERS}


def is_neutral(point):
    return not point[DEMAND_EXPONENT] and not point[LONG_RUN_EXPONENT]


def mountain(peak):
    """Return a score with one maximum, at `peak`. Popularity alone and demand without influence are far below."""

    def score(point):
        if is_neutral(point) or point[DEMAND_OFFSET] == POPULARITY_OFFSET:
            return 0.1
        steps = (
            abs(ladder.index(point[name]) - ladder.index(peak[name])) for name, ladder in LADDERS.items()
        )
        return 1.0 - 0.01 * sum(steps)

    return score


@given(peak=peaks)
def test_the_search_finds_a_peak_on_the_ladders(peak):
    search = Search(mountain(peak)).search
    found, value = search.first(START)
    assert (demand_of(found), value) == (peak, 1.0)
    assert found == START | peak


@given(peak=peaks, start=peaks)
def test_the_search_finds_a_peak_from_any_start(peak, start):
    found, value = Search(mountain(peak)).search.improved(START | start)
    assert (found, value) == (START | peak, 1.0)


@pytest.mark.parametrize(
    ("gain", "stays"), [(0.9, True), (1.0, True), (1.0019, True), (1.0021, False), (2.0, False)]
)
@pytest.mark.parametrize("span", [YEARS, None])
def test_demand_needs_a_minimum_gain(gain, stays, span):
    search = Search(lambda point: 1.0 if is_neutral(point) else gain, span).search
    found, value = search.first(START)
    assert is_neutral(found) == stays
    assert value == (1.0 if stays else gain)
    if stays:
        assert found == START | demand_point()


def test_demand_of_the_start_is_replaced_by_the_first_search():
    search = Search(lambda point: 2.0 if is_neutral(point) else 1.0).search
    assert search.first(START | demand_point(DAY, 3.0, offset=1.0)) == (START | demand_point(), 2.0)


@pytest.mark.parametrize(("best", "exponent"), [(0.1, 0.1), (0.35, 0.35), (0.5, 0.5)])
def test_without_times_only_the_exponent_is_searched(best, exponent):
    script = Search(lambda point: 1.0 - abs(point[DEMAND_EXPONENT] - best), span=None)
    found, value = script.search.first(START)
    assert (found, value) == (START | demand_point(exponent=exponent), 1.0)
    assert script.search.improved(found) == (found, 1.0)
    tried = [demand_point(exponent=exponent) for exponent in (0.1, 0.2, 0.35, 0.5)]
    assert sorted(script.demands, key=lambda one: one[DEMAND_EXPONENT]) == [demand_point(), *tried]


def test_without_times_popularity_counts_all_users():
    script = Search(lambda _: 1.0, span=None)
    assert script.search.best_popularity(START) == (
        START | demand_point(exponent=1.0, offset=POPULARITY_OFFSET),
        1.0,
    )
    assert len(script.points) == 1


@given(best=st.sampled_from(LADDERS[DEMAND_HALF_LIFE]))
def test_popularity_has_the_best_half_life(best):
    script = Search(lambda point: 2.0 if point[DEMAND_HALF_LIFE] == best else 1.0)
    found, value = script.search.best_popularity(START | demand_point(DAY, 0.5, DAY, 0.5, 0.1))
    assert (found, value) == (START | demand_point(best, 1.0, offset=POPULARITY_OFFSET), 2.0)
    assert all(point[DEMAND_OFFSET] == POPULARITY_OFFSET for point in script.points)


@pytest.mark.parametrize("start", [demand_point(), demand_point(DAY, 1.0, offset=POPULARITY_OFFSET)])
def test_values_without_influence_are_not_searched(start):
    script = Search(lambda _: 1.0)
    assert script.search.improved(START | start) == (START | start, 1.0)
    assert len(script.points) == 1


@given(span=st.floats(min_value=1, max_value=5 * YEARS), seed=st.integers(0, 2**32))
def test_half_lives_above_the_span_are_not_tried(span, seed):
    script = Search(scores(seed), span)
    script.search.improved(script.search.first(START)[0])
    script.search.best_popularity(START)
    shortest = LADDERS[DEMAND_HALF_LIFE][0]
    for point in script.points:
        assert point[DEMAND_HALF_LIFE] <= max(span, shortest) or is_neutral(point)
        assert point[LONG_RUN_HALF_LIFE] <= span or math.isinf(point[LONG_RUN_HALF_LIFE])


def scores(seed):
    """Return random scores: many local maxima."""
    known = {}
    generator = random.Random(seed)
    return lambda point: known.setdefault(tuple(point.items()), generator.uniform(0.1, 1.0))


@given(seed=st.integers(0, 2**32), start=peaks)
def test_searches_have_few_evaluations_and_never_lose(seed, start):
    score = scores(seed)
    script = Search(score)
    found, value = script.search.first(START)
    assert value == score(found)
    assert value >= max(score(START | rule) for rule in (demand_point(), *script.demands[:12])) / 1.002
    assert len(script.points) <= 13 + 3 * STEPS
    other = Search(score)
    assert other.search.improved(START | start)[1] >= score(START | start)
    assert len(other.points) <= 1 + 3 * STEPS
    popular = Search(score)
    popular.search.best_popularity(START)
    assert len(popular.points) == 12
