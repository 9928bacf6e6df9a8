"""Baselines that need times: the events that they use, and the errors without timestamps."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from als_cli.errors import ConfigError
from als_cli.evaluation.baselines import newness_of, recent_interactions
from als_cli.stages.evaluate import evaluate
from als_cli.storage.publish import current_version
from tests.stages.evaluation_builders import (
    START,
    clean_events,
    context_for,
    divided,
    publish_events,
    two_tastes,
)

BY_TIME = {"split": {"by": "time", "test": "2026-01-21"}, "exclude_seen": False}
# The cut-off is day 20. With the events of the test set, every count would be different.
ROWS = [
    *[("ann", "old", 0), ("bob", "old", 1), ("cat", "old", 2)],
    *[("ann", "new", 18), ("bob", "new", 19), ("ann", "mid", 12), ("cat", "mid", 5)],
    *[("bob", "back", 18), ("bob", "back", 18.5, -1)],  # bought and returned
    *[("ann", "old", 25), ("bob", "old", 26), ("cat", "mid", 27), ("ann", "new", 28)],
]


def sets_of(context, rows=ROWS):
    publish_events(context, clean_events(rows))
    return divided(context)


@pytest.mark.parametrize(
    ("days", "counts"), [(3, {"new": 2}), (9, {"new": 2, "mid": 1}), (99, {"new": 2, "mid": 2, "old": 3})]
)
def test_recent_interactions_are_those_before_the_cut_off(tmp_path, days, counts):
    context = context_for(tmp_path, BY_TIME)
    sets = sets_of(context)
    found = recent_interactions(sets, context.config.events, timedelta(days=days))
    ids = sets.training.item_ids.to_list()
    assert {item: count for item, count in zip(ids, found.tolist(), strict=True) if count} == counts


def test_a_recent_period_without_events_is_no_error(tmp_path):
    context = context_for(tmp_path, BY_TIME)
    assert not recent_interactions(sets_of(context), context.config.events, timedelta(minutes=1)).any()


def test_without_a_cut_off_the_period_ends_with_the_newest_training_event(tmp_path):
    context = context_for(tmp_path, {"split": {"by": "last", "n": 1}})
    sets = sets_of(context, [(user, item, day) for user in "xy" for day, item in enumerate("abc")])
    # c is the test item. b of day 1 is the newest training event.
    assert recent_interactions(sets, context.config.events, timedelta(hours=1)).tolist() == [0, 2]


def test_without_a_cut_off_the_period_ends_at_the_configured_instant(tmp_path):
    as_of = START + timedelta(days=4)
    section = {"split": {"by": "last", "n": 1}}
    context = context_for(tmp_path, section, events={"as_of": as_of, "half_life": "1h"})
    sets = sets_of(context, [(user, item, day) for user in "xy" for day, item in enumerate("abc")])
    # c is the test item. b of day 1 is three days old.
    counts = {
        days: recent_interactions(sets, context.config.events, timedelta(days=days)).tolist()
        for days in (2, 3, 4)
    }
    assert counts == {2: [0, 0], 3: [0, 2], 4: [2, 2]}


def test_the_instant_has_no_effect_on_the_period_before_a_cut_off(tmp_path):
    context = context_for(tmp_path, BY_TIME, events={"as_of": START + timedelta(days=400), "half_life": "1d"})
    sets = sets_of(context_for(tmp_path, BY_TIME))
    found = recent_interactions(sets, context.config.events, timedelta(days=3))
    assert dict(zip(sets.training.item_ids, found.tolist(), strict=True))["new"] == 2


def test_minimum_counts_apply_to_the_whole_training_set_only(tmp_path):
    context = context_for(tmp_path, BY_TIME, events={"min_item_interactions": 2})
    sets = sets_of(context)
    assert sets.training.item_ids.to_list() == ["mid", "new", "old"]
    assert recent_interactions(sets, context.config.events, timedelta(days=9)).tolist() == [1, 2, 0]


def test_newness_orders_each_history_by_last_time(tmp_path):
    sets = sets_of(context_for(tmp_path, BY_TIME))
    newness, items = newness_of(sets).toarray(), sets.training.item_ids.to_list()
    ordered = {
        user: [items[row] for row in np.argsort(-newness[position]) if newness[position, row] > 0]
        for position, user in enumerate(sets.holdout.user_ids)
    }
    assert ordered == {"ann": ["new", "mid", "old"], "bob": ["new", "old"], "cat": ["mid", "old"]}


def test_own_items_of_held_out_users_are_the_shown_items(tmp_path):
    split = {"split": {"by": "users", "fraction": 0.3, "fold_in": 0.6}, "exclude_seen": False}
    context = publish_events(context_for(tmp_path, split), two_tastes())
    sets = divided(context)
    assert (newness_of(sets) > 0).astype(int).toarray().tolist() == (
        (sets.holdout.test_set.history > 0).astype(int).toarray().tolist()
    )


def test_own_items_finds_repeat_purchases(tmp_path):
    baselines = ["popular", "recent_popular", "item_knn", "item_bm25", "own_items"]
    # Every user buys the same two items every day.
    rows = [(user, (user + step) % 40, day) for user in range(40) for step in (0, 7) for day in range(28)]
    section = BY_TIME | {"baselines": baselines, "recent": "7d"}
    report = evaluate(publish_events(context_for(tmp_path, section), clean_events(rows)))
    figures = {one.method: one.metrics for one in report.methods}
    assert list(figures) == ["als", *baselines]
    assert figures["own_items"]["recall@3"] == 1.0
    assert figures["popular"]["recall@3"] < 0.5
    assert {one.baseline for one in report.comparisons} == set(baselines)


def test_own_items_with_exclude_seen_is_an_error(tmp_path):
    section = {"baselines": ["own_items"], "exclude_seen": True}
    context = publish_events(context_for(tmp_path, section), two_tastes())
    with pytest.raises(ConfigError, match=r"evaluate\.baselines has own_items, but evaluate\.exclude_seen"):
        evaluate(context)
    assert current_version(context.evaluations_place) is None


@pytest.mark.parametrize("baseline", ["recent_popular", "own_items"])
def test_a_baseline_that_needs_times_is_an_error_without_times(tmp_path, baseline):
    without_timestamp = two_tastes().with_columns(timestamp=pl.lit(None, pl.Datetime("us", "UTC")))
    section = {"baselines": [baseline], "exclude_seen": False}
    context = publish_events(context_for(tmp_path, section), without_timestamp)
    with pytest.raises(
        ConfigError, match=f"evaluate.baselines has {baseline}, but the events have no timestamps"
    ):
        evaluate(context)
    assert current_version(context.evaluations_place) is None
