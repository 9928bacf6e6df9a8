"""Splits in real commands: events without timestamps, the default split, and too few test users."""

import json

import polars as pl
import pytest

from tests.in_process import als_here
from tests.shop import CONFIG, write_shop

WITHOUT_SPLIT = CONFIG.replace("  split: {by: time, test: 5d}\n", "")
WITHOUT_TIMESTAMPS = WITHOUT_SPLIT.replace("timestamp: ts, ", "")
GATE = "evaluate.gate={metric: ndcg@10, at_least: popular}"


@pytest.mark.parametrize(("config", "by"), [(WITHOUT_TIMESTAMPS, "random"), (WITHOUT_SPLIT, "time")])
def test_run_needs_no_split_in_the_config(tmp_path, config, by):
    shop = write_shop(tmp_path, config)
    ended = als_here("run", "-c", shop, "--json")
    assert ended.returncode == 0, ended.stderr
    stages = {stage["stage"]: stage for stage in json.loads(ended.stdout)["stages"]}
    evaluation = stages["evaluate"]["report"]
    assert evaluation["split"]["by"] == by
    assert evaluation["split_choice"]["test_users"] == evaluation["counts"]["users_evaluated"]
    assert (tmp_path / "lists.manifest.json").exists()
    again = als_here("run", "-c", shop, "--json")
    assert {stage["status"] for stage in json.loads(again.stdout)["stages"]} == {"up_to_date"}


def test_the_selected_split_is_logged_but_not_printed_in_cron(tmp_path):
    shop = write_shop(tmp_path, WITHOUT_SPLIT)
    als_here("ingest", "-c", shop)
    ended = als_here("evaluate", "-c", shop, "--log-file", tmp_path / "als.log")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "test: 5d, with 89 test users" in (tmp_path / "als.log").read_text()


def few_users(folder):
    """Write a shop with only 12 users, and return its config."""
    shop = write_shop(folder)
    events = folder / "events.csv"
    pl.read_csv(events).filter(pl.col("user_id") < "u012").write_csv(events)
    return shop


def test_a_gate_on_few_test_users_fails_in_every_run(tmp_path):
    shop = few_users(tmp_path)
    for _ in range(2):  # in the second run, the evaluation is up to date
        ended = als_here("run", "-c", shop, "--set", GATE.replace("popular", "0"))
        assert ended.returncode == 5, ended.stderr
        assert "test users is 8, a gate needs at least 30" in ended.stderr
        assert "hint: " in ended.stderr
        assert "evaluate.split" in ended.stderr.partition("hint: ")[2]
    assert not (tmp_path / "lists").exists()


def test_a_gate_on_a_small_sample_of_users_fails(tmp_path):
    shop = write_shop(tmp_path)
    als_here("ingest", "-c", shop)
    ended = als_here("evaluate", "-c", shop, "--set", GATE, "--set", "evaluate.users=29")
    assert ended.returncode == 5
    assert "the number of test users is 29, a gate needs at least 30" in ended.stderr
    assert "evaluate.users" in ended.stderr
    assert als_here("evaluate", "-c", shop, "--set", GATE, "--set", "evaluate.users=30").returncode == 0


def test_a_test_window_needs_no_kind_of_split(tmp_path):
    shop = write_shop(tmp_path, WITHOUT_SPLIT)
    als_here("ingest", "-c", shop)
    ended = als_here("evaluate", "-c", shop, "--json", "--set", "evaluate.split.test=3d")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["split"] == {"by": "time", "test": "3d"}


def test_backtest_of_events_without_time_is_an_error(tmp_path):
    shop = write_shop(tmp_path, WITHOUT_TIMESTAMPS)
    als_here("ingest", "-c", shop)
    ended = als_here("backtest", "-c", shop)
    assert ended.returncode == 2
    assert "als backtest needs test periods, but the events have no timestamps" in ended.stderr
    assert "events.columns.timestamp" in ended.stderr
