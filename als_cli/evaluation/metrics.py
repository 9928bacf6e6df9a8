"""Accuracy of ranked lists, one number per user.

Every metric takes `hits` (B, k) bool - whether the item at each place of a user's list is one of his test items, best
place first - and `relevant` (B,) - how many test items he has, at least 1 - and returns (B,) float64 between 0 and 1.
Places that could not be filled are misses. Formulas: docs/evaluation.md.
"""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float64Array, Int32Array, Int64Array
from als_cli.dataset.membership import is_stored

Metric = Callable[[BoolArray, Int64Array], Float64Array]


def hits_of(item_rows: Int32Array, test: csr_matrix) -> BoolArray:
    """Return which places of the lists `item_rows` (B, n; -1 where unfilled) hold an item of `test` (B, I); (B, n).

    `test` has sorted indices; its values do not matter.
    """
    users = np.arange(test.shape[0], dtype=np.int64)[:, None]
    return is_stored(test, users, item_rows)


def precision(hits: BoolArray, relevant: Int64Array) -> Float64Array:  # noqa: ARG001 - one signature for all
    """Return hits / k."""
    return np.asarray(np.mean(hits, axis=1), dtype=np.float64)


def recall(hits: BoolArray, relevant: Int64Array) -> Float64Array:
    """Return hits / test items."""
    return np.asarray(hits.sum(axis=1) / relevant, dtype=np.float64)


def ndcg(hits: BoolArray, relevant: Int64Array) -> Float64Array:
    """Return DCG / ideal DCG: each hit at rank r is worth 1 / log2(r + 1), the ideal has min(k, test items) hits on top."""
    places = hits.shape[1]
    gains = 1.0 / np.log2(np.arange(2, places + 2))
    ideal = np.cumsum(gains)[np.minimum(relevant, places) - 1]
    return np.asarray(np.where(hits, gains, 0.0).sum(axis=1) / ideal, dtype=np.float64)


def average_precision(hits: BoolArray, relevant: Int64Array) -> Float64Array:
    """Return the sum over hits of precision at the hit's rank, divided by min(k, test items)."""
    places = hits.shape[1]
    at_rank = np.cumsum(hits, axis=1) / np.arange(1, places + 1)
    summed = np.where(hits, at_rank, 0.0).sum(axis=1)
    return np.asarray(summed / np.minimum(relevant, places), dtype=np.float64)


def reciprocal_rank(hits: BoolArray, relevant: Int64Array) -> Float64Array:  # noqa: ARG001 - one signature for all
    """Return 1 / rank of the first hit, 0 without one."""
    first = 1.0 / (hits.argmax(axis=1) + 1)
    return np.asarray(np.where(hits.any(axis=1), first, 0.0), dtype=np.float64)


def hit_rate(hits: BoolArray, relevant: Int64Array) -> Float64Array:  # noqa: ARG001 - one signature for all
    """Return 1 with at least one hit, else 0."""
    return np.asarray(hits.any(axis=1), dtype=np.float64)


USER_METRICS: dict[str, Metric] = {
    "ndcg": ndcg,
    "recall": recall,
    "precision": precision,
    "map": average_precision,
    "mrr": reciprocal_rank,
    "hit_rate": hit_rate,
}
"""Metrics by the names of the config, in the order of the tables; a method's figure is the mean over users."""
