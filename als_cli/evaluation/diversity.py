"""How different the items of one list are: intra-list diversity (Ziegler et al. 2005) by the users that items share."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

FloatArray = npt.NDArray[np.float64]
RowArray = npt.NDArray[np.int32]

SAMPLE = 1000
"""Users whose lists are looked at: it costs as much as all training interactions of all items listed for them."""
_ENTRIES_AT_A_TIME = 1 << 22  # 64 MiB of column numbers and float64


class ListDiversity:
    """Diversity of the lists of a sample of the test users; all methods are judged on the same sample."""

    def __init__(self, training: csr_matrix, test_users: int, seed: int) -> None:
        """Take the training matrix (U, I), whose stored values count as 1, and draw SAMPLE of `test_users` by `seed`."""
        drawn = np.random.default_rng(seed).permutation(test_users)[:SAMPLE]
        self._users = np.sort(drawn)
        stored = (np.ones(training.nnz, dtype=np.int8), training.indices, training.indptr)
        self._item_users = csr_matrix(csr_matrix(stored, shape=training.shape).T)
        self._counts = np.diff(self._item_users.indptr).astype(np.int64)

    def drawn(self, users: slice) -> npt.NDArray[np.int64]:
        """Return which of the consecutive test `users` are in the sample, counted from its start, ascending."""
        first, last = np.searchsorted(self._users, (users.start, users.stop))
        return np.asarray(self._users[first:last] - users.start, dtype=np.int64)

    def of(self, item_rows: RowArray) -> FloatArray:
        """Return the diversity of each list of `item_rows` (B, k; -1 where unfilled), NaN below two items; (B,).

        1 - mean cosine of the items' columns over all pairs. With unit columns x of m items the pairs add up to
        (|sum x|^2 - sum |x|^2) / 2, so no pair is looked at.
        """
        filled = item_rows >= 0
        places = filled.sum(axis=1)
        pairs = places * (places - 1)
        costs = np.where(filled, self._counts[item_rows], 0).sum(axis=1)
        summed = np.empty(len(item_rows))
        for block in _blocks(costs):
            summed[block] = self._summed_cosines(item_rows[block], filled[block])
        return np.where(pairs > 0, 1.0 - summed / np.maximum(pairs, 1), np.nan)

    def _summed_cosines(self, item_rows: RowArray, filled: npt.NDArray[np.bool_]) -> FloatArray:
        """Return the sum of the cosines of all ordered pairs of each list, (B,)."""
        lists, places = np.nonzero(filled)
        items, columns = np.unique(item_rows[lists, places], return_inverse=True)
        lengths = np.sqrt(np.maximum(self._counts[items], 1))
        shape = (len(item_rows), len(items))
        shares = csr_matrix((1.0 / lengths[columns], (lists, columns)), shape=shape)
        summed = shares @ self._item_users[items].astype(np.float64)
        summed.data **= 2
        # An item's own square is 1, or 0 where nobody has it.
        own = np.bincount(lists, weights=self._counts[items][columns] > 0, minlength=len(item_rows))
        return np.asarray(summed.sum(axis=1), dtype=np.float64).ravel() - own


def mean_diversity(diversities: FloatArray) -> float:
    """Return the mean of `diversities` over the lists that have one, 0 where none has."""
    having = diversities[~np.isnan(diversities)]
    return float(having.mean()) if len(having) else 0.0


def _blocks(costs: npt.NDArray[np.int64]) -> Iterator[slice]:
    """Yield consecutive lists whose costs add up to no more than the bound, or single ones beyond it."""
    reached = np.cumsum(costs)
    start = 0
    while start < len(costs):
        before = reached[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(reached, before + _ENTRIES_AT_A_TIME, side="right")))
        yield slice(start, stop)
        start = stop
