"""Lists for tests, written as the items of each user by rank."""

import polars as pl
from hypothesis import strategies as st

from als_cli.evaluation.list_tables import list_table
from als_cli.ranking.lists import output_schema

ROWS = output_schema("rows", pl.String(), pl.String())


def rows_of(lists, scores=None, sources=None):
    """Return the rows of `lists`, {user: items}, with the scores and the sources by (user, item)."""
    rows = [
        (
            user,
            rank,
            item,
            (scores or {}).get((user, item), 1 / rank),
            (sources or {}).get((user, item), "als"),
        )
        for user, items in sorted(lists.items())
        for rank, item in enumerate(items, 1)
    ]
    return pl.DataFrame(rows, schema=ROWS, orient="row")


def table_of(lists, **values):
    """Return the ListTable of `lists`."""
    return list_table("lists", rows_of(lists, **values).lazy())


ITEMS = st.lists(st.sampled_from("abcdefghij"), unique=True, min_size=1, max_size=8)
LISTS = st.dictionaries(st.sampled_from(["ann", "bob", "cid", "dot", "eve"]), ITEMS, max_size=5)
