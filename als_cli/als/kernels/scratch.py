"""Scratch memory of the row kernels, and its types; without numba."""

from typing import NamedTuple

import numpy as np

from als_cli.als.kernels.row_system import RowSystem, aligned, frozen
from als_cli.als.kernels.signatures import named, read_only, writable
from als_cli.arrays import Float32Array, Float64Array, Int32Array, Int64Array

_MINIMUM_TOGETHER = 32
"""Minimum pairs whose products are added in one pass: their factors fit the nearest cache at f = 128."""
_MAXIMUM_TOGETHER = 128
"""Maximum pairs of a pass. With many factors, the matrix is in no near cache and each pass reads all of it."""


class ShortScratch(NamedTuple):
    """Scratch memory for one row at a time; n: pairs of the longest row, rounded up to a multiple of 16."""

    block: Float32Array
    """(n * width,) C."""
    matrix: Float32Array
    """(n * n,) I + C C', then its Cholesky factor."""
    right: Float32Array
    """(n,) the right-hand side, then p."""
    inverses: Float32Array
    """(n,) inverse diagonal of the Cholesky factor."""
    products: Float32Array
    """(n,) C D^(-1/2) B' b0."""
    scale: Float32Array
    """(width,) D^(-1/2)."""
    rest: Float32Array
    """(width,) D^(-1/2) B' b0."""


class DenseScratch(NamedTuple):
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


class GroupState(NamedTuple):
    """The state of a group of G rows."""

    rows: Int32Array
    borders: Int64Array
    """(G, blocks + 1) index of the first pair of each row in each block, then the end of the row."""
    vectors: Float32Array
    """(4, G, width) inverse, residual, direction and image of each row."""
    losses: Float64Array
    rz: Float32Array
    curvatures: Float64Array


FLOATS = writable("float32")
SHORT_SCRATCH = named(ShortScratch, *[FLOATS] * 7)
DENSE_SCRATCH = named(DenseScratch, *[FLOATS] * 7)
GROUP_STATE = named(
    GroupState,
    read_only("int32"),
    writable("int64", 2),
    writable("float32", 3),
    writable("float64"),
    FLOATS,
    writable("float64"),
)


def dense_scratch(width: int) -> DenseScratch:
    """Return the scratch memory of one kernel call for factors of `width` columns."""
    stride, together = width | 16, min(max(_MINIMUM_TOGETHER, width // 8), _MAXIMUM_TOGETHER)
    return DenseScratch(
        aligned(stride * stride),
        aligned(stride),
        aligned(stride),
        aligned(together * stride),
        aligned(together * 16),
        aligned(together),
        aligned(together),
    )


def short_scratch(width: int, pairs: int) -> ShortScratch:
    """Return the scratch memory of one kernel call for rows of at most `pairs` pairs."""
    size = -(-pairs // 16) * 16
    return ShortScratch(
        aligned(size * width),
        aligned(size * size),
        aligned(size),
        aligned(size),
        aligned(size),
        aligned(width),
        aligned(width),
    )


def group_state(rows: Int32Array, system: RowSystem, block_rows: int) -> GroupState:
    """Return the state of the group `rows`; `block_rows` rows of the fixed side are a block."""
    width, count = len(system.spectrum), len(rows)
    blocks = -(-len(system.fixed) // width // block_rows)
    return GroupState(
        frozen(rows, np.int32),
        np.empty((count, blocks + 1), np.int64),
        aligned(4 * count * width).reshape(4, count, width),
        np.empty(count, np.float64),
        np.empty(count, np.float32),
        np.empty(count, np.float64),
    )
