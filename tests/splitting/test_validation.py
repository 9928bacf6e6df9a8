"""The validation sets of `auto`: consecutive periods without later events, or a random split."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from als_cli.config.events import EventsConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.errors import ConfigError
from als_cli.splitting.validation import Horizon, ValidationRules, smaller, validation_sets
from tests.stages.evaluation_builders import START, clean_events, two_tastes

SIGNAL = EventsConfig(source="events.csv")
MICROSECOND = timedelta(microseconds=1)
TENTH = Horizon()


def days(count):
    return timedelta(days=count)


def sets_of(clean, horizon=TENTH, **rules):
    return validation_sets(
        clean.lazy(), SIGNAL, horizon, ValidationRules(**({"minimum_evaluated": 5} | rules))
    )


@pytest.fixture(scope="module")
def clean():
    """Return events of 240 users on 30 days."""
    return two_tastes(users=240, items=60)


def pairs_of(events):
    return set(events.select("user_id", "item_id").rows())


def held_out(sets):
    """Return the (user, item) pairs that `sets` evaluates."""
    users = sets.training.user_ids.gather(sets.holdout.user_rows)
    relevant = sets.holdout.test_set.relevant.tocoo()
    items = sets.training.item_ids
    return {
        (users[int(row)], items[int(column)]) for row, column in zip(relevant.row, relevant.col, strict=True)
    }


def training_pairs(sets):
    matrix, users, items = sets.training.matrix.tocoo(), sets.training.user_ids, sets.training.item_ids
    return {(users[int(row)], items[int(column)]) for row, column in zip(matrix.row, matrix.col, strict=True)}


def same(one, other):
    return (
        one.cut_off == other.cut_off
        and one.training.users.equals(other.training.users)
        and one.training.items.equals(other.training.items)
        and (one.training.matrix != other.training.matrix).nnz == 0
        and held_out(one) == held_out(other)
    )


def check_period(sets, clean, end, length):
    """Check `sets` against the definition of a period that ends at `end`, excluded."""
    start, time = end - length, pl.col("timestamp")
    assert sets.cut_off == start
    before, inside = clean.filter(time < start), clean.filter(time >= start, time < end)
    assert training_pairs(sets) == pairs_of(before)
    assert sets.training.newest == before["timestamp"].max()
    assert sets.training.times.data.max() == int(before["timestamp"].dt.epoch("us").max())
    known_users, known_items = set(before["user_id"]), set(before["item_id"])
    new = {
        (user, item)
        for user, item in pairs_of(inside) - pairs_of(before)
        if user in known_users and item in known_items
    }
    assert held_out(sets) == new
    assert sets.holdout.test_set.history.multiply(sets.holdout.test_set.relevant).nnz == 0


def test_periods_are_consecutive_and_of_the_length_of_the_horizon(clean):
    end, length = clean["timestamp"].max() + MICROSECOND, days(3) + MICROSECOND
    found = sets_of(clean, Horizon(days(3)))
    assert len(found) == 4
    for number, sets in enumerate(found):
        # The newest period ends one microsecond after the newest event, and starts three days before the event.
        check_period(sets, clean, end - number * length, length)


def test_without_a_horizon_the_newest_period_has_a_tenth_of_the_events(clean):
    found = sets_of(clean)
    cut_off = clean["timestamp"].sort()[int(0.9 * (clean.height - 1))]
    length = clean["timestamp"].max() + MICROSECOND - cut_off
    assert len(found) == 4
    for number, sets in enumerate(found):
        check_period(sets, clean, cut_off + (1 - number) * length, length)


logs = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 7), st.integers(0, 40).map(lambda quarter: quarter / 4)),
    min_size=30,
    max_size=120,
)


@settings(max_examples=30)
@given(rows=logs, horizon=st.sampled_from([None, 0.25, 1, 2.5]))
def test_periods_of_any_events_follow_the_definition(rows, horizon):
    """Training sets have all events before the period, and only them. Test sets have no event after the period."""
    clean = clean_events(rows)
    found = sets_of(clean, Horizon(None if horizon is None else days(horizon)), minimum_evaluated=1)
    assume(found and found[0].cut_off is not None)
    end = clean["timestamp"].max() + MICROSECOND
    length = end - found[0].cut_off
    if horizon is not None and length != days(horizon) + MICROSECOND:  # the horizon is longer than the events
        assert clean["timestamp"].max() - days(horizon) <= clean["timestamp"].min()
    for number, sets in enumerate(found):
        check_period(sets, clean, end - number * length, length)


def test_later_events_do_not_change_a_period(clean):
    found = sets_of(clean, Horizon(days(3)))
    newest = pl.col("timestamp") >= found[0].cut_off
    swapped = clean.with_columns(
        item_id=pl.when(newest).then(pl.col("item_id").reverse()).otherwise("item_id"),
        weight=pl.when(newest).then(9.0).otherwise("weight"),
    )
    again = sets_of(swapped, Horizon(days(3)))
    assert [same(one, other) for one, other in zip(found, again, strict=True)] == [False, True, True, True]


@pytest.mark.parametrize(("length", "count"), [(1, 4), (3, 4), (5, 3), (7, 2), (8, 2), (12, 1), (25, 1)])
def test_there_are_at_most_four_periods_and_older_ones_have_events_to_train_on(clean, length, count):
    found = sets_of(clean, Horizon(days(length)))
    assert len(found) == count
    time = pl.col("timestamp")
    for sets in found[1:]:
        assert clean.filter(time < sets.cut_off).height >= 0.4 * clean.height


@pytest.mark.parametrize(("maximum", "count"), [(20, 1), (100, 1), (110, 2), (250, 3), (3000, 4)])
def test_periods_are_added_until_they_have_enough_users(clean, maximum, count):
    found = sets_of(clean, Horizon(days(2)), maximum_evaluated=maximum)
    users = [sets.holdout.test_set.users for sets in found]
    assert len(found) == count
    assert sum(users[:-1]) < maximum
    assert max(users) <= maximum


def test_a_period_without_test_users_is_the_last_one():
    """Nothing happens from day 20 to day 29, and the newest period is day 29 to day 30."""
    clean = two_tastes(users=240, items=60)
    day = (pl.col("timestamp") - START).dt.total_seconds() / 86_400
    found = sets_of(clean.filter((day < 20) | (day >= 29)), Horizon(days(1)))
    assert len(found) == 1
    assert found[0].cut_off > START + days(28.9)


def test_a_given_horizon_that_is_longer_than_the_events_is_an_error(clean):
    too_long = r"train\.horizon is 45d, but all events are from 2026-01-01 00:\d\d to 2026-01-30 23:\d\d"
    with pytest.raises(ConfigError, match=too_long) as refused:
        sets_of(clean, Horizon(days(45), is_given=True))
    assert refused.value.hint == "set a shorter train.horizon, or remove it"
    span = clean["timestamp"].max() - clean["timestamp"].min()
    with pytest.raises(ConfigError, match="all events are from"):
        sets_of(clean, Horizon(span, is_given=True))
    assert len(sets_of(clean, Horizon(span - timedelta(days=2), is_given=True))) == 1


def test_another_horizon_that_is_longer_than_the_events_is_replaced_by_a_tenth_of_them(clean):
    found, tenth = sets_of(clean, Horizon(days(45))), sets_of(clean)
    assert all(same(one, other) for one, other in zip(found, tenth, strict=True))


def random_split(sets, clean):
    pairs = aggregate(clean.lazy(), SIGNAL).matrix.nnz
    return (
        len(sets) == 1
        and sets[0].cut_off is None
        and sets[0].training.matrix.nnz == pairs - round(0.1 * pairs)
    )


HORIZONS = [Horizon(), Horizon(days(3)), Horizon(days(3), is_given=True), Horizon(days(99), is_given=True)]


@pytest.mark.parametrize("horizon", HORIZONS)
def test_events_at_one_instant_have_a_random_split(clean, horizon):
    at_once = clean.with_columns(timestamp=pl.lit(START, pl.Datetime("us", "UTC")))
    found = sets_of(at_once, horizon)
    assert random_split(found, at_once)
    assert found[0].training.times is not None


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("timeless", [1, 700, None])
def test_events_without_timestamps_have_a_random_split(clean, horizon, timeless):
    number = pl.int_range(pl.len())
    some = clean.with_columns(
        timestamp=pl.when(number >= (clean.height if timeless is None else timeless)).then("timestamp")
    )
    assert some["timestamp"].null_count() == (timeless or clean.height)
    found = sets_of(some, horizon)
    assert random_split(found, some)
    assert timeless == 1 or found[0].training.times is None


def test_few_users_with_earlier_events_have_a_random_split(clean):
    assert random_split(sets_of(clean, Horizon(days(0.01)), minimum_evaluated=140), clean)


def test_with_too_few_users_there_is_no_validation_set(clean):
    assert sets_of(clean, minimum_evaluated=1000) == ()
    assert sets_of(clean.head(0)) == ()
    assert sets_of(clean.head(1)) == ()


@pytest.mark.parametrize("horizon", [Horizon(), Horizon(days(2))])
def test_the_order_of_the_events_does_not_matter(clean, horizon):
    shuffled = clean.sample(fraction=1.0, shuffle=True, seed=5)
    assert not shuffled.equals(clean)
    found = sets_of(clean, horizon)
    assert len(found) == 4
    assert all(same(one, other) for one, other in zip(found, sets_of(shuffled, horizon), strict=True))
    untimed = [
        one.with_columns(timestamp=pl.lit(None, pl.Datetime("us", "UTC"))) for one in (clean, shuffled)
    ]
    (one,), (other,) = (sets_of(some) for some in untimed)
    assert same(one, other)


def test_many_users_are_sampled(clean):
    sets = sets_of(clean)[0]
    assert smaller(sets, ValidationRules()) is sets
    sample = smaller(sets, ValidationRules(many_users=200, sampled_users=90))
    assert sample.training.matrix.shape == (90, sets.training.matrix.shape[1])
    assert (sample.training.times.indices == sample.training.matrix.indices).all()
    assert held_out(sample) < held_out(sets)
