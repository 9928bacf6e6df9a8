"""Which rows are solved how, and in which pieces the threads take them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float64Array, Int32Array

_BLOCK_FLOATS = 1 << 19
"""Factors of a block of the other side: 2 MiB, near the core."""
_FEWEST_BLOCKS = 16
"""A side of fewer blocks (32 MiB) stays in the shared cache as it is."""
_PAIRS_PER_BLOCK = 16
"""Pairs a row must find in a block, on average, to be worth visiting there."""
_GROUP_FLOATS = 1 << 18
"""Factors of a group's rows: with the other vectors of their solution, 4 MiB."""
_GROUP_PAIRS = 1 << 26
"""Pairs of a group times factors."""
_PIECE = 8_000_000
"""Multiply-adds of a piece, in units of a factor row visited once: some milliseconds of work."""


@dataclass(frozen=True)
class Schedule:
    """The filled rows of a side, longest first; each kind cut into pieces of about equal cost."""

    dense: list[Int32Array]
    """Exact, through the f x f system."""
    longest: list[Int32Array]
    """By conjugate gradients, a group of rows at once, block by block of the other side."""
    block_rows: int
    """Rows of the other side in such a block."""
    long: list[Int32Array]
    """By conjugate gradients."""
    short: list[Int32Array]
    """Exact, through a system as large as the row."""

    @property
    def warm_started(self) -> Int32Array:
        """The rows whose last factors are the start of the next solution."""
        return np.concatenate([np.empty(0, np.int32), *self.longest, *self.long])


def longest_short_row(factors: int, exact: bool) -> int:
    """Return how many pairs a row may have to be solved exactly through its own system.

    Measured (tests/benchmarks/switch_point.py): two CG steps cost as much at 5 pairs (f = 64, 128) to 11 (f = 1,024),
    and at most half as much at the lengths below, which buy exactness for the many shortest rows; the f x f system
    costs as much at 0.85 to 0.9 f pairs.
    """
    return factors * 7 // 8 if exact else max(8, factors // 32)


def schedule_rows(confidence: csr_matrix, factors: int, *, exact: bool, shift: float) -> Schedule:
    """Return the schedule of the rows of `confidence`; `exact` leaves none to conjugate gradients.

    A row with w = |c| - `shift` < 0 cannot take the short form; it counts as long.
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
    block_rows = max(1, _BLOCK_FLOATS // factors)
    if exact:
        return Schedule(
            _cut(long_rows, (cost + factors**2 / 3) * factors / 16), [], block_rows, [], short_pieces
        )
    blocks = confidence.shape[1] // block_rows
    too_long = (counts[long_rows] >= _PAIRS_PER_BLOCK * blocks) & (blocks >= _FEWEST_BLOCKS)
    longest = _groups(long_rows[too_long], counts, factors)
    return Schedule([], longest, block_rows, _cut(long_rows[~too_long], cost), short_pieces)


def _groups(rows: Int32Array, counts: npt.NDArray[np.integer], factors: int) -> list[Int32Array]:
    """Return `rows` in groups that share their passes over the other side: large, but enough of them to go round."""
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
    """Return `rows` in pieces of about equal cost."""
    if not len(rows):
        return []
    piece = np.cumsum(cost[rows]) // _PIECE
    starts = np.flatnonzero(np.diff(piece)) + 1
    return np.split(rows, starts)
