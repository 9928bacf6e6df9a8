"""The compiled lists by cosine equal the plain ones of `similar_items`, bit by bit."""

import numpy as np
import polars as pl
import pytest

from als_cli.ranking.rules.limits import LimitedColumn, ListLimits
from als_cli.ranking.similar import similar_items
from als_cli.ranking.vector_lists import ListedRows, VectorTable, cosine_ranking

ROWS = 300


def vectors(seed=0, factors=6):
    """Return vectors with ties, opposite directions, zero rows and rows that are not finite."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-2, 3, (ROWS, factors)).astype(np.float32)
    rows[100:200] = rng.normal(size=(100, factors)) * np.exp(rng.normal(size=(100, 1)) * 5)
    rows[[3, 250]], rows[17, 2], rows[18, 0] = 0, np.nan, np.inf
    return rows


def table(rows, supported=None):
    return VectorTable("item_id", pl.Series(np.arange(len(rows))), rows, supported)


def lists(ranking, block_rows):
    """Return the rows and the shortfall of all blocks."""
    blocks = [ranking.lists_for(block) for block in ranking.blocks(block_rows, 120)]
    rows = pl.concat([one.rows(ranking.schema()) for one in blocks])
    return rows, pl.concat([one.shortfall(ranking.shortfall_schema()) for one in blocks])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("block_rows", [1, 50, 1000])
def test_the_lists_are_those_of_the_plain_ranking(block_rows, threads):
    rows = vectors()
    plain = similar_items(rows, np.arange(ROWS), 10)
    found, shortfall = lists(cosine_ranking(table(rows), ListedRows(10), threads), block_rows)
    queries, slots = np.nonzero(plain.filled)
    assert found["item_id"].to_list() == queries.tolist()
    assert found["rank"].to_list() == (slots + 1).tolist()
    assert found["similar_id"].to_list() == plain.item_rows[queries, slots].tolist()
    assert np.array_equal(found["score"].to_numpy(), plain.scores[queries, slots])
    assert shortfall["item_id"].to_list() == [3, 17, 18, 250]
    assert set(shortfall["reason"]) == {"no_vector"}


def test_rows_without_support_have_no_list_and_are_in_no_list():
    rows, supported = vectors(1), np.arange(ROWS) % 3 != 0
    found, shortfall = lists(cosine_ranking(table(rows, supported), ListedRows(ROWS), 2), 64)
    usable = supported.copy()
    usable[[17, 250]] = False  # 3 and 18 are without support too
    assert set(found["item_id"]) == set(found["similar_id"]) == set(np.flatnonzero(usable).tolist())
    assert found.height == usable.sum() * (usable.sum() - 1)
    reasons = dict(shortfall.select("item_id", "reason").iter_rows())
    assert reasons[6] == "minimum_support"
    assert reasons[3] == reasons[17] == "no_vector"
    assert reasons[1] == "too_few_candidates"


def test_limits_hold_for_the_candidates():
    rows, codes = vectors(2), (np.arange(ROWS) % 7 - 1).astype(np.int32)
    allowed = np.arange(ROWS) % 2 == 0
    limits = ListLimits([LimitedColumn("kind", codes, 6, at_most=1)])
    found, _ = lists(cosine_ranking(table(rows), ListedRows(8, allowed, limits), 2), 100)
    everything = similar_items(rows, np.arange(ROWS), ROWS)
    for query in (0, 1, 101, 299):
        expected, taken = [], set()
        for row in everything.item_rows[query][everything.filled[query]].tolist():
            if allowed[row] and (codes[row] < 0 or codes[row] not in taken) and len(expected) < 8:
                expected.append(row)
                taken.add(codes[row])
        assert found.filter(pl.col("item_id") == query)["similar_id"].to_list() == expected


def test_no_block_crosses_a_part():
    blocks = list(cosine_ranking(table(vectors()), ListedRows(5), 1).blocks(100, 120))
    assert [(one.start, one.stop) for one in blocks] == [
        (0, 100),
        (100, 120),
        (120, 220),
        (220, 240),
        (240, 300),
    ]


def test_a_table_without_a_usable_row_has_no_lists():
    found, shortfall = lists(cosine_ranking(table(np.zeros((4, 2), np.float32)), ListedRows(5), 1), 10)
    assert (found.height, shortfall["rows"].to_list()) == (0, [0, 0, 0, 0])
