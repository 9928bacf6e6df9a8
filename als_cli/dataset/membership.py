"""Lookup of stored positions in a sparse matrix."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray

IntArray = npt.NDArray[np.integer[Any]]


def is_stored(matrix: csr_matrix, rows: IntArray, columns: IntArray) -> BoolArray:
    """Return whether `matrix` stores each position (row, column), in the shape that `rows` and `columns` broadcast to.

    `matrix` must have sorted indices. Stored values do not matter. Positions with a negative column are not stored.
    Cost: one binary search per position.
    """
    height, width = matrix.shape
    stored = np.repeat(np.arange(height, dtype=np.int64) * width, np.diff(matrix.indptr)) + matrix.indices
    wanted = rows.astype(np.int64) * width + columns
    if len(stored) == 0:
        return np.zeros(wanted.shape, dtype=np.bool_)
    nearest = np.minimum(np.searchsorted(stored, wanted), len(stored) - 1)
    found: BoolArray = (stored[nearest] == wanted) & (columns >= 0)
    return found
