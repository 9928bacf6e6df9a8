"""The search for fold-in hyperparameters, on scripted scores."""

import numpy as np
import pytest

from als_cli.tuning.fold_in_search import FoldInSearch
from als_cli.tuning.point import FOLD_IN_ITEM_EXPONENT, FOLD_IN_REGULARIZATION


def point(multiple, fraction):
    return {FOLD_IN_REGULARIZATION: multiple, FOLD_IN_ITEM_EXPONENT: fraction}


def searched(score, start=(1.0, 0.5), *, regularization=True, item_exponent=True):
    """Search from `start`. Return the found (multiple, fraction), its value, and all scored points in order."""
    seen = []

    def scored(one):
        seen.append((one[FOLD_IN_REGULARIZATION], one[FOLD_IN_ITEM_EXPONENT]))
        return score(*seen[-1])

    search = FoldInSearch(scored, regularization_is_open=regularization, item_exponent_is_open=item_exponent)
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
