"""User-item pairs as two parallel arrays, and their scores by definition."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Float32Array, Int64Array

_PAIRS_AT_A_TIME = 1 << 14


@dataclass(frozen=True)
class Pairs:
    """P pairs of a block of users with items."""

    rows: Int64Array
    """(P,) positions of the users in the block, ascending."""
    columns: Int64Array
    """(P,) item rows."""


def pairs_of(mask: csr_matrix) -> Pairs:
    """Return the stored entries of `mask`. Their values do not matter."""
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

    The order of the sum depends on the number of factors only, so that a score has the same bits in any block.
    """
    scores = np.empty(len(pairs.rows), np.float32)
    for start in range(0, len(scores), _PAIRS_AT_A_TIME):
        chunk = slice(start, start + _PAIRS_AT_A_TIME)
        products = user_factors[pairs.rows[chunk]].astype(np.float64)
        products *= item_factors[pairs.columns[chunk]]
        scores[chunk] = np.add.reduce(products, axis=1)
    return scores
