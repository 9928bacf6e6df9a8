"""The half-life of `recent_popular`: selected on the training set, compared with plain loops."""

import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from als_cli.evaluation.recent_half_life import HALF_LIVES, select_half_life
from als_cli.splitting.validation import Horizon, ValidationRules, validation_sets
from tests.stages.evaluation_builders import clean_events, context_for, divided, fashion, publish_events

TEST_DAYS = 4
BY_TIME = {"split": {"by": "time", "test": f"{TEST_DAYS}d"}}
RANDOM = {"split": {"by": "random", "fraction": 0.2}}
DAY = timedelta(days=1)


def sets_of(folder, clean, section=BY_TIME):
    context = publish_events(context_for(folder, section), clean)
    return divided(context), context.config.events


def selected(folder, clean, section=BY_TIME):
    return select_half_life(*sets_of(folder, clean, section), threads=1)


def ndcg(ranked, relevant, count):
    hits = sum(1 / math.log2(rank + 2) for rank, item in enumerate(ranked[:10]) if item in relevant)
    return hits / sum(1 / math.log2(rank + 2) for rank in range(min(10, count)))


def mean_ndcg(sets, half_life):
    """Return the NDCG@10 of each test user of `sets`: ages, counts and lists from plain loops."""
    training, test_set = sets.training, sets.holdout.test_set
    pairs = list(zip(training.times.indices.tolist(), training.times.data.tolist(), strict=True))
    newest = max(time for _, time in pairs)
    counts, users = [0.0] * training.items.height, [0] * training.items.height
    for item, time in pairs:
        counts[item] += 2 ** (-(newest - time) / (half_life / timedelta(microseconds=1)))
        users[item] += 1
    order = sorted(range(len(counts)), key=lambda item: (-counts[item], -users[item], item))
    values = []
    for user in range(test_set.users):
        seen = set(test_set.history[user].indices.tolist()) if test_set.exclude_seen else set()
        ranked = [item for item in order if item not in seen]
        relevant = set(test_set.relevant[user].indices.tolist())
        values.append(ndcg(ranked, relevant, test_set.relevant_counts[user]))
    return values


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("new_items_per_day", [0, 1, 5])
def test_the_half_life_has_the_best_mean_over_all_validation_users(tmp_path, new_items_per_day, exclude_seen):
    sets, signal = sets_of(tmp_path, fashion(new_items_per_day), BY_TIME | {"exclude_seen": exclude_seen})
    rules = ValidationRules(exclude_seen=exclude_seen)
    periods = validation_sets(sets.events.training, signal, Horizon(TEST_DAYS * DAY), rules)
    assert len(periods) > 1
    span = (sets.training.newest - sets.training.users["first_time"].min()).total_seconds()
    candidates = [one for one in HALF_LIVES if one.total_seconds() <= span]
    assert candidates[-1] == 28 * DAY  # the training set spans 36 days
    means = [
        np.mean([value for one in periods for value in mean_ndcg(one, half_life)]) for half_life in candidates
    ]
    assert select_half_life(sets, signal, threads=1) == candidates[int(np.argmax(means))]


def test_fast_fashion_has_a_shorter_half_life(tmp_path):
    fast, slow, none = (selected(tmp_path / str(rate), fashion(rate)) for rate in (6, 1, 0))
    assert fast <= 2 * DAY < none
    assert fast <= slow <= none


def test_the_test_set_has_no_effect(tmp_path):
    clean = fashion(3)
    later = pl.col("timestamp") >= pl.col("timestamp").max() - TEST_DAYS * DAY
    shuffled = pl.concat(
        [clean.filter(~later), clean.filter(later).with_columns(pl.col("item_id").reverse())]
    )
    other = shuffled.with_columns(
        item_id=pl.when(later).then(pl.lit("i1")).otherwise("item_id"),
        weight=pl.when(later).then(9.0).otherwise("weight"),
    )
    assert selected(tmp_path / "a", clean) == selected(tmp_path / "b", other)


def test_seen_items_count_if_they_count_in_the_test_set(tmp_path, caplog):
    caplog.set_level("INFO")
    for seen in (True, False):
        selected(tmp_path / str(seen), fashion(1), BY_TIME | {"exclude_seen": seen})
    new, all_items = (int(text.split(" on ")[1].split()[0]) for text in caplog.messages if " on " in text)
    assert new < all_items


@pytest.mark.parametrize(("section", "half_life"), [(BY_TIME, TEST_DAYS * DAY), (RANDOM, 7 * DAY)])
def test_with_few_users_the_half_life_is_the_test_period_or_a_week(tmp_path, caplog, section, half_life):
    caplog.set_level("INFO")
    assert selected(tmp_path, fashion(1, users=20), section) == half_life
    assert "no validation set has enough users" in caplog.text


def test_a_test_period_that_starts_at_an_instant_has_its_length(tmp_path):
    section = {"split": {"by": "time", "test": "2026-02-06"}}
    clean = fashion(1, users=20)
    length = clean["timestamp"].max() - pl.Series(["2026-02-06"]).str.to_datetime(time_zone="UTC")[0]
    assert selected(tmp_path, clean, section) == length


def test_random_pairs_validate_a_random_split_but_no_test_period(tmp_path, caplog):
    caplog.set_level("INFO")
    # Nearly all users have events on one day only, so a validation period has few users with history.
    visits = [
        (user, f"i{(user + step) % 12}", user % 36 + step / 9) for user in range(600) for step in range(4)
    ]
    regulars = [(user, f"i{(user + day) % 12}", day) for user in range(600, 610) for day in range(0, 40, 7)]
    clean = clean_events([*visits, *regulars, (600, "i1", 39.5)])
    assert selected(tmp_path / "a", clean, BY_TIME) == TEST_DAYS * DAY
    assert "no validation set has enough users" in caplog.text
    assert "selected by" not in caplog.text
    assert selected(tmp_path / "b", clean, RANDOM) in HALF_LIVES
    assert "selected by ndcg@10" in caplog.text


def test_without_a_hit_the_half_life_is_the_test_period(tmp_path, caplog):
    caplog.set_level("INFO")
    # Every item is bought on one day only, so no list can contain a test item.
    rows = [(user, f"i{day}-{user % 3}", day) for user in range(150) for day in range(30)]
    assert selected(tmp_path, clean_events(rows)) == TEST_DAYS * DAY
    assert "no list of the validation set contains a test item" in caplog.text


def test_half_lives_longer_than_the_events_are_left_out(tmp_path):
    hours = fashion(0).with_columns(
        timestamp=pl.col("timestamp").min() + (pl.col("timestamp") - pl.col("timestamp").min()) / 160
    )
    section = {"split": {"by": "time", "test": "40m"}}  # 40 days become 6 hours
    assert selected(tmp_path, hours, section) in HALF_LIVES[:2]
    minutes = hours.with_columns(
        timestamp=pl.col("timestamp").min() + (pl.col("timestamp") - pl.col("timestamp").min()) / 20
    )
    assert selected(tmp_path, minutes, {"split": {"by": "time", "test": "2m"}}) == timedelta(minutes=2)
