"""Methods that rank items for test users: the model and the popularity baselines."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.demand import demand
from als_cli.arrays import Float32Array
from als_cli.ranking.masks import Masks
from als_cli.ranking.native_top_n import ItemIndex, item_index, top_n_of
from als_cli.ranking.top_n import TopN


@dataclass(frozen=True)
class UsersToRank:
    """A block of B consecutive test users."""

    users: slice
    """Their positions among all test users."""
    history: csr_matrix
    """(B, I) strengths of the items that a method may use."""
    candidates: csr_matrix | None
    """(B, I) the only items to rank; None: all items."""
    exclude_seen: bool
    """Whether the items of the history are left out of the lists."""

    @property
    def seen(self) -> csr_matrix | None:
        """(B, I) items that must not be listed, None if there are none."""
        return self.history if self.exclude_seen else None


class Ranker(Protocol):
    """A method that is evaluated. It is fitted to the training set only."""

    name: str

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return the `n` best items of each user of `block`. Items without a score are left out."""
        ...


class FactorRanker:
    """Ranks by the dot product of user factors and item factors, with one row of user factors per test user."""

    def __init__(
        self,
        name: str,
        users: Float32Array,
        items: ItemIndex,
        threads: int,
        factors: Float32Array | None = None,
    ) -> None:
        """Rank `items` for `users` (T, d). `factors` (I, f) are the items' factors without demand, if they are known."""
        self.name = name
        self.users = users
        self.index = items
        self.threads = threads
        self.factors = factors

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return the `n` items with the largest dot products. Ties: the lower item row first."""
        return _best(self.index, self.users[block.users], block, n, self.threads)


class _ItemScores:
    """Ranks by one score per item. Lists differ only by the items that are left out as seen."""

    name: str

    def __init__(self, scores: Float32Array, threads: int) -> None:
        """Take the score of each item (I,)."""
        self._index = item_index(scores[:, None])
        self._threads = threads

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return the `n` items with the highest scores. Ties: the lower item row first."""
        users = np.ones((block.history.shape[0], 1), dtype=np.float32)
        return _best(self._index, users, block, n, self._threads)


class Popular(_ItemScores):
    """Ranks by the number of training users."""

    name = "popular"

    def __init__(self, training: csr_matrix, threads: int) -> None:
        counts = np.bincount(training.indices, minlength=training.shape[1])
        super().__init__(counts.astype(np.float32), threads)  # exact up to 2^24 users per item


class RecentPopular(_ItemScores):
    """Ranks by the decayed number of training users, then by the number of all training users."""

    name = "recent_popular"

    def __init__(self, training: csr_matrix, times: csr_matrix, half_life: timedelta, threads: int) -> None:
        """Take the training matrix (U, I), and the newest time of each of its pairs as int64 microseconds.

        A user counts 2^(-age / `half_life`) for an item. The age of a pair is the time from its newest event to the
        newest event of all.
        """
        self.half_life = half_life
        recent = demand(training, times, half_life.total_seconds())
        total = np.bincount(training.indices, minlength=training.shape[1])
        scores = np.empty(len(recent), dtype=np.float32)
        # The sort is stable: of items equal in both counts, the lower row comes first. Scores are exact up to 2^24 items.
        scores[np.lexsort((-total, -recent))] = np.arange(len(recent), 0, -1)
        super().__init__(scores, threads)


def _best(index: ItemIndex, users: Float32Array, block: UsersToRank, n: int, threads: int) -> TopN:
    return top_n_of(index, users, n, Masks(block.seen, block.candidates), threads=threads)
