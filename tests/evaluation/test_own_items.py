"""Baselines that use times, compared with sorted lists."""

from datetime import timedelta
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from als_cli.evaluation.own_items import OwnItems
from als_cli.evaluation.rankers import RecentPopular, UsersToRank


@st.composite
def worlds(draw):
    """Last times of 3 users' items (0: none), candidates or none, list length."""
    items = draw(st.integers(1, 7))
    row = st.lists(st.integers(0, 4), min_size=items, max_size=items)
    newness = draw(st.lists(row, min_size=3, max_size=3))
    mask = st.lists(st.lists(st.booleans(), min_size=items, max_size=items), min_size=3, max_size=3)
    return newness, draw(st.none() | mask), draw(st.integers(1, 9))


def block_of(newness, candidates, *, exclude_seen=False):
    history = csr_matrix((np.array(newness) > 0).astype(np.float32))
    mask = None if candidates is None else csr_matrix(np.array(candidates, dtype=np.float32))
    return UsersToRank(slice(0, len(newness)), history, mask, exclude_seen)


@given(worlds())
def test_own_items_are_sorted_by_last_time(world):
    newness, candidates, n = world
    lists = OwnItems(csr_matrix(np.array(newness, dtype=np.float64))).rank(block_of(newness, candidates), n)
    for user, times in enumerate(newness):
        listed = [
            item for item, time in enumerate(times) if time and (not candidates or candidates[user][item])
        ]
        best = sorted(listed, key=lambda item: (-times[item], item))[:n]
        assert lists.item_rows[user].tolist() == best + [-1] * (n - len(best))


def test_own_items_lists_nothing_with_exclude_seen():
    newness = [[1, 2], [0, 3]]
    lists = OwnItems(csr_matrix(np.array(newness, dtype=np.float64)))
    assert not lists.rank(block_of(newness, None, exclude_seen=True), 2).filled.any()


def test_a_block_gets_the_scores_of_its_users():
    own = OwnItems(csr_matrix(np.array([[2.0, 1.0], [1.0, 2.0]])))
    second = UsersToRank(slice(1, 2), csr_matrix(np.ones((1, 2), np.float32)), None, exclude_seen=False)
    assert own.rank(second, 2).item_rows.tolist() == [[1, 0]]


@given(
    st.lists(st.lists(st.none() | st.integers(0, 9), min_size=3, max_size=3), min_size=1, max_size=8),
    st.integers(1, 9),
)
def test_recent_popular_sorts_by_decayed_then_by_all_users_then_by_row(items, n):
    """Each item has the age of its newest event for each of 3 users, in half-lives; None: the user has no event."""
    pairs = [(user, row, ages[user]) for row, ages in enumerate(items) for user in range(3)]
    stored = [pair for pair in pairs if pair[2] is not None]
    users, rows, ages = (np.array([pair[column] for pair in stored], dtype=int) for column in range(3))
    half_life = timedelta(hours=6)
    times = 10**15 - ages * (half_life // timedelta(microseconds=1))
    shape = (3, len(items))
    training = csr_matrix((np.ones(len(stored), np.float32), (users, rows)), shape=shape)
    by_pair = csr_matrix((times.astype(np.int64), (users, rows)), shape=shape)
    block = UsersToRank(slice(0, 1), csr_matrix((1, len(items)), dtype=np.float32), None, exclude_seen=True)

    def key(row):
        found = [age for age in items[row] if age is not None]
        return -sum(Fraction(1, 2**age) for age in found), -len(found), row

    best = sorted(range(len(items)), key=key)[:n]
    listed = RecentPopular(training, by_pair, half_life, 1).rank(block, n).item_rows[0].tolist()
    assert listed == best + [-1] * (n - len(best))
