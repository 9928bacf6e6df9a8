"""Fractions of the fallback, compared with lists that are written out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.evaluation.fallback import FallbackFraction


@given(
    st.lists(st.integers(0, 7), min_size=1, max_size=20),
    st.integers(0, 9),
    st.integers(1, 12),
    st.integers(1, 7),
)
def test_fractions_equal_those_of_written_out_lists(filled, newcomers, items, k):
    """A user with history has a list with `filled` slots; a newcomer has the popular items."""
    by_model = [["model"] * min(slots, k) for slots in filled]
    lists = by_model + [["popular"] * k if items >= k else ["popular"] * items for _ in range(newcomers)]
    slots = [source for one in lists for source in one]
    fraction = FallbackFraction(len(lists), newcomers, items)
    assert fraction.of_lists == newcomers / len(lists)
    expected = slots.count("popular") / len(slots) if slots else 0.0
    mean = sum(map(len, by_model)) / len(by_model)
    assert fraction.of_slots(k, mean) == pytest.approx(expected)
