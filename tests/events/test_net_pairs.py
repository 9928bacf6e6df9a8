"""The rule for existing pairs is the same for strengths and for splits, under every `events.duplicates`."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from als_cli.config.evaluate import LastSplit, RandomSplit, TimeSplit
from als_cli.config.events import EventsConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.errors import DataError
from als_cli.splitting.splits import PAIR, split_events

POLICIES = ("sum", "exact", "last", "max")
START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = {
    "user_id": pl.Int64,
    "item_id": pl.String,
    "timestamp": pl.Datetime("us", "UTC"),
    "weight": pl.Float64,
    "value": pl.Float64,
}


def clean(rows):
    """Return clean events from rows (user, item, day, type weight, value), with the transform log1p."""
    table = [
        (user, item, START + timedelta(days=day), weight * np.sign(value) * np.log1p(abs(value)), value)
        for user, item, day, weight, value in rows
    ]
    return pl.DataFrame(table, schema=SCHEMA, orient="row")


def with_strength(events, duplicates):
    """Return the pairs that have a strength after `aggregate`."""
    found = aggregate(events.lazy(), EventsConfig(source="events.csv", duplicates=duplicates))
    pairs = found.matrix.tocoo()
    users, items = found.user_ids.to_list(), found.item_ids.to_list()
    return {(users[row], items[column]) for row, column in zip(pairs.row, pairs.col, strict=True)}


def splittable(events, duplicates):
    """Return the pairs in the test set of a time split whose cut-off is before all events."""
    old = clean([(-1, "old", -100, 1.0, 1.0)])
    split = TimeSplit(test=START - timedelta(days=50))
    try:
        return set(split_events(pl.concat([old, events]).lazy(), split, duplicates).test.iter_rows())
    except DataError:
        return set()


rows = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from("ab"),
        st.integers(0, 2),
        st.sampled_from([0.1, 0.2, -0.3, 1.0, 5.0]),
        st.sampled_from([0.1, 0.2, -0.3, 1.0, 2.0, 3.0, -1.0, -3.0, 6.0, -6.0, 1e-12]),
    ),
    max_size=14,
)


@pytest.mark.parametrize("duplicates", POLICIES)
@settings(max_examples=25)
@given(rows=rows, seed=st.integers(0, 99))
def test_splits_and_strengths_agree_on_the_pairs_in_any_order(duplicates, rows, seed):
    events = clean(rows)
    shuffled = events[np.random.default_rng(seed).permutation(events.height)]

    pairs = with_strength(events, duplicates)

    assert splittable(events, duplicates) == pairs
    assert with_strength(shuffled, duplicates) == splittable(shuffled, duplicates) == pairs


@pytest.mark.parametrize("duplicates", POLICIES)
@settings(max_examples=25)
@given(rows=rows)
def test_pairs_with_a_net_value_of_zero_are_dropped(duplicates, rows):
    net = {}
    for user, item, _, _, value in rows:
        net[user, item] = net.get((user, item), 0) + Fraction(str(value))
    nothing = {pair for pair, value in net.items() if value <= 0}
    events = clean(rows)

    assert not with_strength(events, duplicates) & nothing
    assert not splittable(events, duplicates) & nothing


@pytest.mark.parametrize(
    "split", [LastSplit(by="last"), RandomSplit(by="random", fraction=0.5)], ids=["last", "random"]
)
@pytest.mark.parametrize("duplicates", POLICIES)
@settings(max_examples=25)
@given(rows=rows)
def test_other_splits_have_no_test_pair_without_strength(duplicates, split, rows):
    always = [(9, item, 0, 1.0, 1.0) for item in "ab"]  # so that the test set is not empty
    events = clean(rows + always)
    test = split_events(events.lazy(), split, duplicates).test

    assert test.height > 0
    assert set(test.select(PAIR).iter_rows()) <= with_strength(events, duplicates)


@pytest.mark.parametrize("duplicates", POLICIES)
def test_a_returned_purchase_is_dropped_and_a_repeated_purchase_is_kept(duplicates):
    events = clean(
        [
            *[(1, "a", 0, 1.0, 6.0), (1, "a", 0, 1.0, -6.0)],
            *[(1, "b", 0, 1.0, 6.0), (1, "b", 1, 1.0, -6.0), (1, "b", 2, 1.0, 6.0)],
            *[(2, "a", 0, 1.0, 1.0), (2, "b", 0, 1.0, 1e-12)],
        ]
    )

    assert with_strength(events, duplicates) == {(1, "b"), (2, "a"), (2, "b")}
    assert splittable(events, duplicates) == {(1, "b"), (2, "a"), (2, "b")}


def test_pairs_whose_type_weights_cancel_are_dropped():
    events = clean(
        [(1, "a", 0, 0.1, 1.0), (1, "a", 0, 0.2, 1.0), (1, "a", 0, -0.3, 1.0), (2, "b", 0, 1.0, 1.0)]
    )

    assert with_strength(events, "sum") == splittable(events, "sum") == {(2, "b")}
