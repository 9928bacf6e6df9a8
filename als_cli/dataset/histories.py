"""Rows of the user-item matrix for users and items that are numbered another way."""

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Int32Array


def take_histories(matrix: csr_matrix, user_rows: Int32Array) -> csr_matrix:
    """Return the rows `user_rows` of `matrix` (U, I) as (B, I); -1 gives an empty row."""
    known = user_rows >= 0
    taken = matrix[user_rows[known]]
    lengths = np.zeros(len(user_rows), np.int64)
    lengths[known] = np.diff(taken.indptr)
    return _csr(taken.data, taken.indices, np.concatenate([[0], np.cumsum(lengths)]), matrix.shape[1])


def renumber_items(matrix: csr_matrix, new_rows: Int32Array, items: int) -> csr_matrix:
    """Return `matrix` (B, I) with item i in column `new_rows[i]`, left out where that is -1; (B, items).

    `new_rows` ascends but for the -1, as it does between tables sorted by id, so that indices stay sorted.
    """
    columns = new_rows[matrix.indices]
    kept = columns >= 0
    kept_before = np.concatenate([[0], np.cumsum(kept)])
    return _csr(matrix.data[kept], columns[kept], kept_before[matrix.indptr], items)


def _csr(values: np.ndarray, indices: np.ndarray, indptr: np.ndarray, items: int) -> csr_matrix:
    return csr_matrix(
        (values.astype(np.float32), indices.astype(np.int32), indptr.astype(np.int64)),
        shape=(len(indptr) - 1, items),
    )
