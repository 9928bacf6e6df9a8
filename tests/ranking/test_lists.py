"""Tables of lists and of the shortfall."""

import numpy as np
import polars as pl
import pytest

from als_cli.ranking.lists import UserLists, output_schema, shortfall_schema
from als_cli.ranking.top_n import TopN

INF = np.inf


@pytest.fixture
def lists():
    top = TopN(
        np.array([[2, 0], [1, -1], [-1, -1], [-1, -1]], np.int32),
        np.array([[0.5, 0.25], [3, -INF], [-INF, -INF], [-INF, -INF]], np.float32),
    )
    return UserLists(
        pl.Series([10, 20, 30, 40]),
        pl.Series(["a", "b", "c"]),
        top,
        np.array([[0, 5], [4, -1], [-1, -1], [-1, -1]], np.int8),
        pl.Series(["too_few_candidates", "limits", "too_few_candidates", "no_history"]),
    )


def test_rows(lists):
    assert lists.rows().rows() == [
        (10, 1, "c", 0.5, "als"),
        (10, 2, "a", 0.25, "pinned"),
        (20, 1, "b", 3.0, "popular"),
    ]
    assert lists.rows().schema == output_schema("rows", pl.Int64(), pl.String())


def test_one_row_per_user_with_a_list(lists):
    assert lists.lists().rows() == [
        (10, ["c", "a"], [0.5, 0.25], ["als", "pinned"]),
        (20, ["b"], [3.0], ["popular"]),
    ]
    assert lists.lists().schema == output_schema("lists", pl.Int64(), pl.String())


def test_shortfall(lists):
    assert lists.shortfall().rows() == [
        (20, 1, 2, "limits"), (30, 0, 2, "too_few_candidates"), (40, 0, 2, "no_history"),
    ]  # fmt: skip
    assert lists.shortfall().schema == shortfall_schema(pl.Int64())


def test_without_any_list():
    nothing = TopN(np.full((1, 2), -1, np.int32), np.full((1, 2), -INF, np.float32))
    lists = UserLists(
        pl.Series(["u"]), pl.Series([1]), nothing, np.full((1, 2), -1, np.int8), pl.Series(["no_history"])
    )
    assert lists.rows().is_empty()
    assert lists.rows().schema == output_schema("rows", pl.String(), pl.Int64())
    assert lists.lists().schema == output_schema("lists", pl.String(), pl.Int64())


def test_the_source_of_a_list_is_that_of_the_first_slot_that_no_rule_chose():
    top = TopN(np.array([[2, 0, 1], [1, 2, -1], [-1, -1, -1]], np.int32), np.zeros((3, 3), np.float32))
    codes = np.array([[5, 6, 1], [5, 6, -1], [-1, -1, -1]], np.int8)  # pinned, promoted, fold_in
    lists = UserLists(pl.Series([1, 2, 3]), pl.Series(["a", "b", "c"]), top, codes, pl.Series(["", "", ""]))
    assert lists.main_sources.tolist() == [1, 5, -1]
