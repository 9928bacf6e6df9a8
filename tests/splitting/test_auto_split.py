"""`evaluate.split: {by: auto}`: the shortest window with enough test users, or random pairs."""

import json
import logging
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from als_cli import NOTICE
from als_cli.config.evaluate import RandomSplit, TimeSplit
from als_cli.errors import ConfigError, DataError
from als_cli.splitting.auto_split import ENOUGH_USERS, KNOWN_PAIRS, MAXIMUM_WINDOW, choose_split
from als_cli.stages.backtest import backtest
from als_cli.stages.evaluate import evaluate, evaluate_key
from als_cli.storage.manifest import read_manifest
from tests.stages.evaluation_builders import START, clean_events, context_for, publish_events, two_tastes
from tests.stages.tune_builders import folds_of

AUTO = {"split": {"by": "auto"}}


def auto(folder, clean=None, **section):
    return publish_events(context_for(folder, AUTO | section), two_tastes() if clean is None else clean)


def busy(users, days, seed=3):
    """Return clean events at a constant rate over `days`: 5 per user, of 200 items."""
    generator = np.random.default_rng(seed)
    size = 5 * users
    return pl.DataFrame(
        {
            "user_id": generator.permutation(np.repeat(np.arange(users), 5)),
            "item_id": generator.integers(0, 200, size),
            "timestamp": [START + timedelta(days=float(day)) for day in generator.random(size) * days],
            "weight": 1.0,
            "value": 1.0,
        },
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )


def counted_by_hand(clean, window):
    """Return the number of users with an event before the cut-off and a new item after it, by plain loops."""
    cut_off = clean["timestamp"].max() - window
    before, after = {}, {}
    for user, item, time in clean.select("user_id", "item_id", "timestamp").iter_rows():
        (after if time >= cut_off else before).setdefault(user, set()).add(item)
    return sum(1 for user, items in after.items() if user in before and items - before[user])


def chosen(folder, clean, **section):
    context = context_for(folder, AUTO | section)
    return choose_split(
        clean.lazy(), context.config.events, exclude_seen=context.config.evaluate.exclude_seen
    )


@pytest.mark.parametrize(
    ("users", "days", "expected"),
    [
        (20_000, 60, "1d"),
        (2_000, 60, "7d"),
        (400, 60, "7d"),  # no window has enough users: the window with the most
        (2_100, 10, "36h"),
        (20_000, 10, "3h"),
    ],
)
def test_the_shortest_window_with_enough_test_users_is_taken(tmp_path, users, days, expected):
    clean = busy(users, days)
    found = chosen(tmp_path, clean)
    assert found.split.model_dump(mode="json") == {"by": "time", "test": expected}
    assert found.test_users == counted_by_hand(clean, found.split.test)
    assert found.split.test <= MAXIMUM_WINDOW * timedelta(days=days)


def news(users, days, seed=4):
    """Return clean events of a news site: 20 new items per day, which are read on that day and the next two days."""
    generator = np.random.default_rng(seed)
    clean = busy(users, days, seed)
    day = (clean["timestamp"] - START).dt.total_days().to_numpy()
    age = generator.integers(0, 3, clean.height)
    return clean.with_columns(
        item_id=pl.Series((day - age + 2) * 20 + generator.integers(0, 20, clean.height))
    )


def known_by_hand(clean, window):
    """Return the fraction of the new pairs of users with history whose item was there before the cut-off, by plain loops."""
    cut_off = clean["timestamp"].max() - window
    before, users, items, after = set(), set(), set(), set()
    for user, item, time in clean.select("user_id", "item_id", "timestamp").iter_rows():
        if time < cut_off:
            before.add((user, item))
            users.add(user)
            items.add(item)
        else:
            after.add((user, item))
    pairs = [(user, item) for user, item in after - before if user in users]
    return sum(item in items for _, item in pairs) / len(pairs)


def test_a_window_of_unknown_items_is_left_out(tmp_path):
    """In 14 days of a news site, nearly all items are new. The evaluation would only measure this."""
    clean = news(1200, 75)
    found = chosen(tmp_path, clean)
    assert counted_by_hand(clean, timedelta(days=14)) > found.test_users >= 30
    assert known_by_hand(clean, timedelta(days=14)) < KNOWN_PAIRS <= known_by_hand(clean, found.split.test)
    assert found.test_users == counted_by_hand(clean, found.split.test)


