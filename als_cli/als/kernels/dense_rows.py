"""Rows solved exactly through the f x f system of the row equation.

These are long rows when exactness is asked for, and rows with a negative w, which the short form cannot take.
"""

import numpy as np
from numba.core import types

from als_cli.als.arrays import Float32Array, Int32Array
from als_cli.als.kernels.blocks import factorize, padded, solve_factorized
from als_cli.als.kernels.compiling import inlined, kernel
from als_cli.als.kernels.row_system import ROW_SYSTEM, ROWS, SOLUTION, RowSystem, Solution, row_loss

_TOGETHER = 8


@inlined
def _gather_eight(
    system: RowSystem, row: int, first: int, block: Float32Array, weights: Float32Array
) -> None:
    """Fill eight rows of `block` with the factors of pairs `first`.. of the row, zeros past its end; and their w."""
    start, end = system.indptr[row] + first, system.indptr[row + 1]
    factors = system.fixed.shape[1]
    for j in range(_TOGETHER):
        line = block[j]
        if start + j < end:
            source = system.fixed[system.indices[start + j]]
            weights[j] = abs(system.confidence[start + j]) - system.shift
            for k in range(factors):
                line[k] = source[k]
        else:
            weights[j] = np.float32(0.0)
            line[:] = np.float32(0.0)


@inlined
def _add_targets(system: RowSystem, row: int, right: Float32Array) -> None:
    """Set right (f,) = sum of b_j y_j over the row's pairs."""
    right[:] = np.float32(0.0)
    for j in range(system.indptr[row], system.indptr[row + 1]):
        target = max(system.confidence[j], np.float32(0.0))
        source = system.fixed[system.indices[j]]
        for k in range(system.fixed.shape[1]):
            right[k] += target * source[k]


@inlined
def _add_outer_products(block: Float32Array, weights: Float32Array, matrix: Float32Array) -> None:
    """Add the sum of w_j y_j y_j' over eight rows to the upper triangle of `matrix`, two of its rows at a time.

    The entry below the diagonal that shares a pair of rows is written too; nothing reads it.
    """
    factors = block.shape[1]
    a, b, c, d, e, g, h, i = block[0], block[1], block[2], block[3], block[4], block[5], block[6], block[7]
    w0, w1, w2, w3, w4, w5, w6, w7 = (
        weights[0], weights[1], weights[2], weights[3], weights[4], weights[5], weights[6], weights[7],
    )  # fmt: skip
    for r in range(0, factors - 1, 2):
        top, low = matrix[r], matrix[r + 1]
        p0, p1, p2, p3, p4, p5, p6, p7 = (
            w0 * a[r], w1 * b[r], w2 * c[r], w3 * d[r], w4 * e[r], w5 * g[r], w6 * h[r], w7 * i[r],
        )  # fmt: skip
        s = r + 1
        q0, q1, q2, q3, q4, q5, q6, q7 = (
            w0 * a[s], w1 * b[s], w2 * c[s], w3 * d[s], w4 * e[s], w5 * g[s], w6 * h[s], w7 * i[s],
        )  # fmt: skip
        for k in range(r, factors):
            y0, y1, y2, y3, y4, y5, y6, y7 = a[k], b[k], c[k], d[k], e[k], g[k], h[k], i[k]
            top[k] += p0 * y0 + p1 * y1 + p2 * y2 + p3 * y3 + p4 * y4 + p5 * y5 + p6 * y6 + p7 * y7
            low[k] += q0 * y0 + q1 * y1 + q2 * y2 + q3 * y3 + q4 * y4 + q5 * y5 + q6 * y6 + q7 * y7
    if factors % 2 == 1:
        k = factors - 1
        for j in range(_TOGETHER):
            matrix[k, k] += weights[j] * block[j, k] * block[j, k]


@kernel(types.void, ROWS, ROW_SYSTEM, SOLUTION)
def solve_dense_rows(rows: Int32Array, system: RowSystem, solution: Solution) -> None:
    """Solve `rows` exactly; overwrite their factors and losses. Cost n f^2 + f^3 / 3 each."""
    factors = system.fixed.shape[1]
    size = padded(factors)
    matrix, right = np.empty((size, size), np.float32), np.empty(size, np.float32)
    block, weights = np.empty((_TOGETHER, factors), np.float32), np.empty(_TOGETHER, np.float32)
    for row in rows:
        matrix[:] = np.float32(0.0)
        for first in range(0, system.indptr[row + 1] - system.indptr[row], _TOGETHER):
            _gather_eight(system, row, first, block, weights)
            _add_outer_products(block, weights, matrix)
        for k in range(factors):
            matrix[k, k] += system.spectrum[k] + system.ridge[row]
        for k in range(factors, size):
            matrix[k, k] = np.float32(1.0)
        right[:] = np.float32(0.0)
        _add_targets(system, row, right[:factors])
        factorize(matrix, size)
        solve_factorized(matrix, size, right)
        x = solution.factors[row]
        x[:] = right[:factors]
        if solution.losses.shape[0] > 0:
            solution.losses[row] = row_loss(system, row, x)
