"""Intra-list diversity (Ziegler et al. 2005). The similarity of two items is the cosine of their sets of training users."""

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Float64Array, Int32Array, Int64Array

SAMPLE = 1000
"""Maximum number of test users whose lists are used."""
_MINIMUM_SAMPLE = 100
CELLS = 1_000_000_000  # maximum of test users x training users: a few seconds
MAXIMUM_PAIRED = 2000  # items: 32 MiB for the cosines of all pairs


class ListDiversity:
    """Diversity of the lists of a sample of the test users, the same sample for all methods."""

    def __init__(self, training: csr_matrix, test_users: int, seed: int) -> None:
        """Sample the `test_users` by `seed`, and store the training matrix (U, I), whose stored values count as 1.

        The sample has SAMPLE users. Above a million training users it has 10^9 / U users, at least 100.
        """
        size = min(SAMPLE, max(_MINIMUM_SAMPLE, CELLS // max(1, training.shape[0])))
        self._users = np.sort(np.random.default_rng(seed).permutation(test_users)[:size])
        stored = (np.ones(training.nnz, dtype=np.int8), training.indices, training.indptr)
        self._item_users = csr_matrix(csr_matrix(stored, shape=training.shape).T)
        self._counts = np.diff(self._item_users.indptr).astype(np.int64)

    def sampled(self, users: slice) -> Int64Array:
        """Return the positions in the slice `users` of the test users that are in the sample, ascending, int64."""
        first, last = np.searchsorted(self._users, (users.start, users.stop))
        return np.asarray(self._users[first:last] - users.start, dtype=np.int64)

    def of(self, item_rows: Int32Array) -> Float64Array:
        """Return the diversity of each list of `item_rows` (B, k; -1 in empty slots), (B,) float64.

        The diversity is 1 - mean cosine over all pairs of items of the list; NaN with fewer than two items.
        """
        filled = item_rows >= 0
        lengths = filled.sum(axis=1)
        pairs = lengths * (lengths - 1)
        # The cosine of an item with itself is 1, or 0 if no user has it.
        with_itself = np.where(filled, self._counts[item_rows] > 0, False).sum(axis=1)
        if self.has_few_pairs(item_rows):
            summed = self._from_pairs(item_rows)
        else:
            summed = np.array([self._from_users(row[row >= 0]) for row in item_rows])
        return np.where(pairs > 0, 1.0 - (summed - with_itself) / np.maximum(pairs, 1), np.nan)

    def has_few_pairs(self, item_rows: Int32Array) -> bool:
        """Return whether the cosines of all pairs of listed items cost less than each list alone. Similar lists do."""
        listed = item_rows[item_rows >= 0]
        items = np.unique(listed)
        if len(items) > MAXIMUM_PAIRED:
            return False
        held = np.bincount(self._item_users[items].indices, minlength=self._item_users.shape[1])
        return int(held @ held) < int(self._counts[listed].sum())

    def _from_users(self, items: Int32Array) -> float:
        """Return the sum of all cosines of the list `items`, computed as |sum x|^2 over their unit columns x."""
        if len(items) == 0:
            return 0.0
        starts, users = self._item_users.indptr, self._item_users.indices
        held = np.concatenate([users[starts[item] : starts[item + 1]] for item in items])
        counts = self._counts[items]
        lengths = np.repeat(1.0 / np.sqrt(np.maximum(counts, 1)), counts)
        # Not a dot product, because the rounding of BLAS depends on the number of threads.
        return float(np.square(np.bincount(held, weights=lengths)).sum())

    def _from_pairs(self, item_rows: Int32Array) -> Float64Array:
        """Return the sum of all cosines of each list, (B,) float64, from the cosines of all pairs of listed items."""
        items = np.unique(item_rows[item_rows >= 0])
        counts = self._counts[items]
        units = self._item_users[items].astype(np.float64)
        units.data = np.repeat(1.0 / np.sqrt(np.maximum(counts, 1)), counts)
        cosines = (units @ units.T).toarray()
        listed = _membership(item_rows, items)
        return np.asarray(listed.multiply(listed @ cosines).sum(axis=1), dtype=np.float64).ravel()


def _membership(item_rows: Int32Array, items: Int32Array) -> csr_matrix:
    """Return which of the sorted `items` each list contains, (B, items) float64 ones."""
    lists, slots = np.nonzero(item_rows >= 0)
    columns = np.searchsorted(items, item_rows[lists, slots])
    return csr_matrix((np.ones(len(lists)), (lists, columns)), shape=(len(item_rows), len(items)))


def mean_diversity(diversities: Float64Array) -> float:
    """Return the mean of `diversities` without NaN, 0 if all are NaN."""
    defined = diversities[~np.isnan(diversities)]
    return float(defined.mean()) if len(defined) else 0.0
