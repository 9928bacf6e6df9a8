"""Rows solved exactly through the f x f system of the row equation.

These are the long rows with `train.solver: exact`. Rows with a negative w count as long rows.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types

from als_cli.als.kernels.blocks import clear, combine, offset_of, prefetch_pairs, rounded
from als_cli.als.kernels.cholesky import factorize, solve_factorized
from als_cli.als.kernels.compiling import kernel, pasted
from als_cli.als.kernels.row_system import RowSystem, Solution, aligned
from als_cli.als.kernels.row_types import FLOATS, ROW_SYSTEM, ROWS, SOLUTION
from als_cli.als.kernels.tiles import add_outer, load_16_rows, store_rows
from als_cli.als.kernels.vectors import load, multiply, spread, spread_from, store
from als_cli.arrays import Float32Array, Int32Array

_MINIMUM_TOGETHER = 32
"""Minimum pairs whose products are added in one pass: their factors fit the nearest cache at f = 128."""
_MAXIMUM_TOGETHER = 128
"""Maximum pairs of a pass. With many factors, the matrix is in no near cache and each pass reads all of it."""


class _Scratch(NamedTuple):
    """Scratch memory for one row at a time. Arrays are flat, with rows `stride` floats apart.

    `stride` is an odd number of vectors, so that rows of a tile do not compete for the same cache lines.
    """

    matrix: Float32Array
    """(stride * stride,) the system of the row, then its Cholesky factor."""
    right: Float32Array
    """(stride,) the right-hand side, then the solution."""
    inverses: Float32Array
    """(stride,) inverse diagonal of the Cholesky factor."""
    block: Float32Array
    """(pairs * stride,) factors of the pairs of one pass."""
    panel: Float32Array
    """(pairs * 16,) sixteen columns of `block`, times w."""
    weights: Float32Array
    """(pairs,) w of the pairs of one pass."""
    targets: Float32Array
    """(pairs,) b of the pairs of one pass."""


_named_alike: Any = types.NamedUniTuple
_SCRATCH = _named_alike(FLOATS, 7, _Scratch)


@pasted
def _gather(system: RowSystem, start: int, count: int, scratch: _Scratch) -> float:
    """Set `block` to y_j, `weights` to w_j, `targets` to b_j (0 up to a multiple of four); return the sum of b."""
    width = system.spectrum.shape[0]
    stride = width | 16
    total_target = 0.0
    for j in range(rounded(count, 4)):
        pair = start + min(j, count - 1)
        confidence = system.confidence[pair]
        scratch.weights[j] = abs(confidence) - system.shift
        scratch.targets[j] = max(confidence, np.float32(0.0)) if j < count else np.float32(0.0)
        total_target += scratch.targets[j]
        source = offset_of(system, pair)
        for k in range(0, width, 16):
            store(scratch.block, j * stride + k, load(system.fixed, source + k))
    return total_target


@pasted
def _add_products(scratch: _Scratch, count: int, system: RowSystem, upcoming: int) -> None:
    """Add the sum of w_j y_j y_j' over `count` pairs to the upper triangle of `matrix`, in tiles of 16 x 16.

    Between tiles, prefetch the factors of the pairs from `upcoming` on.
    """
    width = system.spectrum.shape[0]
    stride = width | 16
    tiles = width // 16 * (width // 16 + 1) // 2
    together = (scratch.targets.shape[0] + tiles - 1) // tiles
    for r in range(0, width, 16):
        for j in range(count):
            weight = spread_from(scratch.weights, j)
            store(scratch.panel, 16 * j, multiply(weight, load(scratch.block, j * stride + r)))
        for c in range(r, width, 16):
            prefetch_pairs(system, upcoming, together)
            upcoming += together
            tile = load_16_rows(scratch.matrix, r * stride + c, stride)
            for j in range(count):
                tile = add_outer(tile, scratch.panel, 16 * j, load(scratch.block, j * stride + c))
            store_rows(scratch.matrix, r * stride + c, stride, tile)


@pasted
def _begin(system: RowSystem, row: int, matrix: Float32Array, stride: int) -> None:
    """Set the upper triangle of `matrix` to the diagonal matrix D."""
    width = system.spectrum.shape[0]
    for k in range(width):
        for c in range(k & ~15, width, 16):
            store(matrix, k * stride + c, spread(np.float32(0.0)))
        matrix[k * stride + k] = system.spectrum[k] + system.ridge[row]


@pasted
def _gain(system: RowSystem, row: int, targets: Float32Array, x: Float32Array) -> float:
    """Return the sum of 2 b s - w s^2 over the row's pairs in float64, from targets = sum_j b_j y_j.

    By the row equation this is x.(targets + D x), so no pair is read again.
    """
    gain = 0.0
    for k in range(system.spectrum.shape[0]):
        value = np.float64(x[k])
        gain += value * (targets[k] + np.float64(system.spectrum[k] + system.ridge[row]) * value)
    return gain


@kernel(types.void, ROWS, ROW_SYSTEM, SOLUTION, _SCRATCH)
def _solve(rows: Int32Array, system: RowSystem, solution: Solution, scratch: _Scratch) -> None:
    width = system.spectrum.shape[0]
    stride = width | 16
    matrix, right, together = scratch.matrix, scratch.right, scratch.targets.shape[0]
    for place in range(rows.shape[0]):
        row = rows[place]
        start, end = system.indptr[row], system.indptr[row + 1]
        upcoming = system.indptr[rows[min(place + 1, rows.shape[0] - 1)]]
        _begin(system, row, matrix, stride)
        clear(right, width)
        total_target = 0.0
        for first in range(start, end, together):
            part = min(together, end - first)
            total_target += _gather(system, first, part, scratch)
            following = first + part if first + part < end else upcoming
            _add_products(scratch, part, system, following)
            combine(scratch.block, rounded(part, 4), scratch.targets, 0, right)
        x = solution.factors[row]
        for k in range(0, width, 16):
            store(x, k, load(right, k))
        factorize(matrix, width, stride, scratch.inverses)
        solve_factorized(matrix, width, stride, scratch.inverses, right)
        if solution.losses.shape[0] > 0:
            solution.losses[row] = total_target - _gain(system, row, x, right)
        for k in range(0, width, 16):
            store(x, k, load(right, k))


def solve_dense_rows(rows: Int32Array, system: RowSystem, solution: Solution) -> None:
    """Solve `rows` exactly and overwrite their factors and losses. Cost of a row with n pairs: n f^2 + f^3 / 3."""
    width = len(system.spectrum)
    stride, together = width | 16, min(max(_MINIMUM_TOGETHER, width // 8), _MAXIMUM_TOGETHER)
    scratch = _Scratch(
        aligned(stride * stride),
        aligned(stride),
        aligned(stride),
        aligned(together * stride),
        aligned(together * 16),
        aligned(together),
        aligned(together),
    )
    _solve(rows, system, solution, scratch)
