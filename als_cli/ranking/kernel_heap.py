"""Heap operations for the kernels: a list under construction is a heap of (score, item row), worst entry first."""

import numpy as np

from als_cli.als.kernels.compiling import inlined
from als_cli.arrays import Float32Array, Int32Array


@inlined
def is_worse(score: np.float32, row: int, other_score: np.float32, other_row: int) -> bool:
    """Return whether the first entry ranks below the second: lower score, or equal score and higher row."""
    return bool(score < other_score or (score == other_score and row > other_row))


@inlined
def replace(
    rows: Int32Array, scores: Float32Array, size: int, place: int, row: int, score: np.float32
) -> None:
    """Replace the entry at `place` of the heap of `size` entries by a better one, and sift the new entry down."""
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and is_worse(scores[child + 1], rows[child + 1], scores[child], rows[child]):
            child += 1
        if not is_worse(scores[child], rows[child], score, row):
            break
        rows[place], scores[place] = rows[child], scores[child]
        place = child
    rows[place], scores[place] = row, score


@inlined
def append(rows: Int32Array, scores: Float32Array, size: int, row: int, score: np.float32) -> None:
    """Add an entry to the heap of `size` entries, and sift it up."""
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if not is_worse(score, row, scores[parent], rows[parent]):
            break
        rows[place], scores[place] = rows[parent], scores[parent]
        place = parent
    rows[place], scores[place] = row, score


@inlined
def sort_best_first(rows: Int32Array, scores: Float32Array, size: int) -> None:
    """Sort the heap of `size` entries into a list, best first."""
    for last in range(size - 1, 0, -1):
        row, score = rows[last], scores[last]
        rows[last], scores[last] = rows[0], scores[0]
        replace(rows, scores, last, 0, row, score)
