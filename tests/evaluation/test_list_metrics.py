"""List metrics, compared with their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from als_cli.evaluation.list_metrics import (
    LIST_METRICS,
    coverage,
    exposure_of,
    gini,
    history_popularity,
    list_popularity,
    novelty,
    popularity,
    popularity_lift,
)

exposures = st.lists(st.integers(0, 50), min_size=1, max_size=20)


def naive_gini(values):
    """Return the mean absolute difference / twice the mean: the definition, without sorting."""
    total = sum(values)
    if total == 0:
        return 0.0
    differences = sum(abs(a - b) for a in values for b in values)
    return differences / (2 * len(values) * total)


def counts(values):
    return np.array(values, dtype=np.int64)


def test_exposure_counts_lists_and_ignores_empty_slots():
    assert exposure_of(np.array([[2, 0], [2, -1]], dtype=np.int32), 4).tolist() == [1, 0, 2, 0]


@given(exposures)
def test_gini_is_the_relative_mean_difference(values):
    assert gini(counts(values), counts(values)) == pytest.approx(naive_gini(values), abs=1e-12)


@given(exposures)
def test_coverage_counts_items_in_any_list(values):
    assert coverage(counts(values), counts(values)) == sum(1 for value in values if value) / len(values)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 90)), min_size=1, max_size=9))
def test_popularity_is_the_mean_over_slots(pairs):
    slots = [interactions for exposure, interactions in pairs for _ in range(exposure)]
    expected = sum(slots) / len(slots) if slots else 0.0
    assert popularity(counts([e for e, _ in pairs]), counts([n for _, n in pairs])) == pytest.approx(expected)


def test_gini_is_zero_for_equal_exposure_and_near_one_for_one_item():
    assert gini(counts([3, 3, 3, 3]), counts([1] * 4)) == pytest.approx(0.0)
    assert gini(counts([0, 0, 0, 8]), counts([1] * 4)) == pytest.approx(0.75)


@pytest.mark.parametrize("name", LIST_METRICS)
def test_empty_lists_give_zero(name):
    assert LIST_METRICS[name](counts([0, 0]), counts([5, 1])) == 0.0
    assert LIST_METRICS[name](counts([]), counts([])) == 0.0
    assert novelty(counts([0, 0]), counts([5, 1]), 5) == 0.0


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 90)), min_size=1, max_size=9), st.integers(90, 500)
)
def test_novelty_is_the_mean_self_information_over_slots(pairs, users):
    bits = [-math.log2(max(held, 1) / users) for exposure, held in pairs for _ in range(exposure)]
    expected = sum(bits) / len(bits) if bits else 0.0
    found = novelty(counts([e for e, _ in pairs]), counts([n for _, n in pairs]), users)
    assert found == pytest.approx(expected, abs=1e-12)


def test_novelty_is_zero_for_an_item_of_all_users_and_three_bits_for_one_of_eight():
    assert novelty(counts([5, 0]), counts([8, 1]), 8) == 0.0
    assert novelty(counts([0, 5]), counts([8, 1]), 8) == 3.0


def test_popularity_of_lists_ignores_empty_slots_and_empty_lists():
    lists = np.array([[0, 1], [2, -1], [-1, -1]], dtype=np.int32)
    found = list_popularity(lists, counts([10, 20, 7]))
    np.testing.assert_array_equal(found, [15.0, 7.0, np.nan])
    # The third user has no list, so their history is ignored.
    assert popularity_lift(found, np.array([5.0, 6.0, 1000.0])) == 22 / 11


@given(st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=6))
def test_popularity_of_histories_is_a_mean_per_user(histories):
    interactions = [3, 1, 4, 1, 5, 9]
    matrix = csr_matrix([[float(item in items) for item in range(6)] for items in histories])
    expected = [sum(interactions[item] for item in items) / len(items) for items in histories]
    assert history_popularity(matrix, counts(interactions)).tolist() == pytest.approx(expected)


def test_popularity_lift_is_zero_without_lists():
    assert popularity_lift(np.array([np.nan]), np.array([2.0])) == 0.0
