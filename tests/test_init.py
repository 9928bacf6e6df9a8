"""`als init` on files in the shapes of known exports: the config runs as it is, and lists come out."""

import json
import os
import pty
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from als_cli.config.loading import load_config
from tests import event_shapes
from tests.in_process import als_here, done, failed

MAKERS = {
    "retail_rocket": event_shapes.retail_rocket,
    "amazon": event_shapes.amazon_reviews,
    "lastfm": event_shapes.lastfm_plays,
    "ga4": event_shapes.ga4_export,
    "ga4_json": lambda folder: event_shapes.ga4_export(folder, as_json=True),
    "shopify": event_shapes.shopify_orders,
    "hive_by_date": event_shapes.hive_folder,
    "hive_by_type": lambda folder: event_shapes.hive_folder(folder, by="event_type"),
}
COLUMNS = {
    "retail_rocket": {"user": "visitorid", "item": "itemid", "timestamp": "timestamp", "type": "event"},
    "amazon": {"user": "reviewerID", "item": "asin", "timestamp": "unixReviewTime", "value": "overall"},
    "lastfm": {"user": 1, "item": 2, "title": 3, "value": 4},
    "ga4": {"user": "user_id", "item": "item_id", "timestamp": "ts", "type": "event", "title": "title"},
    "ga4_json": {"user": "user_id", "item": "item_id", "timestamp": "ts", "type": "event", "title": "title"},
    "shopify": {
        "user": "Email",
        "item": "Lineitem sku",
        "timestamp": "Created at",
        "value": "Lineitem quantity",
        "title": "Lineitem name",
    },
    "hive_by_date": {"user": "customer_id", "item": "product_id", "timestamp": "date", "type": "event_type"},
    "hive_by_type": {
        "user": "customer_id",
        "item": "product_id",
        "timestamp": "occurred_at",
        "type": "event_type",
    },
}
TITLES = {"lastfm": 'The "', "ga4": "Mug number", "ga4_json": "Mug number", "shopify": "Candle, size"}
FORMATS = {"retail_rocket": "ms", "amazon": "s", "ga4": "us", "ga4_json": "us", "hive_by_date": "iso"}


@pytest.mark.parametrize("name", MAKERS)
def test_a_config_of_init_runs_without_an_edit(tmp_path, name):
    events, config = MAKERS[name](tmp_path), tmp_path / "als.yaml"
    report = done("init", events, "--yes", "--output", config)
    assert report["config"] == str(config)
    written = load_config(config, environment={}).events
    columns = written.columns.model_dump(exclude_none=True)
    assert columns == COLUMNS[name]
    assert written.timestamp_format == FORMATS.get(name, written.timestamp_format)
    checked = done("check", "-c", config)
    assert checked["ok"]
    assert sum(source["kept"] for source in checked["sources"]) > 0
    stages = {stage["stage"]: stage["report"] for stage in done("run", "-c", config)["stages"]}
    ndcg = {one["method"]: one["metrics"]["ndcg@10"] for one in stages["evaluate"]["methods"]}
    assert ndcg["als"] > 2 * ndcg["popular"] > 0
    lists = pl.read_parquet(stages["recommend"]["output"] + "/*.parquet")
    assert lists["user_id"].n_unique() == stages["ingest"]["users"]
    assert stages["ingest"]["rejected"] == {}
    shown = als_here("show", "user", lists["user_id"][0], "-c", config)
    assert shown.returncode == 0, shown.stderr
    assert TITLES.get(name, "") in shown.stdout
    page = done("report", "-c", config, "--output", tmp_path / "report.html")
    assert page["verdict"]
    assert {"quality", "lists", "users", "data"} <= set(page["sections"])


def test_an_existing_config_is_replaced_only_with_force(tmp_path):
    events, config = event_shapes.retail_rocket(tmp_path), tmp_path / "als.yaml"
    config.write_text("mine", encoding="utf-8")
    assert "already exists" in failed(2, "init", events, "--yes", "-o", config)["message"]
    assert config.read_text(encoding="utf-8") == "mine"
    done("init", events, "--yes", "-o", config, "--force")
    assert "visitorid" in config.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["als.yaml", "events.csv"]


