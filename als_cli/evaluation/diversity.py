"""How different the items of one list are: intra-list diversity (Ziegler et al. 2005) by the users that items share."""

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Float64Array, Int32Array, Int64Array

SAMPLE = 1000
"""Most test users whose lists are looked at."""
_FEWEST = 100
_CELLS = 1_000_000_000  # test users x training users: a few seconds, whatever the size of the data
_MOST_PAIRED = 2000  # items: 32 MiB for the cosines of all pairs


class ListDiversity:
    """Diversity of the lists of a sample of the test users; all methods are evaluated on the same sample."""

    def __init__(self, training: csr_matrix, test_users: int, seed: int) -> None:
        """Take the training matrix (U, I), whose stored values count as 1, and draw from `test_users` by `seed`.

        SAMPLE of them, or fewer beyond a million training users: 10^9 / U, at least 100.
        """
        size = min(SAMPLE, max(_FEWEST, _CELLS // max(1, training.shape[0])))
        drawn = np.random.default_rng(seed).permutation(test_users)[:size]
        self._users = np.sort(drawn)
        stored = (np.ones(training.nnz, dtype=np.int8), training.indices, training.indptr)
        self._item_users = csr_matrix(csr_matrix(stored, shape=training.shape).T)
        self._counts = np.diff(self._item_users.indptr).astype(np.int64)

    def drawn(self, users: slice) -> Int64Array:
        """Return which of the consecutive test `users` are in the sample, counted from its start, ascending."""
        first, last = np.searchsorted(self._users, (users.start, users.stop))
        return np.asarray(self._users[first:last] - users.start, dtype=np.int64)

    def of(self, item_rows: Int32Array) -> Float64Array:
        """Return the diversity of each list of `item_rows` (B, k; -1 where unfilled), NaN below two items; (B,).

        1 - mean cosine of the items' columns over all pairs of the list.
        """
        filled = item_rows >= 0
        places = filled.sum(axis=1)
        pairs = places * (places - 1)
        cost = int(self._counts[item_rows[filled]].sum())
        items = np.unique(item_rows[filled])
        # An item's own square is 1, or 0 where nobody has it.
        own = np.where(filled, self._counts[item_rows] > 0, False).sum(axis=1)
        if self._has_few_pairs(items, cost):
            summed = self._from_pairs(item_rows, items)
        else:
            summed = np.array([self._from_users(row[row >= 0]) for row in item_rows])
        return np.where(pairs > 0, 1.0 - (summed - own) / np.maximum(pairs, 1), np.nan)

    def _has_few_pairs(self, items: Int32Array, cost: int) -> bool:
        """Return whether the cosines of all pairs of `items` cost less than `cost`: so they do if all lists are alike."""
        if len(items) > _MOST_PAIRED:
            return False
        held = np.bincount(self._item_users[items].indices, minlength=self._item_users.shape[1])
        return int(held @ held) < cost

    def _from_users(self, items: Int32Array) -> float:
        """Return the sum of all cosines of the list `items`: |sum x|^2 of their unit columns x, no pair looked at."""
        if len(items) == 0:
            return 0.0
        starts, users = self._item_users.indptr, self._item_users.indices
        held = np.concatenate([users[starts[item] : starts[item + 1]] for item in items])
        counts = self._counts[items]
        lengths = np.repeat(1.0 / np.sqrt(np.maximum(counts, 1)), counts)
        # Not a dot product: BLAS may round by the number of its threads.
        return float(np.square(np.bincount(held, weights=lengths)).sum())

    def _from_pairs(self, item_rows: Int32Array, items: Int32Array) -> Float64Array:
        """Return the sum of all cosines of each list, (B,): from those of all pairs of the listed `items`."""
        counts = self._counts[items]
        units = self._item_users[items].astype(np.float64)
        units.data = np.repeat(1.0 / np.sqrt(np.maximum(counts, 1)), counts)
        cosines = (units @ units.T).toarray()
        inside = _places_of(item_rows, items)
        return np.asarray(inside.multiply(inside @ cosines).sum(axis=1), dtype=np.float64).ravel()


def _places_of(item_rows: Int32Array, items: Int32Array) -> csr_matrix:
    """Return which of the sorted `items` stand in each list, (B, items) float64 ones."""
    lists, places = np.nonzero(item_rows >= 0)
    columns = np.searchsorted(items, item_rows[lists, places])
    return csr_matrix((np.ones(len(lists)), (lists, columns)), shape=(len(item_rows), len(items)))


def mean_diversity(diversities: Float64Array) -> float:
    """Return the mean of `diversities` over the lists that have one, 0 where none has."""
    having = diversities[~np.isnan(diversities)]
    return float(having.mean()) if len(having) else 0.0
