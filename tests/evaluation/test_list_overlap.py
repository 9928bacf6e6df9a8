"""Jaccard and rank-biased overlap, against definitions that are written out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from als_cli.evaluation.list_overlap import has_other_values, is_reordered, overlap
from tests.evaluation.list_builders import ITEMS, LISTS, rows_of


def rbo_of(first, second, p):
    """Return RBO_EXT of Webber, Moffat & Zobel 2010, equation 32, term by term."""
    short, long = sorted((first, second), key=len)
    s, n = len(short), len(long)

    def common(depth):
        return len(set(short[:depth]) & set(long[:depth]))

    agreement = sum(common(d) / d * p**d for d in range(1, n + 1))
    assumed = sum(common(s) * (d - s) / (s * d) * p**d for d in range(s + 1, n + 1))
    rest = ((common(n) - common(s)) / n + common(s) / s) * p**n
    return (1 - p) / p * (agreement + assumed) + rest


@given(LISTS, LISTS, st.sampled_from([0.5, 0.9, 0.99]))
def test_both_similarities_are_those_of_the_definitions(old, new, p):
    users = overlap(rows_of(old), rows_of(new), p).users
    assert users["user_id"].to_list() == sorted({*old, *new})
    for row in users.iter_rows(named=True):
        first, second = old.get(row["user_id"], []), new.get(row["user_id"], [])
        assert (row["old"], row["new"]) == (len(first), len(second))
        if not first or not second:
            assert (row["jaccard"], row["rbo"]) == (None, None)
            continue
        both = set(first) & set(second)
        assert row["common"] == len(both)
        assert row["unmoved"] == sum(a == b for a, b in zip(first, second, strict=False))
        assert row["jaccard"] == len(both) / len({*first, *second})
        assert row["rbo"] == pytest.approx(rbo_of(first, second, p), abs=1e-12)


@settings(max_examples=30)
@given(ITEMS, ITEMS, ITEMS)
def test_rbo_is_one_for_equal_lists_and_symmetric(first, second, third):
    def rbo(old, new):
        return overlap(rows_of({"u": old}), rows_of({"u": new})).users["rbo"][0]

    assert rbo(first, first) == pytest.approx(1)
    assert rbo(first, second) == pytest.approx(rbo(second, first))
    upper = [item.upper() for item in third]
    assert rbo(first, upper) == 0


def test_a_change_at_the_top_counts_more_than_one_at_the_end():
    old = {"top": [*"abcdef"], "end": [*"abcdef"]}
    new = {"top": [*"xbcdef"], "end": [*"abcdex"]}
    top, end = overlap(rows_of(old), rows_of(new)).users.sort("user_id", descending=True)["rbo"]
    assert top < end
    # Depths 1 to 6 agree in 0, 1/2, 2/3 … 5/6 at the top, and in 1, 1 … 5/6 at the end.
    assert top == pytest.approx(0.1 / 0.9 * sum((d - 1) / d * 0.9**d for d in range(1, 7)) + 5 / 6 * 0.9**6)


def test_changes_of_order_and_of_values():
    old = {"same": [*"abc"], "order": [*"abc"], "items": [*"abc"], "longer": [*"ab"], "score": [*"ab"]}
    new = {"same": [*"abc"], "order": [*"acb"], "items": [*"abd"], "longer": [*"abc"], "score": [*"ab"]}
    users = overlap(rows_of(old), rows_of(new, scores={("score", "b"): 7.0})).users
    assert set(users.filter(is_reordered())["user_id"]) == {"order", "items", "longer"}
    assert set(users.filter(has_other_values())["user_id"]) == {"order", "items", "longer", "score"}