@pytest.mark.parametrize("option", ["--output", "--log-file"])
def test_no_event_file_is_written_to(tmp_path, option):
    events = event_shapes.retail_rocket(tmp_path)
    before = events.read_bytes()
    (tmp_path / "link").symlink_to(events)
    for name in (events, tmp_path / "link"):
        error = failed(2, "init", events, "--yes", "--force", option, name)
        assert "event files" in error["message"] or "already exists" in error["message"]
        assert events.read_bytes() == before


def test_relative_paths_stay_relative_to_the_config(tmp_path, monkeypatch):
    event_shapes.retail_rocket(tmp_path)
    monkeypatch.chdir(tmp_path)
    done("init", "events.csv", "--yes", "-o", "jobs/shop.yaml")
    text = (tmp_path / "jobs" / "shop.yaml").read_text(encoding="utf-8")
    assert "source: ../events.csv" in text
    assert "workspace: work/shop" in text


def test_without_a_terminal_unsure_guesses_are_an_error_that_names_the_way_out(tmp_path):
    events, config = event_shapes.lastfm_plays(tmp_path), tmp_path / "als.yaml"
    refused = failed(2, "init", events, "-o", config)
    assert "--yes" in refused["hint"]
    assert any(line.startswith("events.columns.user: 1") for line in refused["problems"])
    assert not config.exists()
    sure = event_shapes.retail_rocket(tmp_path)
    assert done("init", sure, "-o", config)["config"] == str(config)


def headerless(folder):
    """Write events without a header: item, user, time."""
    events = pl.read_csv(event_shapes.retail_rocket(folder))
    path = folder / "plain.csv"
    events.select("itemid", "visitorid", "timestamp").write_csv(path, include_header=False)
    return path


def test_the_missing_schema_of_editors_is_named(tmp_path):
    events, config = event_shapes.retail_rocket(tmp_path), tmp_path / "als.yaml"
    ended = als_here("init", "events.csv", "--yes", "-v", cwd=tmp_path)
    assert ended.stderr.splitlines()[-1] == (
        "for completion in an editor: als schema --output als-config.schema.json"
    )
    als_here("schema", "--output", "als-config.schema.json", cwd=tmp_path)
    ended = als_here("init", events, "--yes", "--force", "--output", config, "-v")
    assert "next: als check" in ended.stderr
    assert "als schema" not in ended.stderr


def test_users_and_items_by_position_alone_are_unsure(tmp_path):
    events, config = headerless(tmp_path), tmp_path / "als.yaml"
    refused = failed(2, "init", events, "-o", config)
    assert "2 guesses are unsure" in refused["message"]
    assert [line.partition(";")[0] for line in refused["problems"]] == [
        "events.columns.user: 1",
        "events.columns.item: 2",
    ]
    ended = als_here("init", events, "--yes", "-o", config)
    assert ended.returncode == 0
    assert "warning: this guess is unsure: events.columns.user: 1; it is number 1" in ended.stderr
    assert load_config(config, environment={}).events.columns.user == 1
    ended = als_here("init", events, "-o", config, "--column", "user=2", "--force")
    assert (ended.returncode, "unsure" in ended.stderr) == (0, False)
    columns = load_config(config, environment={}).events.columns
    assert (columns.user, columns.item) == (2, 1)


def test_a_terminal_asks_for_columns_of_text_without_a_header(tmp_path):
    events, config = headerless(tmp_path), tmp_path / "als.yaml"
    assert "Which column has the items?" in at_terminal(["init", events, "-o", config], "2\n1\n\ny\n")
    columns = load_config(config, environment={}).events.columns
    assert (columns.user, columns.item) == (2, 1)


