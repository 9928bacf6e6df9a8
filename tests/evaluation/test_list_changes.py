"""Old lists and the changes give the new lists."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from als_cli.evaluation.list_changes import changes_in
from als_cli.evaluation.list_overlap import overlap
from tests.evaluation.list_builders import LISTS, rows_of

SCORES = st.dictionaries(
    st.tuples(st.sampled_from(["ann", "bob", "cid"]), st.sampled_from("abc")), st.sampled_from([0.25, 4.0])
)


def applied(old, changes):
    """Return the rows `old` after `changes`, as a consumer applies them."""
    touched = old.join(changes, on="user_id", how="anti")
    upserts = changes.filter(pl.col("op") == "upsert").select(old.columns)
    return pl.concat([touched, upserts]).sort("user_id", "rank")


@settings(max_examples=50)
@given(LISTS, LISTS, SCORES)
def test_changed_rows_lead_from_the_old_lists_to_the_new_ones(old, new, scores):
    before, after = rows_of(old), rows_of(new, scores=scores)
    changes, counts = changes_in(overlap(before, after), "rows", "rows")
    assert applied(before, changes.cast({"op": pl.String, **before.schema})).equals(after)
    assert sum(counts.values()) == len({*old, *new})


@settings(max_examples=50)
@given(LISTS, LISTS, SCORES)
def test_changed_items_lead_to_the_same_items_and_ranks(old, new, scores):
    before, after = rows_of(old), rows_of(new, scores=scores)
    changes, _ = changes_in(overlap(before, after), "items", "rows")
    columns = ["user_id", "rank", "item_id"]
    found = applied(before, changes.cast({"op": pl.String, **before.schema}))
    assert found.select(columns).equals(after.select(columns))
    changed = {user for user in new if new[user] != old.get(user)}
    assert set(changes.filter(pl.col("op") == "upsert")["user_id"]) == changed
    assert set(changes.filter(pl.col("op") == "delete")["user_id"]) == old.keys() - new.keys()


def test_one_row_per_user():
    old = {"ann": [*"ab"], "bob": [*"ab"], "cid": [*"ab"]}
    new = {"ann": [*"ba"], "cid": [*"ab"], "dot": ["c"]}
    changes, counts = changes_in(overlap(rows_of(old), rows_of(new)), "items", "lists")
    assert changes.select("op", "user_id", "item_ids").rows() == [
        ("upsert", "ann", ["b", "a"]),
        ("delete", "bob", None),
        ("upsert", "dot", ["c"]),
    ]
    assert changes["scores"].to_list() == [pytest.approx([1, 1 / 2]), None, [1]]
    assert counts == {"upserts": 2, "deletes": 1, "unchanged": 1}


def test_reasons_that_appear_change_the_rows():
    rows = rows_of({"ann": [*"ab"]})
    reasons = rows.with_columns(
        because=pl.Series([["x"], None]), because_shares=pl.Series([[0.5], None], dtype=pl.List(pl.Float32))
    )
    for old, new in ((rows, reasons), (reasons, rows)):
        assert changes_in(overlap(old, new), "rows", "rows")[1]["upserts"] == 1
        assert changes_in(overlap(old, new), "items", "rows")[1]["upserts"] == 0
    assert changes_in(overlap(reasons, reasons), "rows", "rows")[1]["unchanged"] == 1
