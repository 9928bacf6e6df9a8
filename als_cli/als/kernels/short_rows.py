"""Rows with few pairs, solved exactly through a system as large as the row (Woodbury identity).

With C = W^(1/2) B D^(-1/2) and b = W^(1/2) s + b0, where b0 has the pairs whose w is too small to divide by:
x = D^(-1/2) (C' p + D^(-1/2) B' b0),  (I + C C') p = s - C D^(-1/2) B' b0.
The cost of a row with n pairs is n^2 f + n^3 / 3. The f x f system would cost n f^2 + f^3 / 3.
"""

import numpy as np

from als_cli.als.kernels.blocks import clear, combine, offset_of, project, rounded, row_loss
from als_cli.als.kernels.cholesky import factorize, solve_factorized
from als_cli.als.kernels.compiling import pasted
from als_cli.als.kernels.row_system import RowSystem, Solution
from als_cli.als.kernels.scratch import ShortScratch
from als_cli.als.kernels.tiles import add_dots, store_totals, zeros
from als_cli.als.kernels.vectors import load, multiply, multiply_add, spread, store
from als_cli.arrays import Float32Array, Int32Array


@pasted
def _is_tiny(weight: np.float32, target: np.float32) -> bool:
    """Return whether w is too small, relative to b, to divide by its square root."""
    return bool(weight <= np.float32(1e-6) * target)


@pasted
def _scale_rows(
    system: RowSystem, row: int, scale: Float32Array, block: Float32Array, right: Float32Array
) -> bool:
    """Set block = C and right = s of a row, with zeros up to a multiple of four; return whether b0 is not zero."""
    start, count = system.indptr[row], system.indptr[row + 1] - system.indptr[row]
    width = scale.shape[0]
    has_rest = False
    for j in range(rounded(count, 4)):
        pair = start + min(j, count - 1)
        weight = abs(system.confidence[pair]) - system.shift
        target = max(system.confidence[pair], np.float32(0.0))
        root = right[j] = np.float32(0.0)
        if j < count and weight > 0 and not _is_tiny(weight, target):
            root = np.sqrt(weight)
            right[j] = target / root
        elif j < count and target > 0:
            has_rest = True
        factor, source = spread(root), offset_of(system, pair)
        for k in range(0, width, 16):
            store(
                block,
                j * width + k,
                multiply(multiply(factor, load(scale, k)), load(system.fixed, source + k)),
            )
    return has_rest


@pasted
def _sum_rest(system: RowSystem, row: int, scale: Float32Array, rest: Float32Array) -> None:
    """Set rest (width,) = D^(-1/2) B' b0."""
    clear(rest, rest.shape[0])
    for pair in range(system.indptr[row], system.indptr[row + 1]):
        target = max(system.confidence[pair], np.float32(0.0))
        if _is_tiny(abs(system.confidence[pair]) - system.shift, target):
            factor, source = spread(target), offset_of(system, pair)
            for k in range(0, rest.shape[0], 16):
                term = multiply(load(scale, k), load(system.fixed, source + k))
                store(rest, k, multiply_add(factor, term, load(rest, k)))


@pasted
def _multiply_rows(block: Float32Array, size: int, width: int, matrix: Float32Array, stride: int) -> None:
    """Set the upper triangle of `matrix` (rows `stride` apart) to I + block block', in tiles of 4 x 4."""
    for i in range(rounded(size, 8)):
        store(matrix, i * stride + stride - 16, spread(np.float32(0.0)))
    for i in range(0, size, 4):
        for j in range(i, size, 4):
            tile = zeros()
            for k in range(0, width, 16):
                tile = add_dots(tile, block, i * width + k, j * width + k, width)
            store_totals(matrix, i * stride + j, stride, tile)
    for k in range(rounded(size, 8)):
        matrix[k * stride + k] += np.float32(1.0)


def solve_short_rows(rows: Int32Array, system: RowSystem, solution: Solution, scratch: ShortScratch) -> None:
    """Solve `rows` exactly; see :func:`als_cli.als.kernels.rows.solve_short_rows`."""
    width = system.spectrum.shape[0]
    block, matrix, right, scale = scratch.block, scratch.matrix, scratch.right, scratch.scale
    for row in rows:
        size = rounded(system.indptr[row + 1] - system.indptr[row], 4)
        stride = rounded(size, 16)
        for k in range(width):
            scale[k] = np.float32(1.0) / np.sqrt(system.spectrum[k] + system.ridge[row])
        clear(right, stride)
        has_rest = _scale_rows(system, row, scale, block, right)
        _multiply_rows(block, size, width, matrix, stride)
        x = solution.factors[row]
        clear(x, width)
        if has_rest:
            _sum_rest(system, row, scale, scratch.rest)
            project(block, size, scratch.rest, scratch.products, 0)
            for j in range(size):
                right[j] -= scratch.products[j]
            for k in range(0, width, 16):
                store(x, k, load(scratch.rest, k))
        factorize(matrix, rounded(size, 8), stride, scratch.inverses)
        solve_factorized(matrix, rounded(size, 8), stride, scratch.inverses, right)
        combine(block, size, right, 0, x)
        for k in range(0, width, 16):
            store(x, k, multiply(load(x, k), load(scale, k)))
        if solution.losses.shape[0] > 0:
            solution.losses[row] = row_loss(system, row, x)