def test_named_columns_are_taken_and_unknown_ones_refused(tmp_path):
    events, config = event_shapes.lastfm_plays(tmp_path), tmp_path / "als.yaml"
    done(
        "init",
        events,
        "--column",
        "user=2",
        "--column",
        "item=1",
        "--column",
        "value=",
        "-o",
        config,
        "--yes",
    )
    columns = load_config(config, environment={}).events.columns
    assert (columns.user, columns.item, columns.value) == (2, 1, None)
    assert (
        "no column '9'"
        in failed(2, "init", events, "--column", "user=9", "--yes", "--force", "-o", config)["message"]
    )
    assert "ROLE=NAME" in failed(2, "init", events, "--column", "users=1", "--yes", "--force")["message"]


@pytest.mark.parametrize(
    ("answers", "columns"),
    [
        ("\n\n\n\ny\n", {"user": 1, "item": 2, "value": 4, "title": 3}),
        ("2\n9\n1\n-\ny\n", {"user": 2, "item": 1}),
    ],
)
def test_at_a_terminal_unsure_guesses_are_asked(tmp_path, answers, columns):
    events, config = event_shapes.lastfm_plays(tmp_path), tmp_path / "als.yaml"
    screen = at_terminal(["init", events, "-o", config], answers)
    assert "Which column has the users?" in screen
    found = load_config(config, environment={}).events.columns.model_dump(exclude_none=True)
    assert {role: found.get(role) for role in columns} == columns


def test_an_unclear_order_of_day_and_month_is_asked(tmp_path):
    numbers = np.random.default_rng(1).integers(1, 13, (300, 2))
    days = [f"{first:02d}/{second:02d}/2024" for first, second in numbers]
    events = tmp_path / "events.csv"
    pl.DataFrame(
        {"user_id": [n % 40 for n in range(300)], "item_id": [n * 7 % 31 for n in range(300)], "date": days}
    ).write_csv(events)
    screen = at_terminal(["init", events, "-o", tmp_path / "als.yaml"], "%m/%d/%Y\ny\n")
    assert "How are the times written?" in screen
    assert load_config(tmp_path / "als.yaml", environment={}).events.timestamp_format == "%m/%d/%Y"
    assert "unsure" in failed(2, "init", events, "--force", "-o", tmp_path / "als.yaml")["message"]


def test_a_refusal_at_a_terminal_writes_nothing(tmp_path):
    events, config = event_shapes.retail_rocket(tmp_path), tmp_path / "als.yaml"
    screen = at_terminal(["init", events, "-o", config], "n\n", code=2)
    assert "nothing was written" in screen
    assert not config.exists()


def at_terminal(arguments, answers, code=0):
    """Return what `als` prints at a terminal of 80 columns that types `answers`."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "als_cli", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        os.write(ours, answers.encode())
        screen = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # Linux reports the end of a terminal as an error
                break
            if not piece:
                break
            screen += piece
        os.close(ours)
        assert process.wait(60) == code, screen.decode()
    return screen.decode()


def test_the_table_of_guesses_fits_into_80_columns(tmp_path):
    events = event_shapes.shopify_orders(tmp_path)
    shown = als_here("init", events, "--yes", "-v", "-o", tmp_path / "als.yaml")
    assert shown.returncode == 0
    lines = shown.stderr.splitlines()
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80
    for word in ("user", "Email", "Lineitem sku", "sure", "als check"):
        assert word in shown.stderr


def test_the_report_has_confidences_and_reasons(tmp_path):
    events = event_shapes.shopify_orders(tmp_path)
    report = done("init", events, "--yes", "-o", tmp_path / "als.yaml")
    assert json.dumps(report)
    guesses = {guess["key"]: guess for guess in report["guesses"]}
    assert guesses["events.columns.user"]["value"] == "Email"
    for guess in guesses.values():
        assert 0 < guess["confidence"] <= 1
        assert guess["sureness"] in ("sure", "likely", "unsure")
        assert guess["reasons"]
    assert "refunded" in guesses["events.where"]["value"]
