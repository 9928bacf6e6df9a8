"""The figures of two publications, against counts in plain Python."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from als_cli.errors import DataError
from als_cli.evaluation import list_comparison
from als_cli.evaluation.list_comparison import compare_lists
from als_cli.evaluation.list_overlap import overlap
from als_cli.evaluation.list_tables import list_table, user_ranges
from tests.evaluation.list_builders import LISTS, rows_of, table_of


def counts_of(old, new):
    """Return the counts of the comparison of {user: items}."""
    both = old.keys() & new.keys()
    gained = [item for user in both for item in set(new[user]) - set(old[user])]
    lost = [item for user in both for item in set(old[user]) - set(new[user])]
    items = [{item for found in side.values() for item in found} for side in (old, new)]
    return {
        "in_both": len(both),
        "only_old": len(old.keys() - new.keys()),
        "only_new": len(new.keys() - old.keys()),
        "changed": sum(old[user] != new[user] for user in both),
        "other_items": sum(set(old[user]) != set(new[user]) for user in both),
        "gained": len(gained),
        "lost": len(lost),
        "items": [len(side) for side in items],
        "most": sorted((-gained.count(item), item) for item in set(gained))[:5],
    }


@settings(max_examples=40)
@given(LISTS, LISTS)
def test_counts_do_not_depend_on_the_blocks(old, new):
    expected = counts_of(old, new)
    for size in (1_000, 3):
        found = compare_lists(table_of(old), table_of(new), rows_per_block=size)
        users = found.users
        assert {name: getattr(users, name) for name in list(expected)[:5]} == {
            name: expected[name] for name in list(expected)[:5]
        }
        assert users.other_order == users.changed - users.other_items
        assert (found.items.slots_gained, found.items.slots_lost) == (expected["gained"], expected["lost"])
        assert [found.items.old, found.items.new] == expected["items"]
        assert [(-one.users, one.item_id) for one in found.items.most_gained] == expected["most"]


@settings(max_examples=40)
@given(LISTS, LISTS)
def test_means_are_over_users_with_both_lists_and_churn_over_users_with_an_old_list(old, new):
    found = compare_lists(table_of(old), table_of(new), rows_per_block=3)
    users = overlap(rows_of(old), rows_of(new)).users
    both = users.drop_nulls("rbo")
    if not both.height:
        assert found.rbo is found.jaccard is None
    else:
        assert found.rbo.mean == pytest.approx(both["rbo"].mean())
        assert found.jaccard.median == pytest.approx(both["jaccard"].median())
    if not old:
        assert found.churn is None
        return
    kept = {user for user in old if old[user] == new.get(user)}
    assert found.churn.rbo == pytest.approx(both["rbo"].sum() / len(old))
    assert found.churn.jaccard == pytest.approx(both["jaccard"].sum() / len(old))
    assert found.churn.changed_users == pytest.approx(1 - len(kept) / len(old))


def test_score_drift_and_sources():
    old = {"ann": [*"abc"], "bob": [*"ab"]}
    new = {"ann": [*"bad"], "cid": [*"ab"]}
    found = compare_lists(
        table_of(old, scores={("ann", "a"): 3.0, ("ann", "b"): 2.0}, sources={("bob", "a"): "popular"}),
        table_of(new, scores={("ann", "a"): 3.5, ("ann", "b"): 1.0}, sources={("ann", "a"): "pinned"}),
    )
    assert found.score_drift.pairs == 2
    assert found.score_drift.spread.median == np.median([0.5, -1.0])
    assert [one.model_dump() for one in found.sources] == [
        {"source": "als", "old": 4, "new": 4, "kept": 1},
        {"source": "pinned", "old": 0, "new": 1, "kept": 1},
        {"source": "popular", "old": 1, "new": 0, "kept": 0},
    ]


def test_the_drift_of_many_pairs_is_sampled(monkeypatch):
    monkeypatch.setattr(list_comparison, "DRIFT_PAIRS", 10)
    lists = {f"u{n:02d}": [*"ab"] for n in range(20)}
    found = compare_lists(table_of(lists), table_of(lists), rows_per_block=14)
    assert found.score_drift.sampled
    assert found.score_drift.pairs == 8  # every fifth user


def test_ids_of_another_type_are_compared_as_text():
    rows = pl.DataFrame({"user_id": [10, 9, 9], "rank": [1, 1, 2], "item_id": [5, 6, 7]})
    text = rows.cast(pl.String)
    for size in (1_000, 1):
        found = compare_lists(
            list_table("old", rows.lazy()), list_table("new", text.lazy()), rows_per_block=size
        )
        assert (found.users.in_both, found.users.changed) == (2, 0)
        assert found.score_drift.spread is None


def test_ranges_cover_all_users_once():
    counts = pl.DataFrame({"user_id": [1, 2, 5, 7, 9], "slots": [2, 2, 9, 1, 1]})
    assert list(user_ranges(counts, 100)) == [None]
    assert list(user_ranges(counts.clear(), 1)) == [None]
    found = list(user_ranges(counts, 4))
    assert [user for first, last in found for user in counts["user_id"] if first <= user <= last] == [
        1,
        2,
        5,
        7,
        9,
    ]
    assert found[0] == (1, 2)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"user_id": ["a"], "item_id": ["x"]}, "has no column rank"),
        ({"user_id": ["a", "a"], "rank": [1, 3], "item_id": ["x", "y"]}, "ranks of user 'a' are not 1, 2, 3"),
        ({"user_id": ["a", "a"], "rank": [2, 2], "item_id": ["x", "y"]}, "ranks of user 'a' are not 1, 2, 3"),
        ({"user_id": ["a", "a"], "rank": [1, 2], "item_id": ["x", "x"]}, "ranks of user 'a' are not 1, 2, 3"),
        ({"user_id": ["a", None], "rank": [1, 2], "item_id": ["x", "y"]}, "column user_id has empty cells"),
        ({"user_id": ["a"], "rank": ["first"], "item_id": ["x"]}, "lists cannot be read"),
    ],
)
def test_tables_that_are_not_lists(rows, message):
    with pytest.raises(DataError, match=message):
        compare_lists(list_table("lists", pl.LazyFrame(rows)), table_of({"ann": ["a"]}))
