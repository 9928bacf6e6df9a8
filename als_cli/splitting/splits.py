"""Splits of clean events into training events and test pairs.

A test pair is a distinct (user, item) pair that exists by the rule of the training set (:mod:`~als_cli.events.net_pairs`).
An item that was bought and then returned is not a test item. Random samples are taken from sorted ids, so they do not
depend on the order of the rows.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from als_cli.config.evaluate import LastSplit, RandomSplit, TimeSplit, UsersSplit
from als_cli.errors import ConfigError, DataError
from als_cli.events.net_pairs import Duplicates, extremes_of, net_pairs

PAIR = ("user_id", "item_id")
_SHORTEST_TEST = timedelta(seconds=1)
"""Length of a test period whose only events are at the cut-off."""


@dataclass(frozen=True)
class SplitEvents:
    """Training events and test pairs of one split. Models are trained on `training` only."""

    training: pl.LazyFrame
    """Clean events (CLEAN_EVENT_COLUMNS)."""
    test: pl.DataFrame
    """Distinct user_id, item_id, sorted."""
    visible: pl.LazyFrame | None = None
    """Clean events from which held-out users are folded in; None: test users are users of `training`."""
    cut_off: datetime | None = None
    """First instant of the test period of a time split, from which decay counts; None: another split."""
    test_length: timedelta | None = None
    """Time from the cut-off of a time split to the newest event; None: another split."""


def split_events(
    clean: pl.LazyFrame,
    split: TimeSplit | LastSplit | RandomSplit | UsersSplit,
    duplicates: Duplicates = "sum",
) -> SplitEvents:
    """Return training events and test pairs of `clean` events (CLEAN_EVENT_COLUMNS) for `split`.

    `duplicates` is `events.duplicates` of the config.

    Raises
    ------
    ConfigError
        The split needs timestamps, but the events have none.
    DataError
        The training set or the test set is empty, or the split needs times and some events have none.
    """
    if isinstance(split, TimeSplit):
        return split_by_time(clean, split, duplicates)
    if isinstance(split, LastSplit):
        return split_last(clean, split, duplicates)
    if isinstance(split, RandomSplit):
        return split_random(clean, split, duplicates)
    return split_users(clean, split, duplicates)


def split_by_time(clean: pl.LazyFrame, split: TimeSplit, duplicates: Duplicates) -> SplitEvents:
    """Return the events before the cut-off, and the pairs of the events at or after it."""
    oldest, newest = _time_span(clean, "time")
    cut_off = split.test if isinstance(split.test, datetime) else newest - split.test
    if cut_off <= oldest:
        raise DataError(
            f"evaluate.split.test: no event before the cut-off {cut_off:%Y-%m-%d %H:%M:%S}, nothing to train on",
            hint=f"the events run from {oldest:%Y-%m-%d} to {newest:%Y-%m-%d}; choose a shorter test period",
        )
    test = _existing(clean.filter(pl.col("timestamp") >= cut_off), duplicates).select(PAIR)
    return SplitEvents(
        training=clean.filter(pl.col("timestamp") < cut_off),
        test=_not_empty(test, f"no event at or after the cut-off {cut_off:%Y-%m-%d %H:%M:%S}"),
        cut_off=cut_off,
        test_length=max(newest - cut_off, _SHORTEST_TEST),
    )


def split_last(clean: pl.LazyFrame, split: LastSplit, duplicates: Duplicates) -> SplitEvents:
    """Return the `n` newest items of each user as test pairs, by the last time of the pair. Ties: the smaller item id.

    Users with at most `n` items stay in the training set.
    """
    _time_span(clean, "last")
    newest_first = _existing(clean, duplicates).sort(
        "user_id", "last_time", "item_id", descending=[False, True, False]
    )
    rank = pl.int_range(pl.len()).over("user_id")
    test = newest_first.filter((rank < split.n) & (pl.len().over("user_id") > split.n))
    return _without(clean, _not_empty(test.select(PAIR), f"no user has more than {split.n} items"))


def split_random(clean: pl.LazyFrame, split: RandomSplit, duplicates: Duplicates) -> SplitEvents:
    """Return a random sample of ``round(fraction x pairs)`` pairs, at least one, as test pairs."""
    pairs = _existing(clean, duplicates).select(PAIR)
    size = max(1, round(split.fraction * pairs.height))
    if size >= pairs.height:
        raise DataError(
            f"evaluate.split.fraction: {split.fraction:g} of {pairs.height} pairs leaves nothing to train on",
            hint="choose a smaller fraction",
        )
    sampled = np.random.default_rng(split.seed).permutation(pairs.height)[:size]
    return _without(clean, pairs[np.sort(sampled)])


def split_users(clean: pl.LazyFrame, split: UsersSplit, duplicates: Duplicates) -> SplitEvents:
    """Return the training events of the other users, and the visible events and test pairs of the held-out users.

    ``round(fraction x users)`` of the users with at least two items are held out, at least one. The visible events of a
    user are those of ``round(fold_in x items)`` items, at least one and never all.
    """
    generator = np.random.default_rng(split.seed)
    pairs = _existing(clean, duplicates).select(PAIR)
    users = pairs.filter(pl.len().over("user_id") >= 2)["user_id"].unique().sort()
    if users.len() < 2:
        raise DataError(
            "evaluate.split: fewer than two users have at least two items, so no user can be held out",
            hint="use another split, for example {by: random}",
        )
    size = min(max(1, round(split.fraction * users.len())), users.len() - 1)
    held_out = users[np.sort(generator.permutation(users.len())[:size])].to_frame()
    held_out_pairs = pairs.join(held_out, on="user_id", how="semi", maintain_order="left")
    order = pl.Series("order", generator.permutation(held_out_pairs.height))
    items = pl.len().over("user_id")
    shown = (items * split.fold_in).round().clip(1, items - 1)
    test = (
        held_out_pairs.with_columns(order)
        .filter(pl.col("order").rank("ordinal").over("user_id") > shown)
        .select(PAIR)
    )
    return SplitEvents(
        training=clean.join(held_out.lazy(), on="user_id", how="anti"),
        test=test,
        visible=clean.join(held_out.lazy(), on="user_id", how="semi").join(test.lazy(), on=PAIR, how="anti"),
    )


def _without(clean: pl.LazyFrame, test: pl.DataFrame) -> SplitEvents:
    # All events of a test pair leave the training set, not only the newest: the model must not know the pair.
    return SplitEvents(training=clean.join(test.lazy(), on=PAIR, how="anti"), test=test)


def _existing(clean: pl.LazyFrame, duplicates: Duplicates) -> pl.DataFrame:
    """Return the existing pairs (:func:`net_pairs`, without decay) with the last time of each, sorted by pair."""
    pairs = net_pairs(clean, PAIR, duplicates, extremes_of(clean))
    return pairs.select(*PAIR, "last_time").sort(PAIR).collect(engine="streaming")


def _time_span(clean: pl.LazyFrame, by: str) -> tuple[datetime, datetime]:
    time = pl.col("timestamp")
    found = clean.select(
        events=pl.len(), without_timestamp=time.null_count(), oldest=time.min(), newest=time.max()
    ).collect()
    events, without_timestamp, oldest, newest = found.row(0)
    if events == 0:
        raise DataError(
            "the dataset has no events to split",
            hint="check events.source and events.where, then run `als ingest`",
        )
    if without_timestamp == events:
        raise ConfigError(
            f"evaluate.split.by is {by}, but the events have no timestamps",
            hint="set events.columns.timestamp, or set evaluate.split.by to random or users",
        )
    if without_timestamp:
        raise DataError(
            f"evaluate.split.by is {by}, but {without_timestamp} of {events} events have no timestamp",
            hint="set columns.timestamp for every source, or set evaluate.split.by to random or users",
        )
    return oldest, newest


def _not_empty(test: pl.DataFrame, why: str) -> pl.DataFrame:
    if test.height == 0:
        raise DataError(
            f"evaluate.split: {why}, so the test set is empty",
            hint="change evaluate.split, or remove it to use {by: auto}",
        )
    return test