def test_windows_of_unknown_items_are_possible_if_the_others_have_too_few_test_users(tmp_path):
    clean = news(60, 75)
    found = chosen(tmp_path, clean)
    assert known_by_hand(clean, found.split.test) < KNOWN_PAIRS
    assert found.split.test == timedelta(days=14)
    for days in (1, 2):
        assert counted_by_hand(clean, timedelta(days=days)) < 30


def test_every_shorter_window_has_too_few_users(tmp_path):
    clean = busy(2_100, 10)
    found = chosen(tmp_path, clean)
    assert found.test_users >= ENOUGH_USERS
    for hours in (1, 2, 3, 6, 12, 24):
        assert timedelta(hours=hours) < found.split.test
        assert counted_by_hand(clean, timedelta(hours=hours)) < ENOUGH_USERS


def test_windows_are_whole_days_from_two_weeks_of_events(tmp_path):
    for days in (15, 40):
        found = chosen(tmp_path, busy(20_000, days))
        assert found.split.test % timedelta(days=1) == timedelta()


def test_test_users_are_counted_as_in_the_report(tmp_path):
    """Minimum counts, returned items and seen items remove test users."""
    clean = two_tastes(users=300, days=40)
    returned = clean.sample(fraction=0.1, seed=1).with_columns(
        weight=pl.lit(-1.0), timestamp=pl.col("timestamp") + timedelta(hours=5)
    )
    clean = pl.concat([clean, returned.filter(pl.col("timestamp") <= clean["timestamp"].max())])
    for number, section in enumerate(({}, {"exclude_seen": False})):
        signal = {"min_user_interactions": 6, "min_item_interactions": 9}
        context = context_for(tmp_path / str(number), AUTO | section, events=signal)
        report = evaluate(publish_events(context, clean))
        assert report.split_choice.test_users == report.counts["users_evaluated"]


def test_the_choice_is_logged_and_stored_and_gives_the_metrics_of_the_explicit_split(tmp_path, caplog):
    caplog.set_level(NOTICE, logger="als_cli")
    report = evaluate(auto(tmp_path / "auto"))
    assert report.split == {"by": "time", "test": "5d"}
    users = report.counts["users_evaluated"]
    logged = [one for one in caplog.records if "evaluate.split" in one.getMessage()]
    assert [one.levelno for one in logged] == [NOTICE]
    assert f"test: 5d, with {users} test users" in logged[0].getMessage()
    folder = Path(report.evaluation)
    document = json.loads((folder / "metrics.json").read_text())
    assert document["split"] == {"by": "time", "test": "5d"}
    assert document["split_choice"]["test_users"] == users
    metrics = read_manifest(folder, "evaluation").metrics
    assert metrics["split"] == document["split"]
    assert metrics["split_choice"] == document["split_choice"]
    given = evaluate(auto(tmp_path / "given", split={"by": "time", "test": "5d"}))
    assert given.split_choice is None
    assert [one.metrics for one in given.methods] == [one.metrics for one in report.methods]
    assert given.cut_off == report.cut_off


def test_the_key_of_an_evaluation_by_auto_does_not_change(tmp_path):
    context = auto(tmp_path)
    folder = Path(evaluate(context).evaluation)
    assert read_manifest(folder, "evaluation").key == evaluate_key(context)


@pytest.mark.parametrize(
    ("without_timestamp", "why"), [(slice(None), "no timestamps"), (slice(3), "3 of 720 events")]
)
def test_the_split_is_random_if_an_event_has_no_timestamp(tmp_path, caplog, without_timestamp, why):
    caplog.set_level(NOTICE, logger="als_cli")
    clean = two_tastes()
    times = clean["timestamp"].to_list()
    times[without_timestamp] = [None] * len(times[without_timestamp])
    report = evaluate(
        auto(tmp_path, clean.with_columns(pl.Series("timestamp", times, clean["timestamp"].dtype)))
    )
    assert report.split == RandomSplit(by="random").model_dump(mode="json")
    assert report.cut_off is None
    assert why in caplog.text
    assert f"{report.counts['users_evaluated']} test users" in caplog.text


