"""List metrics: coverage, popularity, Gini coefficient, novelty and popularity lift of all lists together.

Each metric of LIST_METRICS takes two arrays over the C candidate items and returns one number:

* `exposure` (C,): the number of lists that contain the item.
* `interactions` (C,): the number of training users of the item.

docs/evaluation.md has the formulas.
"""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Float64Array, Int32Array, Int64Array

ListMetric = Callable[[Int64Array, Int64Array], float]


def exposure_of(item_rows: Int32Array, items: int) -> Int64Array:
    """Return the number of lists that contain each item, (items,) int64; `item_rows` is (B, k) with -1 in empty slots."""
    return np.bincount(item_rows[item_rows >= 0], minlength=items).astype(np.int64)


def coverage(exposure: Int64Array, interactions: Int64Array) -> float:  # noqa: ARG001 - one signature for all
    """Return the fraction of candidate items that are in at least one list, 0 to 1."""
    return float(np.count_nonzero(exposure) / len(exposure)) if len(exposure) else 0.0


def popularity(exposure: Int64Array, interactions: Int64Array) -> float:
    """Return the mean number of training users of the listed items, over all filled slots."""
    slots = int(exposure.sum())
    return float(exposure @ interactions) / slots if slots else 0.0


def gini(exposure: Int64Array, interactions: Int64Array) -> float:  # noqa: ARG001 - one signature for all
    """Return the Gini coefficient of exposure: 0 if all candidate items are listed equally often, near 1 if few are."""
    slots = int(exposure.sum())
    if slots == 0:
        return 0.0
    count = len(exposure)
    weighted = float(np.arange(1, count + 1) @ np.sort(exposure))
    return 2.0 * weighted / (count * slots) - (count + 1) / count


LIST_METRICS: dict[str, ListMetric] = {"coverage": coverage, "popularity": popularity, "gini": gini}
"""Metrics by their names in the config, in the order of the tables."""


def novelty(exposure: Int64Array, interactions: Int64Array, users: int) -> float:
    """Return the mean self-information of the listed items over all filled slots, in bits.

    The self-information of an item is -log2 of the fraction of the training `users` who have it. An item without
    training users counts as an item with one. Source: Zhou et al. 2010.
    """
    slots = int(exposure.sum())
    self_information = np.log2(users) - np.log2(np.maximum(interactions, 1))
    # Not a dot product, because the rounding of BLAS depends on the number of threads.
    return float((exposure * self_information).sum()) / slots if slots else 0.0


def list_popularity(item_rows: Int32Array, interactions: Int64Array) -> Float64Array:
    """Return the mean number of training users of the items of each list, (B,) float64; NaN if the list is empty.

    `item_rows` is (B, k) with -1 in empty slots.
    """
    filled = item_rows >= 0
    lengths = filled.sum(axis=1)
    summed = np.where(filled, interactions[item_rows], 0).sum(axis=1)
    return np.where(lengths > 0, summed / np.maximum(lengths, 1), np.nan)


def history_popularity(history: csr_matrix, interactions: Int64Array) -> Float64Array:
    """Return the mean number of training users of the items of each row of `history`, (T,) float64.

    `history` is (T, I), without empty rows.
    """
    summed = np.add.reduceat(interactions[history.indices], history.indptr[:-1])
    return np.asarray(summed / np.diff(history.indptr), dtype=np.float64)


def popularity_lift(listed: Float64Array, histories: Float64Array) -> float:
    """Return the mean of `listed` divided by the mean of `histories`, over users with a list; 0 without any list.

    `listed` (T,) is from :func:`list_popularity`, `histories` (T,) from :func:`history_popularity`. 1 means that lists
    are as popular as histories. Source: Abdollahpouri et al. 2019, group average popularity.
    """
    with_list = ~np.isnan(listed)
    divisor = float(histories[with_list].sum())
    return float(listed[with_list].sum()) / divisor if divisor else 0.0
