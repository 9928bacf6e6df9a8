"""The search for fold-in hyperparameters, on scripted scores."""

import math
from datetime import timedelta

import numpy as np
import pytest

from als_cli.tuning.fold_in_search import FoldInSearch
from als_cli.tuning.point import FOLD_IN_HALF_LIFE, FOLD_IN_ITEM_EXPONENT, FOLD_IN_REGULARIZATION

DAY = timedelta(days=1).total_seconds()


def point(multiple, fraction):
    return {FOLD_IN_REGULARIZATION: multiple, FOLD_IN_ITEM_EXPONENT: fraction}


def searched(score, start=(1.0, 0.5), *, regularization=True, item_exponent=True):
    """Search from `start`. Return the found (multiple, fraction), its value, and all scored points in order."""
    seen = []

    def scored(one):
        seen.append((one[FOLD_IN_REGULARIZATION], one[FOLD_IN_ITEM_EXPONENT]))
        return score(*seen[-1])

    search = FoldInSearch(
        scored,
        regularization_is_open=regularization,
        item_exponent_is_open=item_exponent,
        half_life_is_open=False,
    )
    best, value = search.best(point(*start), score(*start))
    return (best[FOLD_IN_REGULARIZATION], best[FOLD_IN_ITEM_EXPONENT]), value, seen


@pytest.mark.parametrize(
    ("peak", "scored"),
    [
        ((1.0, 0.5), [(2, 0.5), (0.5, 0.5), (1, 1.0), (1, 0.0)]),
        ((4.0, 0.5), [(2, 0.5), (4, 0.5), (8, 0.5), (4, 1.0), (4, 0.0)]),
        ((0.25, 0.0), [(2, 0.5), (0.5, 0.5), (0.25, 0.5), (0.125, 0.5), (0.25, 1.0), (0.25, 0.0), (0.5, 0.0), (0.125, 0.0)]),
    ],
)  # fmt: skip
def test_the_search_takes_steps_of_factor_two(peak, scored):
    found, value, seen = searched(
        lambda multiple, fraction: 1 - 0.1 * abs(np.log2(multiple / peak[0])) - 0.1 * abs(fraction - peak[1])
    )
    assert (found, value) == (peak, 1.0)
    assert seen == scored


def test_the_regularization_has_bounds():
    assert searched(lambda multiple, _fraction: multiple)[0][0] == 16
    assert searched(lambda multiple, _fraction: 1 / multiple)[0][0] == 1 / 16


def test_a_tiny_gain_changes_nothing():
    found, _, _ = searched(lambda multiple, fraction: 1 + 0.0018 * multiple - 0.0002 * fraction)
    assert found == (1.0, 0.5)


def test_only_open_values_change():
    _, _, seen = searched(lambda multiple, fraction: multiple - fraction, regularization=False)
    assert {multiple for multiple, _ in seen} == {1.0}
    found, _, seen = searched(lambda multiple, _fraction: multiple, (2.0, 0.0), item_exponent=False)
    assert seen == [(4, 0), (8, 0), (16, 0)]
    assert found == (16.0, 0.0)


def half_life_searched(score, start=None):
    """Search for the half-life from `start` days. Return the found days, its value, and all scored days in order."""
    seen = []

    def scored(one):
        seen.append(one.get(FOLD_IN_HALF_LIFE, math.inf) / DAY)
        return score(seen[-1])

    search = FoldInSearch(
        scored, regularization_is_open=False, item_exponent_is_open=False, half_life_is_open=True
    )
    first = point(1.0, 0.5) | ({} if start is None else {FOLD_IN_HALF_LIFE: start * DAY})
    best, value = search.best(first, score(first.get(FOLD_IN_HALF_LIFE, math.inf) / DAY))
    assert best.keys() - {FOLD_IN_HALF_LIFE} == {FOLD_IN_REGULARIZATION, FOLD_IN_ITEM_EXPONENT}
    return best.get(FOLD_IN_HALF_LIFE, math.inf) / DAY, value, seen


@pytest.mark.parametrize(
    ("values", "found", "scored"),
    [
        ({}, math.inf, [365, 180]),  # two steps without improvement are the last
        ({365: 1.1}, 365, [365, 180, 60]),
        ({365: 1.1, 180: 1.2, 60: 1.3, 14: 1.2, 3: 1.1}, 60, [365, 180, 60, 14, 3]),
        ({180: 1.1, 60: 1.2}, 60, [365, 180, 60, 14]),  # two steps in all, not in succession
        ({180: 1.1, 60: 1.2, 14: 1.3, 3: 1.4}, 3, [365, 180, 60, 14, 3]),
        ({60: 9.0}, math.inf, [365, 180]),
        ({365: 1.0019, 180: 1.0019}, math.inf, [365, 180]),  # too small a gain
    ],
)
def test_the_half_life_becomes_shorter_while_the_score_improves(values, found, scored):
    best, value, seen = half_life_searched(lambda days: values.get(days, 1.0))
    assert (best, seen) == (found, scored)
    assert value == values.get(found, 1.0)


def test_only_half_lives_below_the_start_are_scored():
    found, _, seen = half_life_searched(lambda days: 1 / days, start=60)
    assert (found, seen) == (3, [14, 3])
    found, _, seen = half_life_searched(lambda days: days, start=3)
    assert (found, seen) == (3, [])


def test_the_half_life_is_searched_with_the_best_of_the_other_hyperparameters():
    seen = []

    def score(one):
        seen.append((one[FOLD_IN_REGULARIZATION], one.get(FOLD_IN_HALF_LIFE)))
        return seen[-1][0] * (1.5 if seen[-1][1] == 180 * DAY else 1.0)

    search = FoldInSearch(
        score, regularization_is_open=True, item_exponent_is_open=False, half_life_is_open=True
    )
    assert search.best(point(1.0, 0.5), 1.0) == (point(16.0, 0.5) | {FOLD_IN_HALF_LIFE: 180 * DAY}, 24.0)
    assert {multiple for multiple, half_life in seen if half_life is not None} == {16.0}