def test_the_split_is_random_if_no_window_has_a_test_user(tmp_path):
    """Each user has events on one day only, so a time split has no test user."""
    clean = clean_events(
        [(user, item, user / 4) for user in range(120) for item in range(user % 7, user % 7 + 4)]
    )
    assert chosen(tmp_path, clean).split == RandomSplit(by="random")


def test_events_of_less_than_five_hours_have_no_window(tmp_path):
    clean = clean_events([(user, item, user / 10_000) for user in range(60) for item in range(user % 7, 11)])
    assert chosen(tmp_path, clean).split == RandomSplit(by="random")


def test_fewer_than_thirty_test_users_are_a_warning(tmp_path, caplog):
    report = evaluate(auto(tmp_path, two_tastes(users=20)))
    assert report.counts["users_evaluated"] < 30
    [logged] = [one for one in caplog.records if "evaluate.split" in one.getMessage()]
    assert logged.levelno == logging.WARNING
    assert "fewer than 30" in logged.getMessage()


def test_an_explicit_window_with_few_users_is_kept_and_the_choice_of_auto_is_named(tmp_path, caplog):
    context = publish_events(context_for(tmp_path, {"split": {"by": "time", "test": "2h"}}), two_tastes())
    report = evaluate(context)
    assert report.split == {"by": "time", "test": "2h"}
    users = report.counts["users_evaluated"]
    assert users < 30
    [message] = [one.getMessage() for one in caplog.records if "evaluate.split" in one.getMessage()]
    assert f"evaluate.split.test: 2h has fewer than 30 test users ({users})" in message
    assert "{by: auto} would take test: 5d, with 43 test users" in message


def test_an_explicit_window_with_enough_users_gives_no_warning(tmp_path, caplog):
    evaluate(publish_events(context_for(tmp_path, {"split": {"by": "time", "test": "5d"}}), two_tastes()))
    assert "evaluate.split" not in caplog.text


def test_backtest_uses_the_window_of_auto(tmp_path):
    given = backtest(auto(tmp_path / "given", split={"by": "time", "test": "5d"}))
    found = backtest(auto(tmp_path / "auto"))
    assert found.test_seconds == 5 * 86_400
    assert [one.metrics for cut_off in found.cut_offs for one in cut_off.methods] == [
        one.metrics for cut_off in given.cut_offs for one in cut_off.methods
    ]


def test_backtest_needs_times(tmp_path):
    without_timestamp = two_tastes().with_columns(timestamp=pl.lit(None, pl.Datetime("us", "UTC")))
    with pytest.raises(
        ConfigError, match="als backtest needs test periods, but the events have no timestamps"
    ) as refused:
        backtest(auto(tmp_path / "none", without_timestamp))
    assert "events.columns.timestamp" in refused.value.hint
    alone = clean_events([(user, item, user / 4) for user in range(120) for item in range(4)])
    with pytest.raises(
        DataError, match="als backtest needs test periods, but no test window has a test user"
    ):
        backtest(auto(tmp_path / "alone", alone))


def test_folds_of_tune_are_as_long_as_the_window_of_auto(tmp_path):
    by_choice, by_hand = auto(tmp_path), context_for(tmp_path, {"split": {"by": "time", "test": "5d"}})
    folds = folds_of(by_choice)
    assert len(folds) == 3
    for fold, same in zip(folds, folds_of(by_hand), strict=True):
        assert fold.cut_off == same.cut_off
        assert (fold.training.matrix != same.training.matrix).nnz == 0
    newest = datetime.fromisoformat(evaluate(by_choice).cut_off)
    assert folds[0].cut_off == newest - timedelta(days=5)


def test_the_choice_does_not_depend_on_the_order_of_rows(tmp_path):
    clean = busy(2_000, 60)
    assert chosen(tmp_path, clean) == chosen(tmp_path, clean.sample(fraction=1, shuffle=True, seed=5))


def test_the_default_test_period_of_a_time_split_is_seven_days(tmp_path):
    assert TimeSplit().test == timedelta(days=7)
    assert context_for(tmp_path, {"split": {"by": "time"}}).config.evaluate.split.test == timedelta(days=7)
