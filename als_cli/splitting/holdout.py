"""Test pairs as matrix rows: who is evaluated, on which items, with which history."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import Int32Array, Int64Array
from als_cli.dataset.interactions import Interactions, rows_of
from als_cli.dataset.membership import is_stored


@dataclass(frozen=True)
class TestSet:
    """T test users and I items of the training part."""

    history: csr_matrix
    """(T, I) strengths of what a method may know of each user, sorted indices; no row is empty."""
    relevant: csr_matrix
    """(T, I) the test items among the training part's, sorted indices."""
    relevant_counts: Int64Array
    """(T,) int64 all test items, at least 1: those that training does not know count too, as misses."""
    interactions: Int64Array
    """(I,) int64 training interactions of each item."""
    training_users: int
    """Users of the training part, evaluated or not."""
    candidates: csr_matrix | None
    """(T, I) the only items to rank for each user; None: all items."""
    exclude_seen: bool
    """Whether history is left out of the lists."""

    @property
    def users(self) -> int:
        """Number of test users."""
        return int(self.history.shape[0])


@dataclass(frozen=True)
class Holdout:
    """T test users, in the order of their ids."""

    user_ids: pl.Series
    """(T,) ids."""
    user_rows: Int32Array
    """(T,) their rows in the training matrix, or among the held-out users."""
    test_set: TestSet
    """The same users in numbers."""
    counts: dict[str, int]
    """How many test users and pairs there were, and how many were left out, by reason."""

    def take(self, positions: Int64Array) -> "Holdout":
        """Return the users at `positions` only."""
        test_set = self.test_set
        taken = replace(
            test_set,
            history=test_set.history[positions],
            relevant=test_set.relevant[positions],
            relevant_counts=test_set.relevant_counts[positions],
            candidates=None if test_set.candidates is None else test_set.candidates[positions],
        )
        return replace(
            self, user_ids=self.user_ids[positions], user_rows=self.user_rows[positions], test_set=taken
        )

    def sample(self, size: int, seed: int) -> "Holdout":
        """Return `size` users drawn by `seed`, in the order of their ids; all where there are no more."""
        users = len(self.user_rows)
        if size >= users:
            return self
        return self.take(np.sort(np.random.default_rng(seed).permutation(users)[:size]))

    def with_candidates(self, pairs: pl.DataFrame, item_ids: pl.Series) -> "Holdout":
        """Return the users with the only items to rank for each: `pairs` of user_id and item_id, typed like the ids."""
        users, items = rows_of(self.user_ids, pairs["user_id"]), rows_of(item_ids, pairs["item_id"])
        theirs = users >= 0
        candidates = _mask(
            users[theirs & (items >= 0)], items[theirs & (items >= 0)], self.test_set.history.shape
        )
        counts = self.counts | {
            "candidates_unknown_to_training": int(np.count_nonzero(theirs & (items < 0))),
            "users_without_candidates": int(np.count_nonzero(np.diff(candidates.indptr) == 0)),
        }
        return replace(self, test_set=replace(self.test_set, candidates=candidates), counts=counts)


def hold_out(
    training: Interactions, test: pl.DataFrame, visible: Interactions | None, *, exclude_seen: bool
) -> Holdout:
    """Return who is evaluated on the pairs of `test` (user_id, item_id: typed like the ids, null where no such id exists).

    A user's history is his row of `training`; where users are held out, his row of `visible`. Users without history
    are left out. With `exclude_seen`, so are test items that stand in the history; without any other test item a
    user is left out too. Test items that training does not know stay: nobody can list them, so they are misses.
    """
    histories = training.matrix if visible is None else _on_items(visible, training.item_ids)
    everyone = test["user_id"].unique().sort()
    rows = rows_of((visible or training).user_ids, everyone)
    known = rows >= 0
    known[known] = np.diff(histories.indptr)[rows[known]] > 0
    user_ids, rows = everyone.filter(pl.Series(known)), rows[known]
    history = histories[rows]
    users, items = rows_of(user_ids, test["user_id"]), rows_of(training.item_ids, test["item_id"])
    scored, listable = users >= 0, items >= 0
    seen = scored & listable & is_stored(history, users, items)
    if exclude_seen:
        scored &= ~seen
    counts = {
        "test_users": everyone.len(),
        "test_users_without_history": everyone.len() - len(rows),
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
    )
    return Holdout(user_ids, rows, test_set, counts).take(np.flatnonzero(test_set.relevant_counts > 0))


def _on_items(visible: Interactions, item_ids: pl.Series) -> csr_matrix:
    """Return the matrix of `visible` with its columns moved to the rows of `item_ids`; other items are left out."""
    columns = rows_of(item_ids, visible.item_ids)
    pairs = visible.matrix.tocoo()
    known = columns[pairs.col] >= 0
    moved = csr_matrix(
        (pairs.data[known], (pairs.row[known], columns[pairs.col[known]])),
        shape=(visible.matrix.shape[0], item_ids.len()),
    )
    moved.sort_indices()
    return moved


def _mask(rows: Int32Array, columns: Int32Array, shape: tuple[int, int]) -> csr_matrix:
    mask = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    mask.sum_duplicates()
    return mask
