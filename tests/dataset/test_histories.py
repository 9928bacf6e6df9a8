"""Histories with other row numbers, compared with dense matrices."""

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.dataset.histories import renumber_items, take_histories


def some_matrix():
    rng = np.random.default_rng(4)
    dense = np.where(rng.random((7, 9)) < 0.4, rng.integers(1, 9, (7, 9)), 0).astype(np.float32)
    return dense, csr_matrix(dense)


def test_unknown_users_have_empty_histories():
    dense, matrix = some_matrix()
    taken = take_histories(matrix, np.array([3, -1, 0, 3, -1], np.int32))
    np.testing.assert_array_equal(
        taken.toarray(), np.stack([dense[3], dense[0] * 0, dense[0], dense[3], dense[0] * 0])
    )
    assert take_histories(matrix, np.array([], np.int32)).shape == (0, 9)
    assert take_histories(matrix, np.array([-1], np.int32)).nnz == 0


def test_items_move_to_their_new_columns_or_are_removed():
    dense, matrix = some_matrix()
    new_rows = np.array([1, -1, 2, 3, -1, 7, 8, 9, -1], np.int32)
    expected = np.zeros((7, 11), np.float32)
    for item, column in enumerate(new_rows):
        if column >= 0:
            expected[:, column] = dense[:, item]
    moved = renumber_items(matrix, new_rows, 11)
    np.testing.assert_array_equal(moved.toarray(), expected)
    assert moved.has_sorted_indices
    assert moved.dtype == np.float32
