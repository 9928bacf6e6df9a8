"""Similar items: nearest neighbours by the cosine of their factors."""

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float32Array, Int64Array
from als_cli.ranking.top_n import TopN, norms, top_n


def similar_items(item_factors: Float32Array, item_rows: Int64Array, n: int) -> TopN:
    """Return the `n` nearest items of each of `item_rows` (B,) by cosine, without the item itself, (B, n).

    Items whose factors are all zero have no neighbours and are never neighbours. Ties go to the lower item row. The
    function is for few items at a time: it uses the plain top-N, which compiles nothing.
    """
    units, has_direction = _unit_vectors(item_factors)
    self_mask = csr_matrix(
        (np.ones(len(item_rows), np.float32), item_rows, np.arange(len(item_rows) + 1)),
        shape=(len(item_rows), len(item_factors)),
    )
    nearest = top_n(units[item_rows], units, n, seen=self_mask, allowed=has_direction)
    without = ~has_direction[item_rows]
    nearest.item_rows[without], nearest.scores[without] = -1, -np.inf
    return nearest


def _unit_vectors(factors: Float32Array) -> tuple[Float32Array, BoolArray]:
    lengths = norms(factors)
    has_direction = (lengths > 0) & np.isfinite(lengths)
    units = factors / np.where(has_direction, lengths, 1.0)[:, None]
    return units.astype(np.float32), has_direction
