"""Test users as matrix rows: their histories and their test items."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import Int32Array, Int64Array
from als_cli.dataset.histories import renumber_items
from als_cli.dataset.interactions import Interactions, rows_of
from als_cli.dataset.membership import is_stored


@dataclass(frozen=True)
class TestSet:
    """Histories and test items of T test users, over the I items of the training set."""

    history: csr_matrix
    """(T, I) strengths of the items that a method may use, sorted indices; no row is empty."""
    relevant: csr_matrix
    """(T, I) the test items that are in the training set, sorted indices."""
    relevant_counts: Int64Array
    """(T,) int64 number of test items, at least 1. Items that are not in the training set count too, as misses."""
    interactions: Int64Array
    """(I,) int64 number of training users of each item."""
    training_users: int
    """Number of users of the training set, evaluated or not."""
    candidates: csr_matrix | None
    """(T, I) the only items to rank for each user; None: all items."""
    exclude_seen: bool
    """Whether the items of the history are left out of the lists."""
    times: csr_matrix | None = None
    """(T, I) int64 newest time of each pair of `history` (see :class:`~als_cli.dataset.interactions.Interactions`)."""

    @property
    def users(self) -> int:
        """Number of test users."""
        return int(self.history.shape[0])


@dataclass(frozen=True)
class Holdout:
    """T test users, sorted by id."""

    user_ids: pl.Series
    """(T,) ids."""
    user_rows: Int32Array
    """(T,) rows of the users in the training matrix, or among the held-out users."""
    test_set: TestSet
    """Histories and test items of the users."""
    counts: dict[str, int]
    """Numbers of test users and test pairs, and of those left out, by reason."""

    def take(self, positions: Int64Array) -> "Holdout":
        """Return the users at `positions`."""
        test_set = self.test_set
        taken = replace(
            test_set,
            history=test_set.history[positions],
            relevant=test_set.relevant[positions],
            relevant_counts=test_set.relevant_counts[positions],
            candidates=None if test_set.candidates is None else test_set.candidates[positions],
            times=None if test_set.times is None else test_set.times[positions],
        )
        return replace(
            self, user_ids=self.user_ids[positions], user_rows=self.user_rows[positions], test_set=taken
        )

    def sample(self, size: int, seed: int) -> "Holdout":
        """Return a random sample of `size` users, sorted by id; all users if there are no more."""
        return self.parted(size, seed)[0]

    def parted(self, size: int, seed: int) -> tuple["Holdout", "Holdout | None"]:
        """Return a random sample of `size` users and the other users, both sorted by id; None if there are no others."""
        users = len(self.user_rows)
        if size >= users:
            return self, None
        order = np.random.default_rng(seed).permutation(users)
        return self.take(np.sort(order[:size])), self.take(np.sort(order[size:]))

    def with_candidates(self, pairs: pl.DataFrame, item_ids: pl.Series) -> "Holdout":
        """Return the users with candidates: for each user, only the items in `pairs` are ranked.

        `pairs` has user_id and item_id, with the types of the ids.
        """
        users, items = rows_of(self.user_ids, pairs["user_id"]), rows_of(item_ids, pairs["item_id"])
        known = users >= 0
        candidates = _mask(
            users[known & (items >= 0)], items[known & (items >= 0)], self.test_set.history.shape
        )
        counts = self.counts | {
            "candidates_unknown_to_training": int(np.count_nonzero(known & (items < 0))),
            "users_without_candidates": int(np.count_nonzero(np.diff(candidates.indptr) == 0)),
        }
        return replace(self, test_set=replace(self.test_set, candidates=candidates), counts=counts)


def hold_out(
    training: Interactions, test: pl.DataFrame, visible: Interactions | None, *, exclude_seen: bool
) -> Holdout:
    """Return the test users of the pairs in `test`, with their histories and test items.

    `test` has user_id and item_id, with the types of the ids; null stands for an id that the dataset cannot contain.
    The history of a user is their row of `training`, or of `visible` if users are held out.

    Users without history are left out. With `exclude_seen`, test items in the history are left out, and then users
    without any other test item. Test items that are not in the training set stay as misses.
    """
    histories, times = _histories(training, visible)
    test_users = test["user_id"].unique().sort()
    rows = rows_of((visible or training).user_ids, test_users)
    known = rows >= 0
    known[known] = np.diff(histories.indptr)[rows[known]] > 0
    user_ids, rows = test_users.filter(pl.Series(known)), rows[known]
    history = histories[rows]
    users, items = rows_of(user_ids, test["user_id"]), rows_of(training.item_ids, test["item_id"])
    scored, listable = users >= 0, items >= 0
    seen = scored & listable & is_stored(history, users, items)
    if exclude_seen:
        scored &= ~seen
    counts = {
        "test_users": test_users.len(),
        "test_users_without_history": test_users.len() - len(rows),
        "test_pairs": test.height,
        "test_pairs_seen_in_training": int(np.count_nonzero(seen)),
        "test_pairs_unknown_to_training": int(np.count_nonzero(scored & ~listable)),
    }
    test_set = TestSet(
        history=history,
        relevant=_mask(users[scored & listable], items[scored & listable], history.shape),
        relevant_counts=np.bincount(users[scored], minlength=len(rows)).astype(np.int64),
        interactions=np.bincount(training.matrix.indices, minlength=history.shape[1]).astype(np.int64),
        training_users=training.users.height,
        candidates=None,
        exclude_seen=exclude_seen,
        times=None if times is None else times[rows],
    )
    return Holdout(user_ids, rows, test_set, counts).take(np.flatnonzero(test_set.relevant_counts > 0))


def _histories(training: Interactions, visible: Interactions | None) -> tuple[csr_matrix, csr_matrix | None]:
    """Return strengths and times of the histories of all users that may be tested, over the items of `training`."""
    if visible is None:
        return training.matrix, training.times
    new_rows, items = rows_of(training.item_ids, visible.item_ids), training.items.height
    times = None if visible.times is None else renumber_items(visible.times, new_rows, items)
    return renumber_items(visible.matrix, new_rows, items), times


def _mask(rows: Int32Array, columns: Int32Array, shape: tuple[int, int]) -> csr_matrix:
    mask = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    mask.sum_duplicates()
    return mask
