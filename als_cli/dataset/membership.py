"""Lookup of stored entries in a sparse matrix."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Int64Array

IntArray = npt.NDArray[np.integer[Any]]


def is_stored(matrix: csr_matrix, rows: IntArray, columns: IntArray) -> BoolArray:
    """Return whether `matrix` stores each position (row, column), in the shape that `rows` and `columns` broadcast to.

    `matrix` must have sorted indices. Stored values do not matter. Positions with a negative column are not stored.
    Cost: one binary search per position.
    """
    found: BoolArray = entries_of(matrix, rows, columns) >= 0
    return found


def entries_of(matrix: csr_matrix, rows: IntArray, columns: IntArray) -> Int64Array:
    """Return where `matrix` stores each position (row, column): its place in `matrix.data`, -1 if it is not stored.

    The rules of :func:`is_stored` apply.
    """
    height, width = matrix.shape
    stored = np.repeat(np.arange(height, dtype=np.int64) * width, np.diff(matrix.indptr))
    stored += matrix.indices
    wanted = rows.astype(np.int64) * width + columns
    if len(stored) == 0:
        return np.full(wanted.shape, -1, np.int64)
    nearest = np.minimum(np.searchsorted(stored, wanted), len(stored) - 1)
    return np.where((stored[nearest] == wanted) & (columns >= 0), nearest, -1)
