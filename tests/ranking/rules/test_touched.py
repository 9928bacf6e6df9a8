"""The counts of each rule, compared with lists that are made item by item."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from als_cli.ranking.lists import SOURCES
from als_cli.ranking.masks import Masks
from als_cli.ranking.rules.applied import BlockSource, apply_rules
from als_cli.ranking.rules.fill import OpenLists, RankedItems, SourceScores
from als_cli.ranking.rules.limits import ListLimits
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.rules.selectors import Compared, Diverse
from als_cli.ranking.rules.touched import touched
from als_cli.ranking.rules.user_masks import ItemsOfUsers
from tests.ranking.rules.test_fill import (
    ITEMS,
    USERS,
    column_of,
    excluded_of,
    factors_of,
    limits_of_a_column,
)

ALS = SOURCES.index("als")


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    limits=st.lists(limits_of_a_column, max_size=2),
    slots=st.integers(1, 12),
    strength=st.sampled_from([0.0, 0.2, 0.9]),
    denied=st.sampled_from([0.0, 0.6]),
)
def test_lists_that_differ_from_the_order_of_score(seed, limits, slots, strength, denied):
    rng = np.random.default_rng(seed)
    users, items = factors_of(rng)
    columns, masks = [column_of(rng, *one) for one in limits], Masks(excluded_of(rng, denied))
    source, wanted = SourceScores(users, RankedItems(items)), np.full(USERS, slots)

    def lists_by(**selector):
        return OpenLists(ListLimits(columns), masks, USERS, slots, threads=1).add(source, wanted, **selector)

    compared = Compared(Diverse(items, strength, ITEMS), USERS)
    found = lists_by(selector=compared).item_rows
    plain = lists_by().item_rows
    plain = np.pad(plain, ((0, 0), (0, found.shape[1] - plain.shape[1])), constant_values=-1)
    # The pool has all items, so one round fills the lists.
    differing = (found != plain).sum(axis=1)
    assert compared.users_and_slots == (np.count_nonzero(differing), differing.sum())


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    limits=st.lists(limits_of_a_column, min_size=1, max_size=1),
    slots=st.integers(1, 12),
    denied=st.sampled_from([0.0, 0.9]),
)
def test_lists_at_a_limit(seed, limits, slots, denied):
    rng = np.random.default_rng(seed)
    users, items = factors_of(rng)
    column, masks = column_of(rng, *limits[0]), Masks(excluded_of(rng, denied))
    rules = ListRules(slots, limits=ListLimits([column]))
    source = BlockSource(SourceScores(users, RankedItems(items)), np.full(USERS, ALS, np.int8), -np.inf)
    lists = apply_rules(rules, [source], masks, slots, threads=1)
    counts = touched(rules, lists, ItemsOfUsers({}, None))
    at_most = {"users": 0, "slots": 0}
    at_least = 0
    for row in lists.slots.top.item_rows:
        values = [int(column.codes[item]) for item in row if item >= 0]
        full = [v for v in set(values) if v >= 0 and values.count(v) == column.at_most]
        at_most["users"] += bool(full)
        at_most["slots"] += len(full) * (column.at_most or 0)
        repeats = len(values) - len({v for v in values if v >= 0})
        at_least += repeats >= slots - column.at_least
    expected = {}
    if column.at_most is not None:
        expected[f"limit {column.name}"] = at_most
    if column.at_least:
        expected[f"limit {column.name} at_least"] = {"users": at_least}
    assert counts == expected


@pytest.mark.parametrize("names", [["seen"], ["seen", "user_deny", "not_shown"], ["not_shown"]])
def test_items_that_single_users_do_not_get(names):
    rng, rules = np.random.default_rng(8), ListRules(5)
    hidden = {name: excluded_of(rng, 0.1) for name in names}
    own = ItemsOfUsers(hidden, excluded_of(rng, 0.005))
    users, items = factors_of(rng)
    source = BlockSource(SourceScores(users, RankedItems(items)), np.full(USERS, ALS, np.int8), -np.inf)
    found = touched(rules, apply_rules(rules, [source], own.masks, 5, threads=1), own)
    with_allowed = np.count_nonzero(own.allowed.getnnz(axis=1))
    assert 0 < with_allowed < USERS
    assert found.pop("user_allow") == {"users": with_allowed}
    expected = {
        name: {"users": np.count_nonzero(one.getnnz(axis=1)), "items": one.nnz}
        for name, one in hidden.items()
    }
    # Without another rule on single users, seen items are not counted.
    assert found == ({} if names == ["seen"] else expected)
