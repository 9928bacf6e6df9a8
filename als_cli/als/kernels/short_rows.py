"""Rows with few pairs, solved exactly through a system as large as the row (Woodbury).

With C = W^(1/2) B D^(-1/2) and b = W^(1/2) s + b0 (b0 holds the pairs whose w is too small to divide by):
x = D^(-1/2) (C' p + D^(-1/2) B' b0),  (I + C C') p = s - C D^(-1/2) B' b0.
Cost n^2 f + n^3 / 3 where the f x f system costs n f^2 + f^3 / 3.
"""

import numpy as np
from numba.core import types

from als_cli.als.arrays import Float32Array, Int32Array
from als_cli.als.kernels.blocks import add_row_products, combine_rows, factorize, padded, solve_factorized
from als_cli.als.kernels.compiling import inlined, kernel
from als_cli.als.kernels.row_system import ROW_SYSTEM, ROWS, SOLUTION, RowSystem, Solution, row_loss

_SMALL = np.float32(1e-6)


@inlined
def _scale_rows(
    system: RowSystem, row: int, scale: Float32Array, block: Float32Array, right: Float32Array
) -> bool:
    """Fill block = C and right = s of a row; return whether a pair is left for b0."""
    start, count = system.indptr[row], system.indptr[row + 1] - system.indptr[row]
    factors = scale.shape[0]
    left = False
    for j in range(count):
        confidence = system.confidence[start + j]
        weight = abs(confidence) - system.shift
        target = max(confidence, np.float32(0.0))
        root = np.float32(0.0)
        right[j] = np.float32(0.0)
        if weight > _SMALL * (target + np.float32(1e-30)):
            root = np.sqrt(weight)
            right[j] = target / root
        else:
            left = left or target > 0
        source = system.fixed[system.indices[start + j]]
        line = block[j]
        for k in range(factors):
            line[k] = root * scale[k] * source[k]
    for j in range(count, padded(count)):
        block[j, :] = np.float32(0.0)
        right[j] = np.float32(0.0)
    return left


@inlined
def _add_unweighted(system: RowSystem, row: int, scale: Float32Array, total: Float32Array) -> None:
    """Set total (f,) = D^(-1/2) B' b0, the pairs that `_scale_rows` left."""
    total[:] = np.float32(0.0)
    for j in range(system.indptr[row], system.indptr[row + 1]):
        confidence = system.confidence[j]
        target = max(confidence, np.float32(0.0))
        if abs(confidence) - system.shift <= _SMALL * (target + np.float32(1e-30)):
            source = system.fixed[system.indices[j]]
            for k in range(total.shape[0]):
                total[k] += target * source[k] * scale[k]


@inlined
def _subtract_products(block: Float32Array, vector: Float32Array, right: Float32Array) -> None:
    """Subtract block @ vector from `right`, in place."""
    for j in range(right.shape[0]):
        line = block[j]
        product = np.float32(0.0)
        for k in range(vector.shape[0]):
            product += line[k] * vector[k]
        right[j] -= product


@kernel(types.void, ROWS, ROW_SYSTEM, SOLUTION)
def solve_short_rows(rows: Int32Array, system: RowSystem, solution: Solution) -> None:
    """Solve `rows`, longest first, none empty, all w >= 0; overwrite their factors and losses."""
    factors = system.fixed.shape[1]
    longest = padded(system.indptr[rows[0] + 1] - system.indptr[rows[0]])
    block = np.empty((longest, factors), np.float32)
    inner = np.empty((longest, longest), np.float32)
    right = np.empty(longest, np.float32)
    scale = np.empty(factors, np.float32)
    rest = np.zeros(factors, np.float32)
    for row in rows:
        size = padded(system.indptr[row + 1] - system.indptr[row])
        for k in range(factors):
            scale[k] = np.float32(1.0) / np.sqrt(system.spectrum[k] + system.ridge[row])
        left = _scale_rows(system, row, scale, block, right)
        add_row_products(block, size, inner)
        if left:
            _add_unweighted(system, row, scale, rest)
            _subtract_products(block[:size], rest, right[:size])
        factorize(inner, size)
        solve_factorized(inner, size, right)
        x = solution.factors[row]
        combine_rows(block, right, size, x)
        if left:
            x += rest
        x *= scale
        if solution.losses.shape[0] > 0:
            solution.losses[row] = row_loss(system, row, x)
