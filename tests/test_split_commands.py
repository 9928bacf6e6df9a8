"""Splits as their users meet them: no time, a default, few test users; real processes, real exit codes."""

import json

import polars as pl
import pytest

from tests.shop import CONFIG, als, write_shop

WITHOUT_SPLIT = CONFIG.replace("  split: {by: time, test: 5d}\n", "")
TIMELESS = WITHOUT_SPLIT.replace("timestamp: ts, ", "")
GATE = "evaluate.gate={metric: ndcg@10, at_least: popular}"


@pytest.mark.parametrize(("config", "by"), [(TIMELESS, "random"), (WITHOUT_SPLIT, "time")])
def test_run_needs_no_split_in_the_config(tmp_path, config, by):
    shop = write_shop(tmp_path, config)
    ended = als("run", "-c", shop, "--json")
    assert ended.returncode == 0, ended.stderr
    stages = {one["stage"]: one for one in json.loads(ended.stdout)["stages"]}
    evaluation = stages["evaluate"]["report"]
    assert evaluation["split"]["by"] == by
    assert evaluation["split_choice"]["test_users"] == evaluation["counts"]["users_evaluated"]
    assert (tmp_path / "lists/current/manifest.json").exists()
    again = als("run", "-c", shop, "--json")
    assert {one["status"] for one in json.loads(again.stdout)["stages"]} == {"up_to_date"}


def test_the_choice_is_in_the_log_and_cron_stays_silent(tmp_path):
    shop = write_shop(tmp_path, WITHOUT_SPLIT)
    als("ingest", "-c", shop)
    ended = als("evaluate", "-c", shop, "--log-file", tmp_path / "als.log")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "test: 5d, with 89 test users" in (tmp_path / "als.log").read_text()


def few_users(folder):
    """A shop of which 12 users are left, and a gate that the model would pass."""
    shop = write_shop(folder)
    events = folder / "events.csv"
    pl.read_csv(events).filter(pl.col("user_id") < "u012").write_csv(events)
    return shop


def test_a_gate_on_a_handful_of_users_is_refused_and_stays_refused(tmp_path):
    shop = few_users(tmp_path)
    for _ in range(2):  # the second time the evaluation is up to date
        ended = als("run", "-c", shop, "--set", GATE.replace("popular", "0"))
        assert ended.returncode == 5, ended.stderr
        assert "test users is 8, a gate needs at least 30" in ended.stderr
        assert "hint: " in ended.stderr
        assert "evaluate.split" in ended.stderr.partition("hint: ")[2]
    assert not (tmp_path / "lists").exists()


def test_a_gate_on_a_small_sample_of_users_is_refused(tmp_path):
    shop = write_shop(tmp_path)
    als("ingest", "-c", shop)
    ended = als("evaluate", "-c", shop, "--set", GATE, "--set", "evaluate.users=29")
    assert ended.returncode == 5
    assert "the number of test users is 29, a gate needs at least 30" in ended.stderr
    assert "evaluate.users" in ended.stderr
    assert als("evaluate", "-c", shop, "--set", GATE, "--set", "evaluate.users=30").returncode == 0


def test_a_test_window_can_be_set_without_naming_the_kind_of_split(tmp_path):
    shop = write_shop(tmp_path, WITHOUT_SPLIT)
    als("ingest", "-c", shop)
    ended = als("evaluate", "-c", shop, "--json", "--set", "evaluate.split.test=3d")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["split"] == {"by": "time", "test": "3d"}


def test_backtest_of_timeless_events_says_that_it_needs_times(tmp_path):
    shop = write_shop(tmp_path, TIMELESS)
    als("ingest", "-c", shop)
    ended = als("backtest", "-c", shop)
    assert ended.returncode == 2
    assert "als backtest needs test periods, but the events have no time" in ended.stderr
    assert "events.columns.timestamp" in ended.stderr
