"""Items alike: the nearest by the cosine of their factors."""

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Float32Array, Int64Array
from als_cli.ranking.top_n import TopN, top_n


def similar_items(item_factors: Float32Array, item_rows: Int64Array, n: int) -> TopN:
    """Return the `n` items nearest to each of `item_rows` (B,) by cosine, the item itself left out, (B, n).

    Items whose factors are all zero are near to nothing and have no neighbours. Ties go to the lower item row.
    For a few items at a time: the plain top-N, so nothing has to be compiled.
    """
    units, pointed = _unit_vectors(item_factors)
    itself = csr_matrix(
        (np.ones(len(item_rows), np.float32), item_rows, np.arange(len(item_rows) + 1)),
        shape=(len(item_rows), len(item_factors)),
    )
    nearest = top_n(units[item_rows], units, n, seen=itself, allowed=pointed)
    nowhere = ~pointed[item_rows]
    nearest.item_rows[nowhere], nearest.scores[nowhere] = -1, -np.inf
    return nearest


def _unit_vectors(factors: Float32Array) -> tuple[Float32Array, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    lengths = np.sqrt(np.einsum("rf,rf->r", factors, factors, dtype=np.float64))
    pointed = (lengths > 0) & np.isfinite(lengths)
    units = factors / np.where(pointed, lengths, 1.0)[:, None]
    return units.astype(np.float32), pointed
