"""Lists under limits, compared with going through all items in order of score."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from als_cli.ranking.masks import Masks
from als_cli.ranking.rules.fill import OpenLists, RankedItems, SourceScores
from als_cli.ranking.rules.limits import LimitedColumn, ListLimits
from tests.ranking.rules.greedy import Greedy

USERS, ITEMS, FACTORS = 37, 150, 5


def column_of(rng: np.random.Generator, values: int, at_most: int | None, at_least: int) -> LimitedColumn:
    codes = np.minimum(rng.geometric(1 / values, ITEMS) - 1, values - 1).astype(np.int32)
    codes[rng.random(ITEMS) < 0.1] = -1
    return LimitedColumn("c", codes, values, at_most, at_least)


def factors_of(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    users = rng.integers(-3, 4, (USERS, FACTORS)).astype(np.float32)  # small integers: many ties, exact sums
    items = rng.integers(-3, 4, (ITEMS, FACTORS)).astype(np.float32)
    users[0] = 0
    return users, items


def excluded_of(rng: np.random.Generator, fraction: float) -> csr_matrix:
    return csr_matrix((rng.random((USERS, ITEMS)) < fraction).astype(np.float32))


def sets_of(mask: csr_matrix) -> list[set[int]]:
    return [set(mask.indices[a:b].tolist()) for a, b in zip(mask.indptr, mask.indptr[1:], strict=False)]


limits_of_a_column = st.tuples(st.integers(1, 12), st.none() | st.integers(1, 4), st.integers(0, 6))


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    columns=st.lists(limits_of_a_column, min_size=1, max_size=3),
    slots=st.integers(1, 14),
    fraction=st.sampled_from([0.0, 0.1, 0.9]),
    minimum=st.sampled_from([-np.inf, 0.0, 6.0]),
)
def test_two_sources_under_limits_are_the_lists_of_all_items_in_order(
    seed, columns, slots, fraction, minimum
):
    rng = np.random.default_rng(seed)
    limited = [column_of(rng, *one) for one in columns]
    excluded = excluded_of(rng, fraction)
    lists = OpenLists(ListLimits(limited), Masks(excluded), USERS, slots, threads=1)
    expected = [Greedy(slots, limited) for _ in range(USERS)]
    first_wanted = rng.integers(0, slots + 1, USERS)
    for wanted, least in ((first_wanted, minimum), (slots - first_wanted, -np.inf)):
        users, items = factors_of(rng)
        found = lists.add(SourceScores(users, RankedItems(items)), wanted, least)
        scores = users @ items.T
        for user, (greedy, hidden) in enumerate(zip(expected, sets_of(excluded), strict=True)):
            added = greedy.add_best(scores[user], int(wanted[user]), hidden, least)
            rows = found.item_rows[user]
            assert rows[rows >= 0].tolist() == added
            np.testing.assert_array_equal(found.scores[user][: len(added)], scores[user][added])


@pytest.mark.parametrize("columns", [1, 2])
def test_limits_apply_to_candidates_of_a_user_too(columns):
    rng = np.random.default_rng(1)
    limited = [column_of(rng, 6, 2, 0) for _ in range(columns)]
    users, items = factors_of(rng)
    candidates = excluded_of(rng, 0.3)
    lists = OpenLists(ListLimits(limited), Masks(None, candidates), USERS, 8, threads=2)
    found = lists.add(SourceScores(users, RankedItems(items)), np.full(USERS, 8))
    for user, own in enumerate(sets_of(candidates)):
        added = Greedy(8, limited).add_best((users @ items.T)[user], 8, set(range(ITEMS)) - own)
        assert found.item_rows[user][found.item_rows[user] >= 0].tolist() == added


def test_without_limits_the_lists_are_the_plain_top_n():
    rng = np.random.default_rng(2)
    users, items = factors_of(rng)
    found = OpenLists(ListLimits(), Masks(), USERS, 9, threads=1).add(
        SourceScores(users, RankedItems(items)), np.full(USERS, 9)
    )
    for user in range(USERS):
        assert found.item_rows[user].tolist() == Greedy(9, []).add_best((users @ items.T)[user], 9, set())


@pytest.mark.parametrize("columns", [1, 2])
def test_items_of_a_full_group_fill_the_first_ranking(columns):
    # The 140 best items have the value of the item that is chosen first, and only one item may have this value.
    codes = np.where(np.arange(ITEMS) < 140, 0, np.arange(ITEMS)).astype(np.int32)
    limited = [LimitedColumn("c", codes, ITEMS, 1)] * columns
    items = np.arange(ITEMS, 0, -1, dtype=np.float32)[:, None]
    lists = OpenLists(ListLimits(limited), Masks(), USERS, 4, threads=1)
    assert lists.add_item(5, np.ones(USERS, bool)).all()
    found = lists.add(SourceScores(np.ones((USERS, 1), np.float32), RankedItems(items)), np.full(USERS, 3))
    assert found.item_rows.tolist() == [[140, 141, 142]] * USERS


def test_few_lists_need_a_second_ranking(monkeypatch):
    users_per_ranking = []
    best = RankedItems.best

    def counted(self, users, *arguments):
        users_per_ranking.append(len(users))
        return best(self, users, *arguments)

    monkeypatch.setattr(RankedItems, "best", counted)
    rng = np.random.default_rng(3)
    limited = [LimitedColumn("c", rng.integers(0, 40, ITEMS).astype(np.int32), 40, 3) for _ in range(2)]
    users, items = (rng.normal(size=(count, FACTORS)).astype(np.float32) for count in (USERS, ITEMS))
    OpenLists(ListLimits(limited), Masks(), USERS, 12, threads=1).add(
        SourceScores(users, RankedItems(items)), np.full(USERS, 12)
    )
    assert users_per_ranking[0] == USERS
    assert sum(users_per_ranking[1:]) < USERS / 4


@pytest.mark.parametrize(
    ("columns", "free", "spare"),
    [([], 20, 0), ([3], 20, 5), ([3, 2], 3, 2), ([3, 1], 20, 10), ([None], 16, 4)],
)
def test_a_ranking_gives_more_items_than_free_slots_under_limits(columns, free, spare):
    codes = np.zeros(ITEMS, np.int32)
    limits = ListLimits([LimitedColumn("c", codes, 1, at_most) for at_most in columns])
    assert limits.spare(free) == spare


def test_no_item_is_ranked_if_there_are_none():
    items = RankedItems(np.empty((0, FACTORS), np.float32), np.empty(0, bool))
    users = np.ones((USERS, FACTORS), np.float32)
    lists = OpenLists(ListLimits(), Masks(), USERS, 3, threads=1)
    found = lists.add(SourceScores(users, items), np.full(USERS, 3))
    assert (found.item_rows == -1).all()
