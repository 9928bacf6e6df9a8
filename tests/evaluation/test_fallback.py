"""The part of the fallback against lists that are written down."""

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
def test_shares_are_those_of_lists_written_down(filled, strangers, items, k):
    """Each user with history has a list with so many places filled, each stranger the popular items."""
    own = [["model"] * min(places, k) for places in filled]
    given_out = own + [["popular"] * k if items >= k else ["popular"] * items for _ in range(strangers)]
    places = [source for one in given_out for source in one]
    fraction = FallbackFraction(len(given_out), strangers, items)
    assert fraction.of_lists == strangers / len(given_out)
    expected = places.count("popular") / len(places) if places else 0.0
    mean = sum(map(len, own)) / len(own)
    assert fraction.of_places(k, mean) == pytest.approx(expected)
