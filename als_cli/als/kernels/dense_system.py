"""The f x f system of a row, for kernels that factorize it: its memory, and sums over the row's pairs."""

import numpy as np

from als_cli.als.kernels.blocks import offset_of, prefetch_pairs, rounded
from als_cli.als.kernels.compiling import pasted
from als_cli.als.kernels.row_system import RowSystem
from als_cli.als.kernels.scratch import DenseScratch
from als_cli.als.kernels.tiles import add_outer, load_16_rows, store_rows
from als_cli.als.kernels.vectors import load, multiply, spread, spread_from, store
from als_cli.arrays import Float32Array


@pasted
def gather(system: RowSystem, start: int, count: int, scratch: DenseScratch) -> float:
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
def add_products(scratch: DenseScratch, count: int, system: RowSystem, upcoming: int) -> None:
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
def begin(system: RowSystem, row: int, matrix: Float32Array, stride: int) -> None:
    """Set the upper triangle of `matrix` to the diagonal matrix D."""
    width = system.spectrum.shape[0]
    for k in range(width):
        for c in range(k & ~15, width, 16):
            store(matrix, k * stride + c, spread(np.float32(0.0)))
        matrix[k * stride + k] = system.spectrum[k] + system.ridge[row]
