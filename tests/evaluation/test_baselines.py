"""Baselines that need times: the events that they use, and the errors without timestamps."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from als_cli.config.evaluate import EvaluateConfig
from als_cli.errors import ConfigError
from als_cli.evaluation.baselines import newness_of
from als_cli.evaluation.rankers import RecentPopular, UsersToRank
from als_cli.stages.evaluate import evaluate, evaluate_key
from als_cli.storage.manifest import read_manifest
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


def recent(sets, half_life):
    return RecentPopular(sets.training.matrix, sets.training.times, half_life, 1)


def listed_by(ranker, sets):
    """Return the ids of the list for a user without history."""
    items = sets.training.items.height
    block = UsersToRank(slice(0, 1), csr_matrix((1, items), dtype=np.float32), None, exclude_seen=False)
    ids = sets.training.item_ids.to_list()
    return [ids[row] for row in ranker.rank(block, items).item_rows[0] if row >= 0]


@pytest.mark.parametrize(
    ("days", "order"),
    [
        # New has users of days 18 and 19. Mid has one user of day 12. The users of old are of days 0 to 2.
        (2, ["new", "mid", "old"]),
        (9, ["new", "mid", "old"]),
        (999, ["old", "new", "mid"]),
    ],
)
def test_recent_popular_counts_users_before_the_cut_off_and_no_returned_pair(tmp_path, days, order):
    sets = sets_of(context_for(tmp_path, BY_TIME))
    assert listed_by(recent(sets, timedelta(days=days)), sets) == order


def test_a_half_life_that_makes_every_count_zero_but_the_newest_ranks_by_all_users(tmp_path):
    sets = sets_of(context_for(tmp_path, BY_TIME))
    assert listed_by(recent(sets, timedelta(microseconds=1)), sets) == ["new", "old", "mid"]


def test_minimum_counts_apply_to_the_whole_training_set(tmp_path):
    rows = [*ROWS, ("cat", "one", 19)]
    sets = sets_of(context_for(tmp_path, BY_TIME, events={"min_item_interactions": 2}), rows)
    assert listed_by(recent(sets, timedelta(days=2)), sets) == ["new", "mid", "old"]


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
    section = BY_TIME | {"baselines": baselines, "recent_half_life": "7d"}
    report = evaluate(publish_events(context_for(tmp_path, section), clean_events(rows)))
    figures = {one.method: one.metrics for one in report.methods}
    assert list(figures) == ["als", *baselines]
    assert figures["own_items"]["recall@3"] == 1.0
    assert figures["popular"]["recall@3"] < 0.5
    assert {one.baseline for one in report.comparisons} == set(baselines)
    assert {one.method: one.half_life for one in report.methods if one.half_life} == {"recent_popular": "7d"}


def test_own_items_with_exclude_seen_is_an_error(tmp_path):
    section = {"baselines": ["own_items"], "exclude_seen": True}
    context = publish_events(context_for(tmp_path, section), two_tastes())
    with pytest.raises(ConfigError, match=r"evaluate\.baselines has own_items, but evaluate\.exclude_seen"):
        evaluate(context)
    assert current_version(context.evaluations_place) is None


def without_times(clean, rows=None):
    """Return `clean` without the timestamps of the first `rows` rows, by default of all rows."""
    known = pl.int_range(pl.len()) >= (clean.height if rows is None else rows)
    return clean.with_columns(timestamp=pl.when(known).then("timestamp"))


@pytest.mark.parametrize("baseline", ["recent_popular", "own_items"])
@pytest.mark.parametrize(("rows", "lack"), [(None, "the events have no"), (3, "not all events have")])
def test_a_baseline_that_needs_times_is_an_error_without_times(tmp_path, baseline, rows, lack):
    section = {"baselines": [baseline], "exclude_seen": False}
    context = publish_events(context_for(tmp_path, section), without_times(two_tastes(), rows))
    with pytest.raises(ConfigError, match=f"evaluate.baselines has {baseline}, but {lack} timestamps"):
        evaluate(context)
    assert current_version(context.evaluations_place) is None


@pytest.mark.parametrize(("rows", "lack"), [(None, "the events have no"), (3, "not all events have")])
def test_a_half_life_for_events_without_times_is_an_error(tmp_path, rows, lack):
    context = publish_events(
        context_for(tmp_path, {"recent_half_life": "12h"}), without_times(two_tastes(), rows)
    )
    for stage in (evaluate, evaluate_key):
        with pytest.raises(
            ConfigError, match=rf"evaluate\.recent_half_life is 12h, but {lack} timestamps"
        ) as refused:
            stage(context)
    assert "events.columns.timestamp" in refused.value.hint
    assert current_version(context.evaluations_place) is None


def test_a_half_life_without_times_is_unused_if_the_listed_baselines_need_none(tmp_path):
    section = {"recent_half_life": "12h", "baselines": ["popular"]}
    report = evaluate(publish_events(context_for(tmp_path, section), without_times(two_tastes())))
    assert methods_of(report) == ["als", "popular"]


def methods_of(report):
    return [one.method for one in report.methods]


@pytest.mark.parametrize(
    ("rows", "baselines"),
    [
        (0, ["popular", "recent_popular", "item_knn"]),
        (1, ["popular", "item_knn"]),
        (None, ["popular", "item_knn"]),
    ],
)
def test_the_default_baselines_depend_on_the_times(tmp_path, rows, baselines):
    context = publish_events(context_for(tmp_path), without_times(two_tastes(), rows))
    report = evaluate(context)
    assert methods_of(report) == ["als", *baselines]
    assert {one.baseline for one in report.comparisons} == set(baselines)
    assert list(report.cohorts[0].methods) == list(report.item_cohorts[0].methods) == ["als", *baselines]
    # The same list in the config is the same evaluation.
    named = context_for(tmp_path, {"baselines": baselines})
    assert evaluate_key(named) == evaluate_key(context)
    manifest = read_manifest(current_version(context.evaluations_place), "evaluation")
    assert manifest.key == evaluate_key(context)
    assert manifest.config["evaluate"]["baselines"] == baselines


def test_baselines_that_are_not_resolved_are_an_error():
    with pytest.raises(TypeError, match="auto"):
        EvaluateConfig().baseline_names  # noqa: B018


def test_events_of_one_instant_rank_by_all_users(tmp_path):
    one_instant = two_tastes().with_columns(timestamp=pl.lit(START, pl.Datetime("us", "UTC")))
    context = publish_events(context_for(tmp_path), one_instant)
    report = evaluate(context)
    figures = {one.method: one.metrics for one in report.methods}
    assert figures["recent_popular"] == figures["popular"]
    assert {one.half_life for one in report.methods} == {None, "7d"}
