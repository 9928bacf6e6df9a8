"""Loops over blocks of rows that the row kernels share; compiled into each kernel.

Loops take four rows at a time. One load of the vector then serves four rows, and the four sums fit into registers. A
block of rows is a flat array whose rows begin `width` floats apart; `width` is a multiple of 16.
"""

import numpy as np

from als_cli.als.kernels.compiling import inlined
from als_cli.als.kernels.row_system import RowSystem
from als_cli.als.kernels.vectors import load, multiply_add, prefetch, spread, store, total
from als_cli.arrays import Float32Array


@inlined
def rounded(count: int, multiple: int) -> int:
    """Return `count` rounded up to a power of two `multiple`."""
    return (count + multiple - 1) & ~(multiple - 1)


@inlined
def clear(vector: Float32Array, end: int) -> None:
    """Set vector[:end] = 0; `end` is a multiple of 16."""
    for k in range(0, end, 16):
        store(vector, k, spread(np.float32(0.0)))


@inlined
def offset_of(system: RowSystem, pair: int) -> int:
    """Return the offset of the factors of `pair` in the flat fixed side."""
    return system.spectrum.shape[0] * system.indices[pair]  # type: ignore[no-any-return]


@inlined
def prefetch_pairs(system: RowSystem, first: int, count: int) -> None:
    """Prefetch the factors of `count` pairs from `first` on, up to the last pair."""
    for pair in range(first, min(first + count, system.indices.shape[0])):
        source = offset_of(system, pair)
        for k in range(0, system.spectrum.shape[0], 16):
            prefetch(system.fixed, source + k)


@inlined
def project(block: Float32Array, size: int, direction: Float32Array, products: Float32Array, at: int) -> None:
    """Set products[at : at + size] = block @ direction; `size` is a multiple of four."""
    width = direction.shape[0]
    for j in range(0, size, 4):
        a = j * width
        b, c, d = a + width, a + 2 * width, a + 3 * width
        u = v = w = z = spread(np.float32(0.0))
        for k in range(0, width, 16):
            p = load(direction, k)
            u = multiply_add(load(block, a + k), p, u)
            v = multiply_add(load(block, b + k), p, v)
            w = multiply_add(load(block, c + k), p, w)
            z = multiply_add(load(block, d + k), p, z)
        products[at + j], products[at + j + 1] = total(u), total(v)
        products[at + j + 2], products[at + j + 3] = total(w), total(z)


@inlined
def combine(block: Float32Array, size: int, weights: Float32Array, at: int, sums: Float32Array) -> None:
    """Add block' @ weights[at : at + size] to `sums` (width,); `size` is a multiple of four."""
    width = sums.shape[0]
    for j in range(0, size, 4):
        a = j * width
        b, c, d = a + width, a + 2 * width, a + 3 * width
        u, v = spread(weights[at + j]), spread(weights[at + j + 1])
        w, z = spread(weights[at + j + 2]), spread(weights[at + j + 3])
        for k in range(0, width, 16):
            s = multiply_add(u, load(block, a + k), load(sums, k))
            s = multiply_add(v, load(block, b + k), s)
            s = multiply_add(w, load(block, c + k), s)
            store(sums, k, multiply_add(z, load(block, d + k), s))


@inlined
def row_loss(system: RowSystem, row: int, x: Float32Array) -> float:
    """Return the loss of the row's pairs: the sum of w s^2 - 2 b s + b with the scores s = y.x, in float64."""
    loss = 0.0
    for pair in range(system.indptr[row], system.indptr[row + 1]):
        source = offset_of(system, pair)
        dot = spread(np.float32(0.0))
        for k in range(0, x.shape[0], 16):
            dot = multiply_add(load(system.fixed, source + k), load(x, k), dot)
        score = total(dot)
        confidence = system.confidence[pair]
        target = max(confidence, np.float32(0.0))
        loss += (abs(confidence) - system.shift) * score * score - 2 * target * score + target
    return loss
