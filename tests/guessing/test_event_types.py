"""Weights of event types."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.guessing.event_types import known_weight, weights_of


@pytest.mark.parametrize(
    "weak_to_strong",
    [
        ("refund", "view", "cart", "purchase"),
        ("removefromcart", "impression", "view", "addtocart", "transaction"),
        ("remove_from_cart", "view_item_list", "view_item", "add_to_cart", "begin_checkout", "purchase"),
        ("cancelled", "dislike", "pv", "fav", "cart", "buy"),
        ("voided", "click", "like", "basket", "order"),
        ("REFUNDED", "VIEW", "BOOKMARK", "AddToCart", "Purchased"),
    ],
)
def test_known_names_are_ordered_by_strength(weak_to_strong):
    weights = [known_weight(name) for name in weak_to_strong]
    assert None not in weights
    assert weights == sorted(weights)
    assert len(set(weights)) == len(weights)


def test_the_weights_in_the_docs_are_these():
    page = (Path(__file__).parents[2] / "docs" / "init.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*`) \| (-?[\d.]+) \|$", page, re.MULTILINE)
    weights = {name: float(weight) for names, weight in rows for name in re.findall(r"`(.*?)`", names)}
    assert len(weights) > 25
    assert {name: known_weight(name) for name in weights} == weights
    assert [known_weight(name) for name in ("Purchased", "addtocart", "product view")] == [5, 3, 1]


@pytest.mark.parametrize("name", ["refund", "return", "returned", "dislike", "unlike", "chargeback", "skip"])
def test_what_takes_interest_back_is_negative(name):
    assert known_weight(name) < 0


@pytest.mark.parametrize("name", ["", "foo", "17", "session_start", "login", "zzz"])
def test_other_names_are_unknown(name):
    assert known_weight(name) is None


def test_unknown_types_are_weighted_by_frequency():
    found = weights_of({"a": 1600, "b": 400, "c": 100, "d": 1})
    assert {name: one.weight for name, one in found.items()} == {"a": 1, "b": 2, "c": 4, "d": 5}
    assert not any(one.is_known for one in found.values())


@given(st.dictionaries(st.text(max_size=20), st.integers(1, 10**6), min_size=1, max_size=20))
def test_every_type_has_a_weight_between_the_bounds(counts):
    found = weights_of(counts)
    assert found.keys() == counts.keys()
    assert all(-5 <= one.weight <= 5 for one in found.values())
    assert sum(one.fraction for one in found.values()) == pytest.approx(1)
    unknown = [(counts[name], one.weight) for name, one in found.items() if not one.is_known]
    ranked = sorted(unknown, key=lambda entry: -entry[0])
    assert [weight for _, weight in ranked] == sorted(weight for _, weight in ranked)
