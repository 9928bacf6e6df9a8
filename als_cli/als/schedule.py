"""The solver of each row, and the pieces of work for the threads."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float64Array, Int32Array

BLOCK_FLOATS = 1 << 19
"""Size of a block of the other side in floats: 2 MiB, for a cache near the core."""
_MINIMUM_BLOCKS = 16
"""Minimum blocks of a side. A smaller side (32 MiB) stays in the shared cache without blocks."""
PAIRS_PER_BLOCK = 16
"""Minimum mean number of a row's pairs per block: with fewer, visits by block do not pay."""
_GROUP_FLOATS = 1 << 18
"""Size of the factors of a group's rows in floats: 4 MiB with the other vectors of their solution."""
_GROUP_PAIRS = 1 << 26
"""Maximum pairs of a group, times factors."""
_PIECE = 8_000_000
"""Cost of a piece, in multiply-adds of one visit to a factor row: some milliseconds of work."""


@dataclass(frozen=True)
class Schedule:
    """The rows of a side that have pairs, longest first. Each kind is divided into pieces of about equal cost."""

    dense: list[Int32Array]
    """Rows solved exactly, through the f x f system."""
    longest: list[Int32Array]
    """Rows solved by conjugate gradients, in groups, one block of the other side at a time."""
    block_rows: int
    """Rows of the other side in a block, for `longest`."""
    long: list[Int32Array]
    """Rows solved by conjugate gradients, one after the other."""
    short: list[Int32Array]
    """Rows solved exactly, through a system as large as the row."""

    @property
    def warm_started(self) -> Int32Array:
        """Rows of conjugate gradients: their present factors are the start of the next solution."""
        return np.concatenate([np.empty(0, np.int32), *self.longest, *self.long])


def longest_short_row(factors: int, exact: bool) -> int:
    """Return the maximum number of pairs of a row that is solved exactly through a system as large as the row.

    tests/benchmarks/switch_point.py measures the costs. Two conjugate-gradient steps cost the same at 5 pairs (f = 64,
    128) to 11 pairs (f = 1,024). Up to the maximum below, the exact solution costs at most twice as much, and gives the
    many shortest rows a lower loss. The f x f system costs the same at 0.85 f to 0.9 f pairs.
    """
    return factors * 7 // 8 if exact else max(8, factors // 32)


def schedule_rows(confidence: csr_matrix, factors: int, *, exact: bool, shift: float) -> Schedule:
    """Return the schedule of the rows of `confidence` (rows, columns); with `exact`, no row uses conjugate gradients.

    A row with w = |c| - `shift` < 0 counts as long, because the solver for short rows needs w >= 0.
    """
    counts = np.diff(confidence.indptr)
    order = np.argsort(-counts, kind="stable").astype(np.int32)
    order = order[: np.count_nonzero(counts)]
    short = counts[order] <= longest_short_row(factors, exact)
    if shift > 0:
        short &= ~_has_negative_weight(confidence, shift)[order]
    short_rows, long_rows = order[short], order[~short]
    cost = counts.astype(np.float64) * factors
    short_pieces = _cut(short_rows, cost * (counts / 16 + 1))
    block_rows = max(1, BLOCK_FLOATS // factors)
    if exact:
        return Schedule(
            _cut(long_rows, (cost + factors**2 / 3) * factors / 16), [], block_rows, [], short_pieces
        )
    blocks = confidence.shape[1] // block_rows
    too_long = (counts[long_rows] >= PAIRS_PER_BLOCK * blocks) & (blocks >= _MINIMUM_BLOCKS)
    longest = _groups(long_rows[too_long], counts, factors)
    return Schedule([], longest, block_rows, _cut(long_rows[~too_long], cost), short_pieces)


def _groups(rows: Int32Array, counts: npt.NDArray[np.integer], factors: int) -> list[Int32Array]:
    """Return `rows` in groups that share their passes over the other side, with limits on rows and pairs of a group."""
    if not len(rows):
        return []
    most = max(8, _GROUP_FLOATS // factors)
    by_pairs = np.cumsum(counts[rows], dtype=np.int64) * factors // _GROUP_PAIRS
    groups = np.maximum(by_pairs, np.arange(len(rows)) // most)
    return np.split(rows, np.flatnonzero(np.diff(groups)) + 1)


def _has_negative_weight(confidence: csr_matrix, shift: float) -> BoolArray:
    negative = np.zeros(confidence.shape[0], np.bool_)
    filled = np.flatnonzero(np.diff(confidence.indptr))
    if len(filled):
        smallest = np.minimum.reduceat(np.abs(confidence.data), confidence.indptr[filled])
        negative[filled] = smallest < shift
    return negative


def _cut(rows: Int32Array, cost: Float64Array) -> list[Int32Array]:
    """Return `rows` divided into consecutive pieces of about equal `cost` (cost of each row of the matrix)."""
    if not len(rows):
        return []
    piece = np.cumsum(cost[rows]) // _PIECE
    starts = np.flatnonzero(np.diff(piece)) + 1
    return np.split(rows, starts)
