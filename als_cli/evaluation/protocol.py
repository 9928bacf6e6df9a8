"""Computation of all metrics of one method. All methods rank the same items for the same test users."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from als_cli.arrays import BoolArray, Float64Array, Int32Array, Int64Array
from als_cli.evaluation.diversity import ListDiversity, mean_diversity
from als_cli.evaluation.list_metrics import (
    LIST_METRICS,
    exposure_of,
    history_popularity,
    list_popularity,
    novelty,
    popularity_lift,
)
from als_cli.evaluation.metrics import USER_METRICS, hits_of
from als_cli.evaluation.rankers import Ranker, UsersToRank
from als_cli.splitting.holdout import TestSet

_SCORES_PER_BLOCK = 1 << 24  # 64 MiB of float32 for a method that scores every item
MAXIMUM_BLOCK = 4096


def user_blocks(test_set: TestSet) -> Iterator[UsersToRank]:
    """Yield all users of `test_set` in blocks that limit the memory for scores."""
    return _blocks(
        test_set, int(np.clip(_SCORES_PER_BLOCK // max(1, test_set.history.shape[1]), 1, MAXIMUM_BLOCK))
    )


def _blocks(test_set: TestSet, size: int) -> Iterator[UsersToRank]:
    for start in range(0, test_set.users, size):
        users = slice(start, min(start + size, test_set.users))
        candidates = None if test_set.candidates is None else test_set.candidates[users]
        yield UsersToRank(users, test_set.history[users], candidates, test_set.exclude_seen)


def ranked_hits(ranker: Ranker, test_set: TestSet, k: int) -> Iterator[tuple[slice, BoolArray]]:
    """Yield blocks of consecutive users, and whether each of their `k` items is a test item, (B, k).

    `ranker` must not keep a score of every item, because the blocks are large.
    """
    for block in _blocks(test_set, MAXIMUM_BLOCK):
        lists = ranker.rank(block, k)
        yield block.users, hits_of(lists.item_rows, test_set.relevant[block.users])


class _Lists:
    """Sums over the lists of one length."""

    def __init__(self, items: int, diversity: ListDiversity | None) -> None:
        self.exposure = np.zeros(items, dtype=np.int64)
        self.hits = np.zeros(items, dtype=np.int64)
        self.popularity: list[Float64Array] = []
        self.sample: list[Int32Array] = []
        self.full = 0
        self._diversity = diversity

    def add(self, item_rows: Int32Array, hits: BoolArray, users: slice, interactions: Int64Array) -> None:
        """Add the lists `item_rows` (B, k; -1 in empty slots) and `hits` (B, k) of consecutive `users`."""
        self.exposure += exposure_of(item_rows, len(self.exposure))
        self.hits += exposure_of(item_rows[hits], len(self.hits))
        # Stored per user and summed at the end, because the rounding of block sums depends on the block size.
        self.popularity.append(list_popularity(item_rows, interactions))
        if self._diversity is not None:
            self.sample.append(item_rows[self._diversity.sampled(users)])
        self.full += int(np.count_nonzero((item_rows >= 0).all(axis=1)))

    def diversity(self) -> dict[str, float]:
        """Return the mean diversity of the sampled lists, by its name; no entry if it is not computed."""
        if self._diversity is None:
            return {}
        # All blocks at once, because similar lists cost less together.
        return {"diversity": mean_diversity(self._diversity.of(np.concatenate(self.sample)))}


@dataclass(frozen=True)
class Measured:
    """Metrics of one method on one test set."""

    method: str
    per_user: dict[int, dict[str, Float64Array]]
    """(T,) accuracy metrics by k, then by name, in the order of the test users."""
    averages: dict[str, float]
    """Keys are metric and k, such as ``ndcg@10``: means over users, and list metrics."""
    short_lists: int
    """Number of users whose list has fewer items than the largest k."""
    exposure: dict[int, Int64Array]
    """By k: (I,) number of lists that contain each item."""
    hits: dict[int, Int64Array]
    """By k: (I,) number of users for whom the item is listed and is a test item."""


def measure(
    ranker: Ranker,
    test_set: TestSet,
    at: tuple[int, ...],
    on_users: Callable[[int], None] = lambda _users: None,
    diversity: ListDiversity | None = None,
) -> Measured:
    """Return the metrics of `ranker` on `test_set` at each list length of `at`.

    Diversity is computed if `diversity` is given. `on_users` is called with the number of users of each ranked block.
    """
    listed = {k: _Lists(test_set.history.shape[1], diversity) for k in at}
    collected: dict[int, dict[str, list[Float64Array]]] = {k: {name: [] for name in USER_METRICS} for k in at}
    short_lists = 0
    for block in user_blocks(test_set):
        lists = ranker.rank(block, max(at))
        hits = hits_of(lists.item_rows, test_set.relevant[block.users])
        relevant = test_set.relevant_counts[block.users]
        short_lists += int(np.count_nonzero(~lists.filled.all(axis=1)))
        for k in at:
            listed[k].add(lists.item_rows[:, :k], hits[:, :k], block.users, test_set.interactions)
            for name, metric in USER_METRICS.items():
                collected[k][name].append(metric(hits[:, :k], relevant))
        on_users(len(relevant))
    per_user = {
        k: {name: np.concatenate(blocks) for name, blocks in metrics.items()}
        for k, metrics in collected.items()
    }
    return Measured(
        method=ranker.name,
        per_user=per_user,
        averages=_averages(per_user, listed, test_set),
        short_lists=short_lists,
        exposure={k: lists.exposure for k, lists in listed.items()},
        hits={k: lists.hits for k, lists in listed.items()},
    )


def _averages(
    per_user: dict[int, dict[str, Float64Array]], lists: dict[int, _Lists], test_set: TestSet
) -> dict[str, float]:
    candidates = _candidate_items(test_set)
    histories = history_popularity(test_set.history, test_set.interactions)
    averages: dict[str, float] = {}
    for k, metrics in per_user.items():
        averages |= {f"{name}@{k}": float(values.mean()) for name, values in metrics.items()}
        exposure, interactions = lists[k].exposure[candidates], test_set.interactions[candidates]
        averages |= {f"{name}@{k}": metric(exposure, interactions) for name, metric in LIST_METRICS.items()}
        averages |= {
            f"novelty@{k}": novelty(exposure, interactions, test_set.training_users),
            f"popularity_lift@{k}": popularity_lift(np.concatenate(lists[k].popularity), histories),
            f"filled@{k}": lists[k].full / test_set.users,
        }
        averages |= {f"{name}@{k}": value for name, value in lists[k].diversity().items()}
    return averages


def _candidate_items(test_set: TestSet) -> Int64Array:
    if test_set.candidates is None:
        return np.arange(test_set.history.shape[1], dtype=np.int64)
    return np.unique(test_set.candidates.indices).astype(np.int64)
