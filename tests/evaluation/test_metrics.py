"""Accuracy metrics, compared with their definitions in plain loops, and properties that hold for any list."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from als_cli.evaluation.metrics import USER_METRICS, hits_of

ITEMS = 12


def naive_ndcg(listed, relevant, k):
    gained = sum(1 / math.log2(rank + 1) for rank, item in enumerate(listed[:k], start=1) if item in relevant)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))
    return gained / best


def naive_recall(listed, relevant, k):
    return len([item for item in listed[:k] if item in relevant]) / len(relevant)


def naive_precision(listed, relevant, k):
    return len([item for item in listed[:k] if item in relevant]) / k


def naive_average_precision(listed, relevant, k):
    summed = 0.0
    for rank in range(1, min(k, len(listed)) + 1):
        if listed[rank - 1] in relevant:
            summed += naive_precision(listed, relevant, rank)
    return summed / min(k, len(relevant))


def naive_reciprocal_rank(listed, relevant, k):
    for rank, item in enumerate(listed[:k], start=1):
        if item in relevant:
            return 1 / rank
    return 0.0


def naive_hit_rate(listed, relevant, k):
    return 1.0 if any(item in relevant for item in listed[:k]) else 0.0


NAIVE = {
    "ndcg": naive_ndcg,
    "recall": naive_recall,
    "precision": naive_precision,
    "map": naive_average_precision,
    "mrr": naive_reciprocal_rank,
    "hit_rate": naive_hit_rate,
}


@st.composite
def lists_with_test_items(draw):
    """Lists (some short), test items of the catalogue, and the number of test items outside the catalogue."""
    users = draw(st.integers(1, 5))
    catalogue = st.lists(st.integers(0, ITEMS - 1), unique=True)
    lists = [draw(catalogue.map(lambda rows: rows[:6])) for _ in range(users)]
    known = [draw(catalogue) for _ in range(users)]
    unknown = [draw(st.integers(0 if known[user] else 1, 3)) for user in range(users)]
    return lists, known, unknown


def as_arrays(lists, known, unknown):
    item_rows = np.full((len(lists), 6), -1, dtype=np.int32)
    dense = np.zeros((len(lists), ITEMS), dtype=np.float32)
    for user, (listed, test) in enumerate(zip(lists, known, strict=True)):
        item_rows[user, : len(listed)] = listed
        dense[user, test] = 1
    relevant = np.array([len(test) + more for test, more in zip(known, unknown, strict=True)], dtype=np.int64)
    return hits_of(item_rows, csr_matrix(dense)), relevant


@pytest.mark.parametrize("name", USER_METRICS)
@given(scored=lists_with_test_items(), k=st.integers(1, 6))
def test_metric_equals_its_definition(name, scored, k):
    lists, known, unknown = scored
    hits, relevant = as_arrays(*scored)
    # Test items outside the catalogue are negative numbers, which no list contains.
    expected = [
        NAIVE[name](listed, set(test) | {-1 - i for i in range(more)}, k)
        for listed, test, more in zip(lists, known, unknown, strict=True)
    ]
    np.testing.assert_allclose(USER_METRICS[name](hits[:, :k], relevant), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", USER_METRICS)
@given(scored=lists_with_test_items(), data=st.data())
def test_permuting_users_permutes_their_figures(name, scored, data):
    order = data.draw(st.permutations(range(len(scored[0]))))
    hits, relevant = as_arrays(*scored)
    permuted = as_arrays(*([values[user] for user in order] for values in scored))
    np.testing.assert_array_equal(
        USER_METRICS[name](*permuted), USER_METRICS[name](hits, relevant)[np.array(order)]
    )


@pytest.mark.parametrize("name", USER_METRICS)
@given(hits=st.lists(st.booleans(), min_size=1, max_size=8), more=st.integers(0, 4), data=st.data())
def test_one_more_hit_never_lowers_a_metric(name, hits, more, data):
    slot = data.draw(st.integers(0, len(hits) - 1))
    relevant = np.array([sum(hits) + 1 + more], dtype=np.int64)
    before = np.array([hits])
    after = before.copy()
    after[0, slot] = True
    assert USER_METRICS[name](after, relevant)[0] >= USER_METRICS[name](before, relevant)[0]


@pytest.mark.parametrize("name", USER_METRICS)
def test_a_perfect_list_scores_one_and_misses_score_zero(name):
    relevant = np.array([3], dtype=np.int64)
    assert USER_METRICS[name](np.ones((1, 3), dtype=bool), relevant)[0] == pytest.approx(1.0)
    assert USER_METRICS[name](np.zeros((1, 3), dtype=bool), relevant)[0] == 0


def test_empty_slots_are_misses():
    # As a column, -1 in the list of user 1 would be the last item of user 0.
    test = csr_matrix(np.array([[0, 1], [1, 1]], dtype=np.float32))
    assert hits_of(np.array([[1, -1], [-1, -1]], dtype=np.int32), test).tolist() == [
        [True, False],
        [False, False],
    ]


def test_without_test_items_there_are_no_hits():
    assert not hits_of(np.array([[0, 1]], dtype=np.int32), csr_matrix((1, 2), dtype=np.float32)).any()
