"""Similar items: nearest neighbours by the cosine of their factors."""

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float32Array, Int64Array
from als_cli.ranking.top_n import TopN, norms, top_n

_ROWS_AT_A_TIME = 1 << 14


def similar_items(item_factors: Float32Array, item_rows: Int64Array, n: int) -> TopN:
    """Return the `n` nearest items of each of `item_rows` (B,) by cosine, without the item itself, (B, n).

    Items whose factors are all zero have no neighbours and are never neighbours. Ties go to the lower item row. The
    function is for few items at a time: it uses the plain top-N, which compiles nothing.
    """
    units, has_direction = unit_vectors(item_factors)
    self_mask = csr_matrix(
        (np.ones(len(item_rows), np.float32), item_rows, np.arange(len(item_rows) + 1)),
        shape=(len(item_rows), len(item_factors)),
    )
    nearest = top_n(units[item_rows], units, n, seen=self_mask, allowed=has_direction)
    without = ~has_direction[item_rows]
    nearest.item_rows[without], nearest.scores[without] = -1, -np.inf
    return nearest


def unit_vectors(vectors: Float32Array) -> tuple[Float32Array, BoolArray]:
    """Return `vectors` (R, f) with length one, and whether each row has a direction, (R,).

    Rows that are zero or not finite have no direction, and their values do not matter.
    """
    lengths = norms(vectors)
    has_direction = (lengths > 0) & np.isfinite(lengths)
    divisors = np.where(has_direction, lengths, 1.0)[:, None]
    units = np.empty_like(vectors, np.float32)
    for start in range(0, len(vectors), _ROWS_AT_A_TIME):  # the quotients are float64
        rows = slice(start, start + _ROWS_AT_A_TIME)
        units[rows] = vectors[rows] / divisors[rows]
    return units, has_direction
