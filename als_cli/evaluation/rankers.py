"""Whatever ranks items for test users: the model, and the popularity baselines."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Float32Array, Int64Array
from als_cli.ranking.native_top_n import ItemIndex, item_index, top_n_of
from als_cli.ranking.top_n import TopN


@dataclass(frozen=True)
class UsersToRank:
    """B consecutive test users."""

    users: slice
    """Their positions among all test users."""
    history: csr_matrix
    """(B, I) strengths of what a method may know of them."""
    candidates: csr_matrix | None
    """(B, I) the only items to rank for them; None: all items."""
    exclude_seen: bool
    """Whether the items of the history are left out of the lists."""

    @property
    def seen(self) -> csr_matrix | None:
        """(B, I) items that must not be listed."""
        return self.history if self.exclude_seen else None


class Ranker(Protocol):
    """A method that is evaluated; baselines are built from the training part, so they know nothing else."""

    name: str

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return the `n` best items of each user of `block`; items that the method has no score for are left out."""
        ...


class FactorRanker:
    """Ranks by dot product: one row of user factors per test user."""

    def __init__(self, name: str, users: Float32Array, items: Float32Array, threads: int) -> None:
        self.name = name
        self._users = users
        self._index = item_index(items)
        self._threads = threads

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return the `n` items with the largest dot products; ties: the lower item row."""
        return _best(self._index, self._users[block.users], block, n, self._threads)


class Popular:
    """Ranks by the number of training interactions, the same for everybody but for what he has seen."""

    name = "popular"

    def __init__(self, training: csr_matrix, threads: int) -> None:
        counts = np.bincount(training.indices, minlength=training.shape[1])
        self._index = item_index(counts.astype(np.float32)[:, None])  # exact up to 2^24 users per item
        self._threads = threads

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return the `n` items with the most training interactions; ties: the lower item row."""
        users = np.ones((block.history.shape[0], 1), dtype=np.float32)
        return _best(self._index, users, block, n, self._threads)


class RecentPopular:
    """Ranks by interactions late in the training period, then by all training interactions; the same for everybody."""

    name = "recent_popular"

    def __init__(self, recent: Int64Array, training: csr_matrix, threads: int) -> None:
        """Take the late interactions (I,) and the training matrix (U, I)."""
        ever = np.bincount(training.indices, minlength=training.shape[1])
        places = np.empty(len(recent), dtype=np.float32)
        # Stable: of items equal in both, the lower row comes first. Places are exact up to 2^24 items.
        places[np.lexsort((-ever, -recent))] = np.arange(len(recent), 0, -1)
        self._index = item_index(places[:, None])
        self._threads = threads

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return the `n` items with the most late interactions; ties: the most of all, then the lower item row."""
        users = np.ones((block.history.shape[0], 1), dtype=np.float32)
        return _best(self._index, users, block, n, self._threads)


def _best(index: ItemIndex, users: Float32Array, block: UsersToRank, n: int, threads: int) -> TopN:
    return top_n_of(index, users, n, seen=block.seen, candidates=block.candidates, threads=threads)
