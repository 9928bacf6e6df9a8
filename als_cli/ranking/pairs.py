"""User-item pairs as two parallel arrays: from a sparse mask, without seen ones, scored by definition."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Float32Array, Int64Array

_PAIRS_AT_A_TIME = 1 << 14


@dataclass(frozen=True)
class Pairs:
    """P pairs of a block of users with items."""

    rows: Int64Array
    """(P,) user's position in the block, ascending."""
    columns: Int64Array
    """(P,) item rows."""


def pairs_of(mask: csr_matrix) -> Pairs:
    """Return the stored entries of `mask`, whatever their values."""
    rows = np.repeat(np.arange(mask.shape[0], dtype=np.int64), np.diff(mask.indptr))
    return Pairs(rows, mask.indices.astype(np.int64))


def without(pairs: Pairs, mask: csr_matrix) -> Pairs:
    """Return the `pairs` that are not stored in `mask`."""
    other = pairs_of(mask)
    width = mask.shape[1]
    stays = ~np.isin(pairs.rows * width + pairs.columns, other.rows * width + other.columns, kind="sort")
    return Pairs(pairs.rows[stays], pairs.columns[stays])


def score_pairs(user_factors: Float32Array, item_factors: Float32Array, pairs: Pairs) -> Float32Array:
    """Return the score of each pair, (P,) float32: the dot product summed in float64, then rounded.

    A pair's sum runs in an order that depends on the number of factors alone, so its score has the same bits in
    whatever block it is computed.
    """
    scores = np.empty(len(pairs.rows), np.float32)
    for start in range(0, len(scores), _PAIRS_AT_A_TIME):
        part = slice(start, start + _PAIRS_AT_A_TIME)
        products = user_factors[pairs.rows[part]].astype(np.float64)
        products *= item_factors[pairs.columns[part]]
        scores[part] = np.add.reduce(products, axis=1)
    return scores
