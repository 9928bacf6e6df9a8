"""Rows solved exactly through the f x f system of the row equation.

These are long rows when exactness is asked for, and rows with a negative w, which the short form cannot take.
"""

from typing import Any, NamedTuple

import numpy as np
from numba.core import types

from als_cli.als.arrays import Float32Array, Int32Array
from als_cli.als.kernels.blocks import clear, combine, offset_of, rounded, row_loss
from als_cli.als.kernels.cholesky import factorize, solve_factorized
from als_cli.als.kernels.compiling import inlined, kernel
from als_cli.als.kernels.row_system import FLOATS, ROW_SYSTEM, ROWS, SOLUTION, RowSystem, Solution
from als_cli.als.kernels.vectors import load, multiply, multiply_add, spread, store

_PAIRS_TOGETHER = 64


class _Scratch(NamedTuple):
    """Memory to solve one row after the other in; flat, rows `stride` = f rounded up to a multiple of 32 apart."""

    matrix: Float32Array
    """(stride * stride,) the row's system, then its Cholesky factor."""
    right: Float32Array
    """(stride,) the right-hand side, then the solution."""
    inverses: Float32Array
    """(stride,) of the Cholesky factor's diagonal."""
    block: Float32Array
    """(64 * stride,) factors of some of the pairs."""
    weighted: Float32Array
    """(64 * stride,) the same times their weights."""
    targets: Float32Array
    """(64,) b of the pairs."""


_named_alike: Any = types.NamedUniTuple
_SCRATCH = _named_alike(FLOATS, 6, _Scratch)


@inlined
def _gather(
    system: RowSystem,
    start: int,
    count: int,
    block: Float32Array,
    weighted: Float32Array,
    targets: Float32Array,
) -> None:
    """Fill `block` with y_j, `weighted` with w_j y_j and `targets` with b_j; zeros up to a multiple of four pairs."""
    width = system.spectrum.shape[0]
    stride = rounded(width, 32)
    for j in range(rounded(count, 4)):
        pair = start + min(j, count - 1)
        weight = abs(system.confidence[pair]) - system.shift if j < count else np.float32(0.0)
        targets[j] = max(system.confidence[pair], np.float32(0.0)) if j < count else np.float32(0.0)
        factor, source = spread(weight), offset_of(system, pair)
        for k in range(0, width, 16):
            values = load(system.fixed, source + k)
            store(block, j * stride + k, values)
            store(weighted, j * stride + k, multiply(factor, values))


@inlined
def _add_products(
    block: Float32Array, weighted: Float32Array, count: int, matrix: Float32Array, stride: int
) -> None:
    """Add weighted' block, over `count` pairs, to the upper triangle of `matrix`, in tiles of 8 x 32."""
    for r in range(0, stride, 8):
        for c in range(r & ~31, stride, 32):
            _add_tile(block, weighted, count, matrix, (r, c), stride)


