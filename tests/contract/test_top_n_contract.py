"""The contract of all implementations of top-N: bit-identical to sorting all items.

To test another implementation, add it to IMPLEMENTATIONS.
"""

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from als_cli.ranking.top_n import TopN, top_n, top_n_of_scores
from tests.ranking.native_lists import native_top_n

IMPLEMENTATIONS = [pytest.param(top_n, id="numpy"), pytest.param(native_top_n, id="native")]


def dot_products(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return scores by definition: float64 sums, rounded to float32."""
    return (users.astype(np.float64) @ items.astype(np.float64).T).astype(np.float32)


def sort_everything(scores: np.ndarray, n: int, seen=None, candidates=None, allowed=None) -> TopN:
    """Return the expected lists: for each user, all items sorted by (-score, item row)."""
    users, items = scores.shape
    rows, best = np.full((users, n), -1, np.int32), np.full((users, n), -np.inf, np.float32)
    for user in range(users):
        left = set(range(items))
        if candidates is not None:
            left &= set(candidates.indices[candidates.indptr[user] : candidates.indptr[user + 1]].tolist())
        if seen is not None:
            left -= set(seen.indices[seen.indptr[user] : seen.indptr[user + 1]].tolist())
        if allowed is not None:
            left &= set(np.flatnonzero(allowed).tolist())
        order = sorted(
            (i for i in left if np.isfinite(scores[user, i])), key=lambda i: (-scores[user, i], i)
        )[:n]
        rows[user, : len(order)] = order
        best[user, : len(order)] = scores[user, order]
    return TopN(rows, best)


def assert_same(found: TopN, expected: TopN) -> None:
    assert found.item_rows.dtype == np.int32
    assert found.scores.dtype == np.float32
    np.testing.assert_array_equal(found.item_rows, expected.item_rows)
    np.testing.assert_array_equal(found.scores, expected.scores)


def some_pairs(rng: np.random.Generator, users: int, items: int, fraction: float) -> csr_matrix:
    mask = csr_matrix((rng.random((users, items)) < fraction).astype(np.float32))
    mask.data[::2] = 0.0  # a stored zero masks like any other entry
    return mask


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("rank", IMPLEMENTATIONS)
class TestTopN:
    """The contract of ``top_n``."""

    def factors(self, rng, users=37, items=211, f=12):
        return (
            rng.normal(size=(users, f)).astype(np.float32),
            rng.normal(size=(items, f)).astype(np.float32),
        )

    @pytest.mark.parametrize("n", [1, 10, 211])
    def test_agrees_with_sorting_everything(self, rank, rng, n):
        users, items = self.factors(rng)
        assert_same(rank(users, items, n), sort_everything(dot_products(users, items), n))

    @pytest.mark.parametrize("f", [1, 3, 64, 200])
    def test_holds_for_any_number_of_factors(self, rank, rng, f):
        users, items = self.factors(rng, f=f)
        assert_same(rank(users, items, 7), sort_everything(dot_products(users, items), 7))

    @pytest.mark.parametrize(
        "masks", [("seen",), ("candidates",), ("allowed",), ("seen", "candidates", "allowed")]
    )
    def test_masks(self, rank, rng, masks):
        users, items = self.factors(rng)
        given_masks = {
            "seen": some_pairs(rng, 37, 211, 0.3),
            "candidates": some_pairs(rng, 37, 211, 0.2),
            "allowed": rng.random(211) < 0.5,
        }
        chosen = {name: given_masks[name] for name in masks}
        assert_same(rank(users, items, 9, **chosen), sort_everything(dot_products(users, items), 9, **chosen))

    def test_slots_without_candidates_are_empty(self, rank, rng):
        users, items = self.factors(rng, users=3, items=6)
        candidates = csr_matrix(np.array([[1, 0, 0, 0, 0, 1], [0] * 6, [0, 0, 1, 0, 0, 0]], np.float32))
        found = rank(users, items, 4, candidates=candidates)
        assert found.filled.sum(axis=1).tolist() == [2, 0, 1]
        assert_same(found, sort_everything(dot_products(users, items), 4, candidates=candidates))

    def test_slots_beyond_the_number_of_items_are_empty(self, rank, rng):
        users, items = self.factors(rng, users=3, items=5)
        found = rank(users, items, 8)
        assert found.item_rows.shape == (3, 8)
        assert (found.item_rows[:, 5:] == -1).all()
        assert np.isneginf(found.scores[:, 5:]).all()

    def test_everything_seen_or_nothing_allowed_gives_empty_lists(self, rank, rng):
        users, items = self.factors(rng, users=2, items=5)
        assert not rank(users, items, 3, seen=csr_matrix(np.ones((2, 5), np.float32))).filled.any()
        assert not rank(users, items, 3, allowed=np.zeros(5, bool)).filled.any()

    @pytest.mark.parametrize(("users", "items"), [(0, 5), (2, 0), (0, 0)])
    def test_no_users_or_no_items(self, rank, users, items):
        found = rank(np.ones((users, 4), np.float32), np.ones((items, 4), np.float32), 3)
        assert found.item_rows.shape == (users, 3)
        assert not found.filled.any()

    @pytest.mark.parametrize("value", [0.0, 1.0, -1.0])
    def test_ties_go_by_item_row(self, rank, value):
        users, items = np.full((3, 4), value, np.float32), np.ones((300, 4), np.float32)
        seen = csr_matrix(([1.0, 1.0], ([0, 1], [0, 2])), shape=(3, 300), dtype=np.float32)
        assert rank(users, items, 4, seen=seen).item_rows.tolist() == [
            [1, 2, 3, 4],
            [0, 1, 3, 4],
            [0, 1, 2, 3],
        ]

    def test_ties_at_the_cut_and_inside_the_list(self, rank, rng):
        # Small integers make every sum exact, so that hundreds of items share a few scores.
        users = rng.integers(-2, 3, size=(50, 3)).astype(np.float32)
        items = rng.integers(-2, 3, size=(400, 3)).astype(np.float32)
        seen = some_pairs(rng, 50, 400, 0.1)
        assert_same(
            rank(users, items, 25, seen=seen), sort_everything(dot_products(users, items), 25, seen=seen)
        )

    def test_items_with_equal_factors_are_ordered_by_item_row(self, rank, rng):
        # Equal factor rows have equal scores wherever a matrix product happens to put them.
        users, items = self.factors(rng, users=29, items=101, f=33)
        found = rank(users, np.concatenate([items, items, items]), 30)
        assert (np.diff(found.item_rows.reshape(29, 10, 3), axis=2) == 101).all()

    def test_cancelling_sums_keep_their_order(self, rank, rng):
        # Large terms cancel: float32 sums would be wrong in their leading digits.
        users, items = np.ones((5, 8), np.float32), rng.normal(size=(200, 8)).astype(np.float32)
        items[:, 0] += 3e4
        items[:, 7] -= 3e4
        assert_same(rank(users, items, 15), sort_everything(dot_products(users, items), 15))

    def test_a_list_does_not_depend_on_the_other_users(self, rank, rng):
        users, items = self.factors(rng, users=61, items=333, f=48)
        seen = some_pairs(rng, 61, 333, 0.2)
        together = rank(users, items, 10, seen=seen)
        shuffled = rng.permutation(61)
        assert_same(
            rank(users[shuffled], items, 10, seen=seen[shuffled]),
            TopN(together.item_rows[shuffled], together.scores[shuffled]),
        )
        for user in (0, 17, 60):
            alone = rank(users[user : user + 1], items, 10, seen=seen[user])
            assert_same(alone, TopN(together.item_rows[[user]], together.scores[[user]]))

    def test_scores_that_are_not_finite_are_not_ranked(self, rank, rng):
        users, items = self.factors(rng, users=4, items=9)
        users[1], items[3], items[5, 0] = np.nan, np.nan, np.inf
        found = rank(users, items, 9)
        assert found.filled.sum(axis=1).tolist() == [7, 0, 7, 7]
        assert not np.isin(found.item_rows, [3, 5]).any()

    def test_users_with_zero_factors_get_the_first_items_that_are_left(self, rank, rng):
        users, items = self.factors(rng, users=40, items=301)
        users[::3] = 0.0
        items[[0, 7, 11]] = np.inf  # 0 x inf is no score
        seen, allowed = some_pairs(rng, 40, 301, 0.4), rng.random(301) < 0.6
        with np.errstate(invalid="ignore"):
            scores = dot_products(users, items)
        found = rank(users, items, 12, seen=seen, allowed=allowed)
        assert_same(found, sort_everything(scores, 12, seen=seen, allowed=allowed))
        assert (found.scores[0] == 0).all()

    def test_arguments_are_not_changed(self, rank, rng):
        users, items = self.factors(rng)
        seen, candidates = some_pairs(rng, 37, 211, 0.3), some_pairs(rng, 37, 211, 0.3)
        arguments = (users, items, seen.indices, seen.data, candidates.indices)
        before = [a.copy() for a in arguments]
        rank(users, items, 5, seen=seen, candidates=candidates, allowed=np.ones(211, bool))
        for argument, copy in zip(arguments, before, strict=True):
            np.testing.assert_array_equal(argument, copy)

    def test_read_only_and_strided_factors(self, rank, rng):
        users, items = self.factors(rng)
        items.setflags(write=False)
        wide = np.repeat(users, 2, axis=1)[:, ::2]
        assert_same(rank(wide, items, 5), sort_everything(dot_products(users, items), 5))

    def test_wrong_shapes_are_errors(self, rank, rng):
        users, items = self.factors(rng, users=2, items=3)
        with pytest.raises(ValueError, match="users have 5 factors"):
            rank(users[:, :5], items, 1)
        with pytest.raises(ValueError, match="n is 0"):
            rank(users, items, 0)
        with pytest.raises(ValueError, match="seen is"):
            rank(users, items, 1, seen=csr_matrix((2, 4), dtype=np.float32))
        with pytest.raises(ValueError, match="allowed is"):
            rank(users, items, 1, allowed=np.ones(2, bool))


@pytest.mark.parametrize("rank", IMPLEMENTATIONS)
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), users=st.integers(0, 9), items=st.integers(0, 60), n=st.integers(1, 70)
)
def test_any_shape_with_any_masks(rank, seed, users, items, n):
    rng = np.random.default_rng(seed)
    f = int(rng.integers(1, 20))
    left, right = (rng.integers(-3, 4, size=(count, f)).astype(np.float32) for count in (users, items))
    masks = {
        "seen": some_pairs(rng, users, items, 0.4),
        "candidates": some_pairs(rng, users, items, 0.6),
        "allowed": rng.random(items) < 0.7,
    }
    chosen = {name: mask for name, mask in masks.items() if rng.random() < 0.5}
    assert_same(rank(left, right, n, **chosen), sort_everything(dot_products(left, right), n, **chosen))


@pytest.mark.parametrize("size", [1, 50, 1 << 22])
def test_block_size_does_not_matter(rng, monkeypatch, size):
    module = importlib.import_module("als_cli.ranking.top_n")
    users = rng.normal(size=(23, 40)).astype(np.float32)
    items = rng.normal(size=(97, 40)).astype(np.float32)
    monkeypatch.setattr(module, "SCORES_AT_A_TIME", size)
    seen = some_pairs(rng, 23, 97, 0.2)
    assert_same(top_n(users, items, 6, seen=seen), sort_everything(dot_products(users, items), 6, seen=seen))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), users=st.integers(0, 9), items=st.integers(0, 60), n=st.integers(1, 70)
)
def test_top_n_of_scores_agrees_with_sorting_everything(seed, users, items, n):
    rng = np.random.default_rng(seed)
    scores = rng.integers(-3, 4, size=(users, items)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.1] = rng.choice([np.nan, np.inf, -np.inf])
    before = scores.copy()
    masks = {
        "seen": some_pairs(rng, users, items, 0.4),
        "candidates": some_pairs(rng, users, items, 0.6),
        "allowed": rng.random(items) < 0.7,
    }
    chosen = {name: mask for name, mask in masks.items() if rng.random() < 0.5}
    assert_same(top_n_of_scores(scores, n, **chosen), sort_everything(scores, n, **chosen))
    np.testing.assert_array_equal(scores, before)
