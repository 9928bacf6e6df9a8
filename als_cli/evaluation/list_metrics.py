"""What a method's lists look like together: coverage, popularity, concentration, novelty, popularity lift.

Every metric of LIST_METRICS takes `exposure` (C,) - in how many lists each of the C candidate items stands - and `interactions` (C,) -
the item's training interactions - and returns one number. Formulas: docs/evaluation.md.
"""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Float64Array, Int32Array, Int64Array

ListMetric = Callable[[Int64Array, Int64Array], float]


def exposure_of(item_rows: Int32Array, items: int) -> Int64Array:
    """Return in how many of the lists `item_rows` (B, k; -1 where unfilled) each item stands, (items,) int64."""
    return np.bincount(item_rows[item_rows >= 0], minlength=items).astype(np.int64)


def coverage(exposure: Int64Array, interactions: Int64Array) -> float:  # noqa: ARG001 - one signature for all
    """Return the fraction of candidate items that stand in at least one list, 0 to 1."""
    return float(np.count_nonzero(exposure) / len(exposure)) if len(exposure) else 0.0


def popularity(exposure: Int64Array, interactions: Int64Array) -> float:
    """Return the mean number of training interactions of the listed items, over all filled places."""
    places = int(exposure.sum())
    return float(exposure @ interactions) / places if places else 0.0


def gini(exposure: Int64Array, interactions: Int64Array) -> float:  # noqa: ARG001 - one signature for all
    """Return the Gini coefficient of exposure over candidate items: 0 when all are listed alike, towards 1 when few are."""
    places = int(exposure.sum())
    if places == 0:
        return 0.0
    count = len(exposure)
    weighted = float(np.arange(1, count + 1) @ np.sort(exposure))
    return 2.0 * weighted / (count * places) - (count + 1) / count


LIST_METRICS: dict[str, ListMetric] = {"coverage": coverage, "popularity": popularity, "gini": gini}
"""Metrics by the names of the config, in the order of the tables."""


def novelty(exposure: Int64Array, interactions: Int64Array, users: int) -> float:
    """Return the mean self-information of the listed items, bits: -log2 of the fraction of the training `users` who have it.

    Over all filled places; an item without training interaction counts as one with one. Source: Zhou et al. 2010.
    """
    places = int(exposure.sum())
    surprise = np.log2(users) - np.log2(np.maximum(interactions, 1))
    # Not a dot product: BLAS may round by the number of its threads.
    return float((exposure * surprise).sum()) / places if places else 0.0


def list_popularity(item_rows: Int32Array, interactions: Int64Array) -> Float64Array:
    """Return the mean training interactions of each list of `item_rows` (B, k; -1 where unfilled), NaN where empty; (B,)."""
    filled = item_rows >= 0
    places = filled.sum(axis=1)
    summed = np.where(filled, interactions[item_rows], 0).sum(axis=1)
    return np.where(places > 0, summed / np.maximum(places, 1), np.nan)


def history_popularity(history: csr_matrix, interactions: Int64Array) -> Float64Array:
    """Return the mean training interactions of the items of each row of `history` (T, I; no row empty), (T,)."""
    summed = np.add.reduceat(interactions[history.indices], history.indptr[:-1])
    return np.asarray(summed / np.diff(history.indptr), dtype=np.float64)


def popularity_lift(listed: Float64Array, own: Float64Array) -> float:
    """Return the mean of `listed` over the mean of `own` (see list_popularity, history_popularity), of users with a list.

    1: lists are as popular as what users chose themselves. Source: Abdollahpouri et al. 2019, group average popularity.
    """
    with_list = ~np.isnan(listed)
    chosen = float(own[with_list].sum())
    return float(listed[with_list].sum()) / chosen if chosen else 0.0