@inlined
def _add_tile(  # noqa: PLR0915 - registers, one by one
    block: Float32Array,
    weighted: Float32Array,
    count: int,
    matrix: Float32Array,
    corner: tuple[int, int],
    stride: int,
) -> None:
    """Add to the tile at a row and a column; its sixteen vectors stay in registers for all pairs."""
    r, c = corner
    at = r * stride + c
    a0, a1 = load(matrix, at), load(matrix, at + 16)
    b0, b1 = load(matrix, at + stride), load(matrix, at + stride + 16)
    c0, c1 = load(matrix, at + 2 * stride), load(matrix, at + 2 * stride + 16)
    d0, d1 = load(matrix, at + 3 * stride), load(matrix, at + 3 * stride + 16)
    e0, e1 = load(matrix, at + 4 * stride), load(matrix, at + 4 * stride + 16)
    f0, f1 = load(matrix, at + 5 * stride), load(matrix, at + 5 * stride + 16)
    g0, g1 = load(matrix, at + 6 * stride), load(matrix, at + 6 * stride + 16)
    h0, h1 = load(matrix, at + 7 * stride), load(matrix, at + 7 * stride + 16)
    for j in range(count):
        line = j * stride
        y0, y1 = load(block, line + c), load(block, line + c + 16)
        left = line + r
        w = spread(weighted[left])
        a0, a1 = multiply_add(w, y0, a0), multiply_add(w, y1, a1)
        w = spread(weighted[left + 1])
        b0, b1 = multiply_add(w, y0, b0), multiply_add(w, y1, b1)
        w = spread(weighted[left + 2])
        c0, c1 = multiply_add(w, y0, c0), multiply_add(w, y1, c1)
        w = spread(weighted[left + 3])
        d0, d1 = multiply_add(w, y0, d0), multiply_add(w, y1, d1)
        w = spread(weighted[left + 4])
        e0, e1 = multiply_add(w, y0, e0), multiply_add(w, y1, e1)
        w = spread(weighted[left + 5])
        f0, f1 = multiply_add(w, y0, f0), multiply_add(w, y1, f1)
        w = spread(weighted[left + 6])
        g0, g1 = multiply_add(w, y0, g0), multiply_add(w, y1, g1)
        w = spread(weighted[left + 7])
        h0, h1 = multiply_add(w, y0, h0), multiply_add(w, y1, h1)
    _store_pair(matrix, at, a0, a1)
    _store_pair(matrix, at + stride, b0, b1)
    _store_pair(matrix, at + 2 * stride, c0, c1)
    _store_pair(matrix, at + 3 * stride, d0, d1)
    _store_pair(matrix, at + 4 * stride, e0, e1)
    _store_pair(matrix, at + 5 * stride, f0, f1)
    _store_pair(matrix, at + 6 * stride, g0, g1)
    _store_pair(matrix, at + 7 * stride, h0, h1)


@inlined
def _store_pair(matrix: Float32Array, at: int, low: Float32Array, high: Float32Array) -> None:
    """Write two vectors side by side."""
    store(matrix, at, low)
    store(matrix, at + 16, high)


@kernel(types.void, ROWS, ROW_SYSTEM, SOLUTION, _SCRATCH)
def _solve(rows: Int32Array, system: RowSystem, solution: Solution, scratch: _Scratch) -> None:
    width = system.spectrum.shape[0]
    stride = rounded(width, 32)
    matrix, right, inverses = scratch.matrix, scratch.right, scratch.inverses
    for row in rows:
        clear(matrix, stride * stride)
        clear(right, stride)
        start, count = system.indptr[row], system.indptr[row + 1] - system.indptr[row]
        for first in range(0, count, _PAIRS_TOGETHER):
            part = min(_PAIRS_TOGETHER, count - first)
            _gather(system, start + first, part, scratch.block, scratch.weighted, scratch.targets)
            _add_products(scratch.block, scratch.weighted, part, matrix, stride)
            combine(scratch.block, rounded(part, 4), scratch.targets, 0, right)
        for k in range(width):
            matrix[k * stride + k] += system.spectrum[k] + system.ridge[row]
        factorize(matrix, width, stride, inverses)
        solve_factorized(matrix, width, stride, inverses, right)
        x = solution.factors[row]
        for k in range(0, width, 16):
            store(x, k, load(right, k))
        if solution.losses.shape[0] > 0:
            solution.losses[row] = row_loss(system, row, x)


def solve_dense_rows(rows: Int32Array, system: RowSystem, solution: Solution) -> None:
    """Solve `rows` exactly; overwrite their factors and losses. Cost n f^2 + f^3 / 3 each."""
    stride = -(-len(system.spectrum) // 32) * 32
    scratch = _Scratch(
        np.empty(stride * stride, np.float32),
        np.empty(stride, np.float32),
        np.empty(stride, np.float32),
        np.zeros(_PAIRS_TOGETHER * stride, np.float32),
        np.zeros(_PAIRS_TOGETHER * stride, np.float32),
        np.empty(_PAIRS_TOGETHER, np.float32),
    )
    _solve(rows, system, solution, scratch)
