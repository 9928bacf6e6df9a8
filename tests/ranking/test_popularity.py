"""The popularity list, compared with counts."""

import numpy as np
import polars as pl

from als_cli.ranking.popularity import popularity_list

USERS = pl.Series([3, 9, 1, 9, 0], dtype=pl.UInt32)


def test_most_users_first_then_the_lower_row():
    found = popularity_list(USERS, 6, None)
    assert found.item_rows.tolist() == [[1, 3, 0, 2, 4, -1]]
    assert found.scores[0, :5].tolist() == [9, 9, 3, 1, 0]


def test_only_allowed_items_are_listed():
    allowed = np.array([True, False, True, True, False])
    assert popularity_list(USERS, 2, allowed).item_rows.tolist() == [[3, 0]]
