"""The rule that filled a slot, and the intervals of hit rates."""

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from als_cli.evaluation.shown_slots import counted, rule_of_slot, slot_groups, with_groups
from als_cli.evaluation.significance import interval_of, resampled_means

RULES = {
    "pinned": [{"name": "lamp", "positions": [1]}, {"name": None, "positions": [3]}],
    "promoted": [{"name": "partner", "positions": [2]}, {"name": "sale", "share": 0.25, "positions": None}],
}


def rules_of(sources, rules, top_n=4):
    """Return the rule of each slot of one list with these `sources` by rank."""
    rows = pl.DataFrame(
        {"user_id": [1] * len(sources), "rank": range(1, len(sources) + 1), "source": sources}
    )
    return rows.select(rule_of_slot({"rules": rules, "top_n": top_n}))["rule"].to_list()


@pytest.mark.parametrize(
    ("sources", "rules", "expected"),
    [
        (["pinned", "als", "als", "promoted"], {}, ["pinned", None, None, "promoted"]),
        (["pinned", "promoted", "pinned", "promoted"], RULES, ["lamp", "partner", "pinned 2", "sale"]),
        # In a list that is not full, the slots behind an empty rank have moved up.
        (["pinned", "promoted", "als"], RULES, ["pinned", "promoted", None]),
        (
            ["pinned", "als", "promoted"],
            {key: one[:1] for key, one in RULES.items()},
            ["lamp", None, "partner"],
        ),
        (
            ["promoted", "als", "als", "promoted"],
            {"promoted": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.2}]},
            ["promoted", None, None, "promoted"],
        ),
    ],
)
def test_the_rule_of_a_slot(sources, rules, expected):
    assert rules_of(sources, rules) == expected


def test_resampled_means_of_dense_and_sparse_values():
    values = np.random.default_rng(1).random((50, 3)) * (np.random.default_rng(2).random((50, 3)) < 0.4)
    dense = resampled_means(values, seed=7)
    assert dense.shape == (2000, 3)
    assert np.allclose(dense, resampled_means(csr_matrix(values), seed=7))
    assert np.allclose(dense[:5], resampled_means(values, seed=7, resamples=5))
    low, high = interval_of(dense)
    spread = 1.96 * values.std(axis=0) / np.sqrt(50)
    assert np.allclose(low, values.mean(axis=0) - spread, atol=0.02)
    assert np.allclose(high, values.mean(axis=0) + spread, atol=0.02)


def test_a_group_of_one_user_and_lists_without_sources():
    rows = pl.DataFrame(
        {
            "user": pl.Series([0, 0, 1], dtype=pl.UInt32),
            "user_id": ["a", "a", "b"],
            "rank": [1, 2, 1],
            "item_id": ["x", "y", "x"],
            "source": pl.Series([None] * 3, dtype=pl.String),
            "hit": [True, False, True],
        }
    )
    groups = slot_groups([counted(with_groups(rows, {}))], 2, seed=0)
    assert (groups["source"], groups["rule"], groups["reason"]) == ((), (), ())
    first, second = groups["rank"]
    assert (first.shown, first.hits, first.low, first.high) == (2, 2, 1, 1)
    assert (second.shown, second.hits, second.low, second.high) == (1, 0, 0, 0)
