"""Splits: the sets are disjoint, no event is lost, and the order of rows does not matter."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from als_cli.config.evaluate import LastSplit, RandomSplit, TimeSplit, UsersSplit
from als_cli.errors import ConfigError, DataError
from als_cli.events.checks import CLEAN_EVENT_COLUMNS
from als_cli.splitting.splits import PAIR, split_events

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = {
    "user_id": pl.Int64,
    "item_id": pl.String,
    "timestamp": pl.Datetime("us", "UTC"),
    "weight": pl.Float64,
    "value": pl.Float64,
}
SPLITS = [
    TimeSplit(test=timedelta(days=5)),
    LastSplit(by="last", n=1),
    RandomSplit(by="random", fraction=0.3, seed=1),
    UsersSplit(by="users", fraction=0.5, fold_in=0.5, seed=1),
]


def events_of(rows):
    """Return clean events of (user, item, day or None[, weight]) rows."""
    return pl.DataFrame(
        [
            {
                "user_id": user,
                "item_id": item,
                "timestamp": None if day is None else START + timedelta(days=day),
                "weight": float(*weight) if weight else 1.0,
                "value": 1.0,
            }
            for user, item, day, *weight in rows
        ],
        schema=SCHEMA,
    )


def pairs_of(frame):
    return set(frame.select(PAIR).iter_rows())


random_events = st.lists(
    st.tuples(
        st.integers(1, 5), st.sampled_from("abcdef"), st.integers(0, 20), st.sampled_from([1.0, 2.0, -1.0])
    ),
    min_size=12,
    max_size=60,
).map(events_of)


def sets_of(events, split):
    """Return the split; reject the example if a set would be empty."""
    try:
        return split_events(events.lazy(), split)
    except DataError:
        reject()


@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split.by)
@settings(max_examples=40)
@given(events=random_events, data=st.data())
def test_order_of_rows_does_not_matter(split, events, data):
    shuffled = events[data.draw(st.permutations(range(events.height)))]
    one, other = sets_of(events, split), sets_of(shuffled, split)
    assert_frame_equal(one.test, other.test)
    assert_frame_equal(one.training.collect(), other.training.collect(), check_row_order=False)


@pytest.mark.parametrize("split", SPLITS[1:], ids=lambda split: split.by)
@settings(max_examples=40)
@given(events=random_events)
def test_no_test_pair_has_an_event_elsewhere_and_no_event_is_lost(split, events):
    sets = sets_of(events, split)
    training = sets.training.collect()
    visible = events.clear() if sets.visible is None else sets.visible.collect()
    assert not pairs_of(sets.test) & (pairs_of(training) | pairs_of(visible))
    assert not set(training["user_id"]) & set(visible["user_id"])
    hidden = events.join(sets.test, on=PAIR, how="semi")
    together = pl.concat([training, visible, hidden])
    assert_frame_equal(together, events, check_row_order=False)


@settings(max_examples=40)
@given(events=random_events, days=st.integers(1, 20))
def test_time_split_divides_at_the_cut_off(events, days):
    newest = events["timestamp"].max()
    cut_off = newest - timedelta(days=days)
    sets = sets_of(events, TimeSplit(test=timedelta(days=days)))
    assert sets.cut_off == cut_off
    assert sets.test_length == timedelta(days=days)
    assert_frame_equal(
        sets.training.collect(), events.filter(events["timestamp"] < cut_off), check_row_order=False
    )
    assert pairs_of(sets.test) == bought_from(events, cut_off)


def bought_from(events, instant):
    """Return the pairs with a positive sum of weights from `instant` on, by a plain loop."""
    weights = defaultdict(float)
    for user, item, time, weight, _ in events.select(CLEAN_EVENT_COLUMNS).iter_rows():
        if time >= instant:
            weights[user, item] += weight
    return {pair for pair, weight in weights.items() if weight > 0}


def test_time_split_takes_an_instant():
    events = events_of([(1, "a", 0), (1, "b", 3), (1, "c", 4)])
    sets = split_events(events.lazy(), TimeSplit(test=START + timedelta(days=3)))
    assert pairs_of(sets.test) == {(1, "b"), (1, "c")}
    assert pairs_of(sets.training.collect()) == {(1, "a")}


def test_a_returned_item_is_no_test_item():
    events = events_of([(1, "a", 0), (1, "b", 8), (1, "b", 9, -1.0), (2, "c", 9)])
    assert pairs_of(split_events(events.lazy(), TimeSplit(test=timedelta(days=5))).test) == {(2, "c")}


def test_last_takes_the_newest_items_by_their_last_event():
    # User 1 has `a` again last. Users 2 and 3 have at most two items. Ties: the smaller id.
    events = events_of(
        [
            *[(1, "a", 0), (1, "b", 3), (1, "c", 2), (1, "a", 9)],
            *[(2, "a", 1), (2, "b", 2), (3, "a", 1)],
            *[(4, "c", 5), (4, "b", 5), (4, "d", 5)],
        ]
    )
    sets = split_events(events.lazy(), LastSplit(by="last", n=2))
    assert pairs_of(sets.test) == {(1, "a"), (1, "b"), (4, "b"), (4, "c")}
    # Both events of user 1 with `a` have left the training set.
    assert pairs_of(sets.training.collect()) == {(1, "c"), (2, "a"), (2, "b"), (3, "a"), (4, "d")}


def many_pairs(users=20, items=10):
    return events_of([(user, f"i{item}", item) for user in range(users) for item in range(items)])


def test_the_random_fraction_is_exact_and_follows_the_seed():
    events = many_pairs().lazy()
    first, again, other = (
        split_events(events, RandomSplit(by="random", fraction=0.25, seed=seed)).test for seed in (1, 1, 2)
    )
    assert first.height == 50
    assert_frame_equal(first, again)
    assert pairs_of(first) != pairs_of(other)


def test_held_out_users_show_a_fraction_and_are_not_in_the_training_set():
    events = pl.concat(
        [many_pairs(), events_of([(99, "i1", 0)])]
    )  # user 99 has one item: nothing to hold out
    sets = split_events(events.lazy(), UsersSplit(by="users", fraction=0.25, fold_in=0.8, seed=4))
    held_out = set(sets.test["user_id"])
    assert len(held_out) == 5
    assert 99 not in held_out
    assert set(sets.training.collect()["user_id"]) == set(range(20)) - held_out | {99}
    visible = sets.visible.collect()
    assert visible.group_by("user_id").len()["len"].to_list() == [8] * 5
    assert sets.test.group_by("user_id").len()["len"].to_list() == [2] * 5


@pytest.mark.parametrize("fold_in", [0.01, 0.99])
def test_held_out_users_always_have_shown_items_and_test_items(fold_in):
    events = events_of([(user, item, 0) for user in range(4) for item in "ab"])
    sets = split_events(events.lazy(), UsersSplit(by="users", fraction=0.5, fold_in=fold_in))
    assert sets.test.height == sets.visible.collect().height == 2


@pytest.mark.parametrize("split", SPLITS[:2], ids=lambda split: split.by)
def test_missing_timestamps_are_a_config_error(split):
    with pytest.raises(
        ConfigError, match=f"split.by is {split.by}, but the events have no timestamps"
    ) as refused:
        split_events(events_of([(1, "a", None), (1, "b", None)]).lazy(), split)
    assert "events.columns.timestamp" in refused.value.hint


@pytest.mark.parametrize("split", SPLITS[:2], ids=lambda split: split.by)
def test_events_without_time_are_counted(split):
    with pytest.raises(DataError, match="1 of 3 events have no timestamp"):
        split_events(events_of([(1, "a", None), (1, "b", 1), (2, "b", 9)]).lazy(), split)


@pytest.mark.parametrize("split", SPLITS[2:], ids=lambda split: split.by)
def test_random_splits_need_no_timestamps(split):
    events = events_of([(user, item, None) for user in range(4) for item in "abcd"])
    assert split_events(events.lazy(), split).test.height > 0


@pytest.mark.parametrize(
    ("rows", "split", "message"),
    [
        ([(1, "a", 0), (2, "b", 1)], TimeSplit(test=timedelta(days=5)), "no event before the cut-off"),
        (
            [(1, "a", 0), (2, "b", 1)],
            TimeSplit(test=START + timedelta(days=9)),
            "no event at or after the cut-off",
        ),
        ([(1, "a", 0), (2, "b", 9, -1.0)], TimeSplit(test=timedelta(days=5)), "the test set is empty"),
        ([(1, "a", 0), (2, "b", 1)], LastSplit(by="last"), "no user has more than 1 items"),
        ([(1, "a", 0)], RandomSplit(by="random"), "leaves nothing to train on"),
        ([(1, "a", 0), (1, "b", 0), (2, "a", 0)], UsersSplit(by="users"), "fewer than two users"),
        ([], TimeSplit(), "no events to split"),
    ],
)
def test_an_empty_set_is_an_error_with_a_hint(rows, split, message):
    with pytest.raises(DataError, match=message) as refused:
        split_events(events_of(rows).lazy(), split)
    assert refused.value.hint
