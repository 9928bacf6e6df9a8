"""`recommend.seen_again_after` with event types: from the files of the events to the lists."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tests.in_process import als_here, done, failed
from tests.shop import CONFIG, write_shop

AGAIN = "recommend.seen_again_after={purchase: 12d, view: 3d}"
DAYS = {"purchase": 12, "view": 3}
ALL_ITEMS = ("--set", "recommend.top_n=39")
NO_TYPES = """
workspace: work
events: {source: events.csv, columns: {user: user_id, item: item_id, timestamp: ts}}
train: {factors: 2, iterations: 2}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    config = write_shop(tmp_path_factory.mktemp("shop"), CONFIG)
    done("ingest", "-c", config)
    done("train", "-c", config)
    return config


def hidden_pairs(events, now, days):
    """Return the pairs of `events` that the rule leaves out at `now`, from the raw rows."""
    hidden, counted = set(events.select("user_id", "item_id").rows()), {}
    for user, item, seconds, name in events.select("user_id", "item_id", "ts", "event").iter_rows():
        if name in days:
            age = now - datetime.fromtimestamp(seconds, UTC)
            counted.setdefault((user, item), []).append(age >= timedelta(days=days[name]))
    return {pair for pair in hidden if not all(counted.get(pair, [False]))}


def listed(shop):
    return set(pl.read_parquet(shop.parent / "lists" / "*.parquet").select("user_id", "item_id").rows())


@pytest.mark.parametrize("days", [{"purchase": 12}, DAYS, {"purchase": 1, "view": 1}])
def test_lists_have_all_items_that_the_rule_does_not_leave_out(shop, days):
    rule = ", ".join(f"{name}: {count}d" for name, count in days.items())
    done("recommend", "-c", shop, *ALL_ITEMS, "--set", f"recommend.seen_again_after={{{rule}}}")
    events = pl.read_csv(shop.parent / "events.csv")
    now = datetime.fromtimestamp(events["ts"].max(), UTC)
    candidates = [f"i{n:02d}" for n in range(40) if n != 7]
    everything = {(user, item) for user in events["user_id"].unique() for item in candidates}
    hidden = hidden_pairs(events, now, days)
    assert 0 < len(hidden & everything) < events.select("user_id", "item_id").n_unique()
    assert listed(shop) == everything - hidden


def test_the_audience_of_an_item_keeps_to_the_rule(shop, tmp_path):
    (tmp_path / "campaign.csv").write_text("item_id\ni03\n", encoding="utf-8")
    done(
        "audience", "-c", shop, "--items", tmp_path / "campaign.csv", "-o", tmp_path / "users.csv",
        "-n", 200, "--set", AGAIN,
    )  # fmt: skip
    events = pl.read_csv(shop.parent / "events.csv")
    hidden = hidden_pairs(events, datetime.fromtimestamp(events["ts"].max(), UTC), DAYS)
    users = set(events["user_id"]) - {user for user, item in hidden if item == "i03"}
    assert set(pl.read_csv(tmp_path / "users.csv")["user_id"]) == users


def test_show_user_keeps_to_the_rule(shop):
    events = pl.read_csv(shop.parent / "events.csv").filter(user_id="u004")
    newest = pl.read_csv(shop.parent / "events.csv")["ts"].max()
    hidden = {item for _, item in hidden_pairs(events, datetime.fromtimestamp(newest, UTC), DAYS)}
    report = done("show", "user", "u004", "-c", shop, *ALL_ITEMS, "--set", AGAIN)
    recommended = {one["item_id"] for one in report["recommended"]}
    assert recommended == {f"i{n:02d}" for n in range(40) if n != 7} - hidden
    assert recommended & set(events["item_id"])


def test_as_of_moves_the_instant_of_the_rule(tmp_path):
    shop = write_shop(tmp_path)
    cut = ("--as-of", "2026-01-20")
    for command in ("ingest", "train"):
        done(command, "-c", shop, *cut)
    done("recommend", "-c", shop, *cut, *ALL_ITEMS, "--set", AGAIN)
    now = datetime(2026, 1, 20, tzinfo=UTC)
    events = pl.read_csv(shop.parent / "events.csv").filter(pl.col("ts") <= now.timestamp())
    hidden = hidden_pairs(events, now, DAYS)
    assert hidden
    assert listed(shop).isdisjoint(hidden)
    assert listed(shop) & set(events.select("user_id", "item_id").rows())


def test_the_lists_are_made_again_when_the_rule_changes(shop):
    def status_with(rule):
        report = done("run", "-c", shop, "--set", f"recommend.seen_again_after={rule}")
        return {stage["stage"]: stage["status"] for stage in report["stages"]}["recommend"]

    status_with("{purchase: 12d}")
    assert status_with("{purchase: 12d}") == "up_to_date"
    assert status_with("{purchase: 13d}") == "done"
    assert status_with("13d") == "done"


@pytest.mark.parametrize(
    "command",
    [("recommend",), ("run",), ("show", "user", "u004"), ("evaluate", "--set", "evaluate.rules=true")],
)
def test_types_that_the_events_do_not_list(shop, command):
    error = failed(2, *command, "-c", shop, "--set", "recommend.seen_again_after={purchase: 9d, refund: 9d}")
    assert error["message"] == "recommend.seen_again_after: events.types does not list 'refund'"
    assert error["hint"] == "event types of events.types: view, purchase"


def test_events_without_a_column_of_types(tmp_path):
    shop = write_shop(tmp_path, NO_TYPES)
    error = failed(2, "run", "-c", shop, "--set", AGAIN)
    assert (
        error["message"]
        == "recommend.seen_again_after names event types, but no source maps a column of types"
    )
    assert error["hint"].startswith("set events.columns.type")


def test_one_source_with_types_is_enough(tmp_path):
    shop = write_shop(tmp_path, NO_TYPES)
    columns = "{user: user_id, item: item_id, timestamp: ts, type: event}"
    source = f"events.source=[{{path: {tmp_path / 'events.csv'}, columns: {columns}}}]"
    ended = als_here(
        "run", "-c", shop, "--set", source, "--set", AGAIN, "--set", f"recommend.output.path={tmp_path / 'l'}"
    )
    assert ended.returncode == 0, ended.stderr


def test_a_dataset_that_was_made_without_types(tmp_path):
    shop = write_shop(tmp_path, NO_TYPES)
    for command in ("ingest", "train"):
        done(command, "-c", shop)
    error = failed(4, "recommend", "-c", shop, "--set", "events.columns.type=event", "--set", AGAIN)
    assert error["message"].endswith("but the dataset does not have the types of its events")
    assert error["hint"] == "set events.columns.type and run `als ingest`"


def test_the_rule_needs_exclude_seen(shop):
    error = failed(2, "recommend", "-c", shop, "--set", AGAIN, "--set", "recommend.exclude_seen=false")
    assert error["message"] == "recommend.seen_again_after needs exclude_seen: true"
