"""Ordering of both sides by decreasing frequency, and back."""

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.als.engine import AlsSettings
from als_cli.als.native import NativeEngine
from als_cli.als.ordering import both_sides, ordering_of, put_back


def matrix_of(rng, users=40, items=30, index_type=np.int32):
    dense = np.where(rng.random((users, items)) < rng.random(items) * 0.4, rng.random((users, items)) + 1, 0)
    matrix = csr_matrix(dense.astype(np.float32))
    matrix.indptr = matrix.indptr.astype(index_type)
    return matrix


@pytest.mark.parametrize("index_type", [np.int32, np.int64])
def test_both_sides_are_the_matrix_in_order_of_frequency(index_type):
    matrix = matrix_of(np.random.default_rng(1), index_type=index_type)
    ordering = ordering_of(matrix)
    by_user, by_item = both_sides(matrix, ordering)
    expected = matrix.toarray()[ordering.users][:, ordering.items]
    np.testing.assert_array_equal(by_user.toarray(), expected)
    np.testing.assert_array_equal(by_item.toarray(), expected.T)
    for side in (by_user, by_item):
        assert (np.diff(np.diff(side.indptr)) <= 0).all()
        assert side.indices.dtype == np.int32
        assert side.has_sorted_indices
        assert all((np.diff(side.indices[a:b]) > 0).all() for a, b in itertools.pairwise(side.indptr))


def test_put_back_undoes_the_order():
    rng = np.random.default_rng(2)
    factors, order = rng.random((9, 16), dtype=np.float32), rng.permutation(9).astype(np.int32)
    back = put_back(factors[order], order, columns=5)
    np.testing.assert_array_equal(back, factors[:, :5])
    assert back.flags["C_CONTIGUOUS"]


def test_training_does_not_change_its_input_and_returns_factors_in_its_order():
    rng = np.random.default_rng(3)
    matrix = matrix_of(rng)
    before = matrix.toarray()
    settings = AlsSettings(6, 0.1, 12, True, 4, 2, init_scale=1.0)
    factors = NativeEngine().fit(matrix, settings, lambda _: None)
    np.testing.assert_array_equal(matrix.toarray(), before)
    scores = factors.users @ factors.items.T
    liked, other = scores[before > 0].mean(), scores[before == 0].mean()
    assert liked > other + 0.2  # rows in another order would not fit the matrix
