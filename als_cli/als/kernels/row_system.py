"""What a row kernel is given: the sparse rows, the fixed side, and where the answer goes; numba is not imported here.

Notation of the row equation, with Y'Y = diag(d) because the fixed side is in its eigenbasis:
(D + sum_j w_j y_j y_j') x = sum_j b_j y_j, D = diag(a0 d + lambda_u), w = |c| - shift, b = max(c, 0).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from als_cli.arrays import Float32Array, Float64Array, Int32Array, Int64Array


class RowSystem(NamedTuple):
    """The equations of all rows of one side."""

    indptr: Int64Array
    """(rows + 1,) offsets of each row's pairs."""
    indices: Int32Array
    """(pairs,) rows of `fixed`."""
    confidence: Float32Array
    """(pairs,) c, negative where the pair is a dislike."""
    fixed: Float32Array
    """(other side's rows * width,) flat, in the eigenbasis of its Gram matrix; width: f rounded up to a multiple of 16."""
    spectrum: Float32Array
    """(width,) a0 d, positive."""
    ridge: Float32Array
    """(rows,) lambda_u."""
    shift: np.float32
    """What w lacks of |c|: 0 for the weighted loss, a0 for hu2008."""


class Solution(NamedTuple):
    """Where the kernels write; row r of the matrix is row r here."""

    factors: Float32Array
    """(rows, width); conjugate gradients start from what is in it."""
    losses: Float64Array
    """(rows,) the loss of the row's own pairs, sum of w s^2 - 2 b s + b."""


def row_system(
    matrix: csr_matrix, fixed: Float32Array, spectrum: Float32Array, ridge: Float32Array, shift: float
) -> RowSystem:
    """Return the system of `matrix`' rows as the kernels take it: contiguous, read-only views, copied only where need be."""
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
    """Return a contiguous, read-only view of `array`, a copy only where need be."""
    view = np.ascontiguousarray(array, dtype).view()
    view.flags.writeable = False
    return view


def aligned(size: int) -> Float32Array:
    """Return zeros (size,) that begin at a cache line, so that no vector of 16 lies across two: half the loads and stores."""
    zeros = np.zeros(size + 15, np.float32)
    start = -zeros.ctypes.data // zeros.itemsize % 16
    return zeros[start : start + size]
