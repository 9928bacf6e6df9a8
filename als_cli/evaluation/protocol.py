"""The protocol: every method ranks the same items for the same test users and is measured by the same numbers."""

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

_SCORES_AT_A_TIME = 1 << 24  # 64 MiB of float32 for a method that scores every item of a block
_LARGEST_BLOCK = 4096


def user_blocks(part: TestSet) -> Iterator[UsersToRank]:
    """Yield all users of `part` in blocks that bound the memory of a method's scores."""
    size = int(np.clip(_SCORES_AT_A_TIME // max(1, part.history.shape[1]), 1, _LARGEST_BLOCK))
    for start in range(0, part.users, size):
        users = slice(start, min(start + size, part.users))
        candidates = None if part.candidates is None else part.candidates[users]
        yield UsersToRank(users, part.history[users], candidates, part.exclude_seen)


class _Lists:
    """What is remembered of the lists of one length."""

    def __init__(self, items: int, diversity: ListDiversity | None) -> None:
        self.exposure = np.zeros(items, dtype=np.int64)
        self.hits = np.zeros(items, dtype=np.int64)
        self.popularity: list[Float64Array] = []
        self.sample: list[Int32Array] = []
        self.full = 0
        self._diversity = diversity

    def add(self, item_rows: Int32Array, hits: BoolArray, users: slice, interactions: Int64Array) -> None:
        """Take the lists `item_rows` (B, k; -1 where unfilled) and `hits` (B, k) of consecutive `users` in."""
        self.exposure += exposure_of(item_rows, len(self.exposure))
        self.hits += exposure_of(item_rows[hits], len(self.hits))
        # Per user, and added up in the end: sums of blocks would round by their size.
        self.popularity.append(list_popularity(item_rows, interactions))
        if self._diversity is not None:
            self.sample.append(item_rows[self._diversity.drawn(users)])
        self.full += int(np.count_nonzero((item_rows >= 0).all(axis=1)))

    def diversity(self) -> dict[str, float]:
        """Return the mean diversity of the sample's lists by its name, nothing where it is not asked for."""
        if self._diversity is None:
            return {}
        # Of all blocks at once: lists that are alike cost little together.
        return {"diversity": mean_diversity(self._diversity.of(np.concatenate(self.sample)))}


@dataclass(frozen=True)
class Measured:
    """One method on one test part."""

    method: str
    per_user: dict[int, dict[str, Float64Array]]
    """By k, then by metric: (T,) values in the order of the test users."""
    averages: dict[str, float]
    """By metric and k, such as ``ndcg@10``: means over users, and the list metrics."""
    short_lists: int
    """Users whose list has fewer than max(k) items."""
    exposure: dict[int, Int64Array]
    """By k: (I,) in how many lists each item stands."""
    hits: dict[int, Int64Array]
    """By k: (I,) for how many users each item is a test item and listed."""


def measure(
    ranker: Ranker,
    part: TestSet,
    at: tuple[int, ...],
    on_users: Callable[[int], None] = lambda _users: None,
    diversity: ListDiversity | None = None,
) -> Measured:
    """Return the metrics of `ranker` at each list length of `at`, `diversity` where it is given.

    `on_users` hears how many users were ranked.
    """
    listed = {k: _Lists(part.history.shape[1], diversity) for k in at}
    collected: dict[int, dict[str, list[Float64Array]]] = {k: {name: [] for name in USER_METRICS} for k in at}
    short_lists = 0
    for block in user_blocks(part):
        lists = ranker.rank(block, max(at))
        hits = hits_of(lists.item_rows, part.relevant[block.users])
        relevant = part.relevant_counts[block.users]
        short_lists += int(np.count_nonzero(~lists.filled.all(axis=1)))
        for k in at:
            listed[k].add(lists.item_rows[:, :k], hits[:, :k], block.users, part.interactions)
            for name, metric in USER_METRICS.items():
                collected[k][name].append(metric(hits[:, :k], relevant))
        on_users(len(relevant))
    per_user = {
        k: {name: np.concatenate(parts) for name, parts in metrics.items()}
        for k, metrics in collected.items()
    }
    return Measured(
        method=ranker.name,
        per_user=per_user,
        averages=_averages(per_user, listed, part),
        short_lists=short_lists,
        exposure={k: one.exposure for k, one in listed.items()},
        hits={k: one.hits for k, one in listed.items()},
    )


def _averages(
    per_user: dict[int, dict[str, Float64Array]], lists: dict[int, _Lists], part: TestSet
) -> dict[str, float]:
    candidates = _candidate_items(part)
    own = history_popularity(part.history, part.interactions)
    averages: dict[str, float] = {}
    for k, metrics in per_user.items():
        averages |= {f"{name}@{k}": float(values.mean()) for name, values in metrics.items()}
        exposure, interactions = lists[k].exposure[candidates], part.interactions[candidates]
        averages |= {f"{name}@{k}": metric(exposure, interactions) for name, metric in LIST_METRICS.items()}
        averages |= {
            f"novelty@{k}": novelty(exposure, interactions, part.training_users),
            f"popularity_lift@{k}": popularity_lift(np.concatenate(lists[k].popularity), own),
            f"filled@{k}": lists[k].full / part.users,
        }
        averages |= {f"{name}@{k}": value for name, value in lists[k].diversity().items()}
    return averages


def _candidate_items(part: TestSet) -> Int64Array:
    if part.candidates is None:
        return np.arange(part.history.shape[1], dtype=np.int64)
    return np.unique(part.candidates.indices).astype(np.int64)
