"""Accuracy metrics of ranked lists, one number per user.

Each metric takes two arrays over B users and returns (B,) float64 between 0 and 1:

* `hits` (B, k) bool: whether each slot of the user's list contains a test item of the user, best slot first. Empty slots
  are misses.
* `relevant` (B,) int64: the number of test items of the user, at least 1.

docs/evaluation.md has the formulas.
"""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float64Array, Int32Array, Int64Array
from als_cli.dataset.membership import is_stored

Metric = Callable[[BoolArray, Int64Array], Float64Array]


def hits_of(item_rows: Int32Array, test: csr_matrix) -> BoolArray:
    """Return which slots of the lists `item_rows` contain a test item, (B, n) bool.

    `item_rows` is (B, n) with -1 in empty slots. `test` is (B, I) with sorted indices; its values are ignored.
    """
    users = np.arange(test.shape[0], dtype=np.int64)[:, None]
    return is_stored(test, users, item_rows)


def precision(hits: BoolArray, relevant: Int64Array) -> Float64Array:  # noqa: ARG001 - one signature for all
    """Return precision: hits / k."""
    return np.asarray(np.mean(hits, axis=1), dtype=np.float64)


def recall(hits: BoolArray, relevant: Int64Array) -> Float64Array:
    """Return recall: hits / test items."""
    return np.asarray(hits.sum(axis=1) / relevant, dtype=np.float64)


def ndcg(hits: BoolArray, relevant: Int64Array) -> Float64Array:
    """Return NDCG: DCG / ideal DCG.

    A hit at rank r adds 1 / log2(r + 1). The ideal list has min(k, test items) hits at the top.
    """
    slots = hits.shape[1]
    gains = 1.0 / np.log2(np.arange(2, slots + 2))
    ideal = np.cumsum(gains)[np.minimum(relevant, slots) - 1]
    return np.asarray(np.where(hits, gains, 0.0).sum(axis=1) / ideal, dtype=np.float64)


def average_precision(hits: BoolArray, relevant: Int64Array) -> Float64Array:
    """Return average precision: the sum of the precision at the rank of each hit, divided by min(k, test items)."""
    slots = hits.shape[1]
    at_rank = np.cumsum(hits, axis=1) / np.arange(1, slots + 1)
    summed = np.where(hits, at_rank, 0.0).sum(axis=1)
    return np.asarray(summed / np.minimum(relevant, slots), dtype=np.float64)


def reciprocal_rank(hits: BoolArray, relevant: Int64Array) -> Float64Array:  # noqa: ARG001 - one signature for all
    """Return reciprocal rank: 1 / rank of the first hit, 0 without a hit."""
    first = 1.0 / (hits.argmax(axis=1) + 1)
    return np.asarray(np.where(hits.any(axis=1), first, 0.0), dtype=np.float64)


def hit_rate(hits: BoolArray, relevant: Int64Array) -> Float64Array:  # noqa: ARG001 - one signature for all
    """Return hit rate: 1 with at least one hit, else 0."""
    return np.asarray(hits.any(axis=1), dtype=np.float64)


USER_METRICS: dict[str, Metric] = {
    "ndcg": ndcg,
    "recall": recall,
    "precision": precision,
    "map": average_precision,
    "mrr": reciprocal_rank,
    "hit_rate": hit_rate,
}
"""Metrics by their names in the config, in the order of the tables. Reports contain the mean over users."""
