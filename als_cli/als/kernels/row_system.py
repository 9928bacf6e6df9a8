"""Input and output of a row kernel: the sparse rows, the fixed side, and the arrays of the solution; without numba.

The row equation is (D + sum_j w_j y_j y_j') x = sum_j b_j y_j with D = diag(a0 d + lambda_u), w = |c| - shift and
b = max(c, 0). The fixed side is in its eigenbasis, so Y'Y = diag(d).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from als_cli.arrays import Float32Array, Float64Array, Int32Array, Int64Array


class RowSystem(NamedTuple):
    """The systems of all rows of one side."""

    indptr: Int64Array
    """(rows + 1,) index of the first pair of each row, then the number of pairs."""
    indices: Int32Array
    """(pairs,) row number in `fixed`."""
    confidence: Float32Array
    """(pairs,) c; negative for a dislike."""
    fixed: Float32Array
    """(rows of the other side * width,) factors in their eigenbasis, flat; width: f rounded up to a multiple of 16."""
    spectrum: Float32Array
    """(width,) a0 d, positive."""
    ridge: Float32Array
    """(rows,) lambda_u."""
    shift: np.float32
    """|c| - w: 0 for the weighted loss, a0 for hu2008."""


class Solution(NamedTuple):
    """The arrays that kernels write; row r belongs to row r of the matrix."""

    factors: Float32Array
    """(rows, width) factors; conjugate gradients start from their present values."""
    losses: Float64Array
    """(rows,) loss of the row's own pairs: the sum of w s^2 - 2 b s + b. Empty: it is not computed."""


def row_system(
    matrix: csr_matrix, fixed: Float32Array, spectrum: Float32Array, ridge: Float32Array, shift: float
) -> RowSystem:
    """Return the systems of the rows of `matrix` as contiguous, read-only views; copied only if necessary."""
    return RowSystem(
        frozen(matrix.indptr, np.int64),
        frozen(matrix.indices, np.int32),
        frozen(matrix.data, np.float32),
        frozen(fixed.reshape(-1), np.float32),
        frozen(spectrum, np.float32),
        frozen(ridge, np.float32),
        np.float32(shift),
    )


def frozen(array: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a contiguous, read-only view of `array` with `dtype`, copied only if necessary."""
    view = np.ascontiguousarray(array, dtype).view()
    view.flags.writeable = False
    return view


def aligned(size: int) -> Float32Array:
    """Return zeros (size,) aligned to a cache line: a vector of 16 in two lines costs twice the loads and stores."""
    zeros = np.zeros(size + 15, np.float32)
    start = -zeros.ctypes.data // zeros.itemsize % 16
    return zeros[start : start + size]
