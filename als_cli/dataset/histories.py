"""Rows of the user-item matrix for users and items with other row numbers."""

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Int32Array


def take_histories(matrix: csr_matrix, user_rows: Int32Array) -> csr_matrix:
    """Return the rows `user_rows` (B,) of `matrix` (U, I), (B, I); -1 gives an empty row."""
    known = user_rows >= 0
    taken = matrix[user_rows[known]]
    lengths = np.zeros(len(user_rows), np.int64)
    lengths[known] = np.diff(taken.indptr)
    return _csr(taken.data, taken.indices, np.concatenate([[0], np.cumsum(lengths)]), matrix.shape[1])


def renumber_items(matrix: csr_matrix, new_rows: Int32Array, items: int) -> csr_matrix:
    """Return `matrix` (B, I) with item i in column `new_rows[i]`, without items whose new row is -1; (B, items).

    Apart from -1, `new_rows` must be ascending, so that indices stay sorted. Rows of tables sorted by id are.
    """
    columns = new_rows[matrix.indices]
    kept = columns >= 0
    kept_before = np.concatenate([[0], np.cumsum(kept)])
    return _csr(matrix.data[kept], columns[kept], kept_before[matrix.indptr], items)


def _csr(values: np.ndarray, indices: np.ndarray, indptr: np.ndarray, items: int) -> csr_matrix:
    return csr_matrix(
        (values, indices.astype(np.int32), indptr.astype(np.int64)),
        shape=(len(indptr) - 1, items),
    )
