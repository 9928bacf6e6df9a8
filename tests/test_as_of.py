"""`--as-of TIME`: a day can be run again, as if later events did not exist. The commands run in this process."""

import functools
import json
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from als_cli.storage.manifest import read_manifest
from tests.in_process import done, failed
from tests.shop import write_shop

AS_OF = datetime(2026, 1, 21, 4, tzinfo=UTC)
AFTER = datetime(2026, 1, 26, tzinfo=UTC)
COMMANDS = ("train", "evaluate", "backtest", "recommend", "tune --no-ingest")


def shop_in(folder, last=None, **events):
    """Return the config of the shop in a new `folder`, with `events` in section `events`.

    With `last`, the file does not have the events after it.
    """
    folder.mkdir()
    path = write_shop(folder)
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["events"] |= events
    config["evaluate"]["backtest"] = {"cut_offs": 2}
    config["tune"] = {"folds": 1, "trials": 1}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    if last is not None:
        rows = pl.read_csv(folder / "events.csv")
        rows.filter(pl.col("ts") <= last.timestamp()).write_csv(folder / "events.csv")
    return path


def lists(config):
    """Return the bytes of all published lists, and of their shortfall."""
    files = sorted((config.parent / "lists").glob("*.parquet"))
    assert files
    return [file.read_bytes() for file in files]


def metrics(config):
    document = json.loads((config.parent / "work/evaluations/metrics.json").read_text())
    return {name: value for name, value in document.items() if name != "seconds"}


@pytest.fixture
def shop(tmp_path):
    return shop_in(tmp_path / "shop")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a function that returns the folder of a shop after one `als run` with the given options."""

    @functools.cache
    def ran(*options):
        folder = tmp_path_factory.mktemp("finished") / "shop"
        done("run", "-c", shop_in(folder), *options)
        return folder

    return ran


def test_a_day_run_again_gives_the_lists_of_that_day(tmp_path):
    """Without a half-life, the nightly run of that day needs no `--as-of`."""
    then, again = shop_in(tmp_path / "then", last=AS_OF), shop_in(tmp_path / "again")
    done("run", "-c", then)
    done("run", "-c", again)
    newest = lists(again)

    report = done("run", "-c", again, "--as-of", AS_OF.isoformat())

    assert [stage["status"] for stage in report["stages"]] == ["done"] * 4
    assert lists(again) == lists(then) != newest
    assert metrics(again) == metrics(then)
    ingest = report["stages"][0]["report"]
    assert ingest["as_of"] == "2026-01-21T04:00:00Z"
    assert ingest["later_events"] + ingest["events"] == ingest["rows"] == 3000
    assert ingest["rejected"] == {}


def test_a_run_with_half_life_is_repeated_with_the_same_instant(tmp_path):
    keys = {"half_life": "6d"}
    then = shop_in(tmp_path / "then", last=AS_OF, **keys)
    again = shop_in(tmp_path / "again", **keys)
    for config in (then, again):
        done("run", "-c", config, "--as-of", AS_OF.isoformat())
    assert lists(again) == lists(then)
    assert metrics(again) == metrics(then)


def test_settings_that_may_know_later_events_are_selected_again(tmp_path):
    then, again = shop_in(tmp_path / "then", last=AFTER), shop_in(tmp_path / "again")
    auto = ["--set", "train.factors=auto", "--set", "train.iterations=auto"]
    done("ingest", "-c", again)
    done("train", "-c", again, *auto)
    for config in (then, again):
        done("ingest", "-c", config, "--as-of", AFTER.isoformat())
        done("train", "-c", config, *auto, "--as-of", AFTER.isoformat())
    chosen, models = (
        [read_manifest(config.parent / "work" / place, kind) for config in (then, again)]
        for place, kind in (("choice", "choice"), ("models", "model"))
    )
    assert [manifest.as_of for manifest in chosen] == [AFTER] * 2
    assert chosen[0].content == chosen[1].content
    assert models[0].content == models[1].content


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(
    hours=st.integers(12 * 24, 31 * 24),
    half_life=st.sampled_from([None, "12h", "10d"]),
    duplicates=st.sampled_from(["sum", "last"]),
    split=st.sampled_from([{"by": "time", "test": "3d"}, {"by": "last"}, {"by": "random"}, {"by": "users"}]),
    active=st.sampled_from(["2d", "2026-01-05"]),
)
def test_the_lists_do_not_depend_on_later_events(hours, half_life, duplicates, split, active):
    as_of = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    options = [
        *("--as-of", as_of.isoformat()),
        *("--set", f"evaluate.split={json.dumps(split)}"),
        *("--set", f"recommend.users={{active_since: {active}}}"),
        *("--set", "evaluate.baselines=[popular, recent_popular]"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        keys = {"half_life": half_life, "duplicates": duplicates}
        full, short = shop_in(Path(folder) / "full", **keys), shop_in(Path(folder) / "short", as_of, **keys)
        for config in (full, short):
            done("run", "-c", config, *options)
        assert lists(full) == lists(short)
        assert metrics(full) == metrics(short)


def test_the_published_lists_name_the_instant_and_a_second_run_has_nothing_to_do(shop):
    as_of = AS_OF.isoformat()
    done("run", "-c", shop, "--as-of", as_of)
    manifest = read_manifest((shop.parent / "lists").resolve().parent, "recommendations")
    assert manifest.as_of == AS_OF
    assert manifest.config["events"]["as_of"] == "2026-01-21T04:00:00Z"

    again = done("run", "-c", shop, "--as-of", "2026-01-21T05:00:00+01:00")

    assert {stage["status"] for stage in again["stages"]} == {"up_to_date"}


def test_lists_name_their_own_instant_even_if_no_event_lies_in_between(shop):
    late = datetime(2026, 2, 10, tzinfo=UTC)
    done("run", "-c", shop, "--as-of", late.isoformat())
    report = done("run", "-c", shop, "--as-of", (late - timedelta(days=1)).isoformat())

    # The model knows exactly the events of this dataset, so it is not trained again.
    assert [stage["status"] for stage in report["stages"]] == ["done", "done", "up_to_date", "done"]
    assert read_manifest(
        (shop.parent / "lists").resolve().parent, "recommendations"
    ).as_of == late - timedelta(days=1)


def test_a_future_instant_means_all_events(shop):
    done("run", "-c", shop)
    all_events = lists(shop)
    report = done("run", "-c", shop, "--as-of", "2099-12-31")
    assert report["stages"][0]["report"]["later_events"] == 0
    assert lists(shop) == all_events


def test_a_run_without_the_option_takes_all_events_again(shop):
    done("run", "-c", shop, "--as-of", AS_OF.isoformat())
    report = done("run", "-c", shop)
    assert [stage["status"] for stage in report["stages"]] == ["done"] * 4
    assert report["stages"][0]["report"]["events"] == 3000


def test_commands_run_for_the_instant_of_the_dataset(shop):
    as_of = ["--as-of", AS_OF.isoformat()]
    done("ingest", "-c", shop, *as_of)
    for command in COMMANDS:
        done(*command.split(), "-c", shop, *as_of)
    assert read_manifest(shop.parent / "work/models", "model").as_of == AS_OF
    assert read_manifest(shop.parent / "work/backtests", "backtest").as_of == AS_OF


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("ingested", "wanted", "hint"),
    [
        ([], ["--as-of", "2026-01-21"], "run `als ingest --as-of 2026-01-21T00:00:00Z` first"),
        (
            ["--as-of", "2026-01-20"],
            ["--as-of", "2026-01-21"],
            "run `als ingest --as-of 2026-01-21T00:00:00Z`",
        ),
        (["--as-of", "2026-01-20"], [], "run `als ingest` first"),
    ],
)
def test_a_dataset_of_another_instant_is_refused(finished, tmp_path, command, ingested, wanted, hint):
    shop = shutil.copytree(finished(*ingested), tmp_path / "shop", symlinks=True) / "shop.yaml"
    before = lists(shop)

    error = failed(4, *command.split(), "-c", shop, *wanted)

    assert "the dataset in" in error["message"]
    for instants in (ingested, wanted):
        described = f"with events.as_of {instants[1]}" if instants else "without events.as_of"
        assert described in error["message"]
    assert error["hint"].startswith(hint)
    assert lists(shop) == before


def test_tune_ingests_for_the_instant(shop):
    done("ingest", "-c", shop)
    report = done("tune", "-c", shop, "--as-of", AS_OF.isoformat())
    assert report["ingest"]["status"] == "done"
    assert report["ingest"]["report"]["as_of"] == "2026-01-21T04:00:00Z"
    written = Path(report["config"]).read_text(encoding="utf-8")
    assert "Remove events.as_of" in written
    assert yaml.safe_load(written)["events"]["as_of"] == "2026-01-21T04:00:00Z"


def test_a_model_of_later_events_is_refused(shop):
    for instant in ([], ["--as-of", AFTER.isoformat()]):
        done("run", "-c", shop, *instant)
        done("ingest", "-c", shop, "--as-of", AS_OF.isoformat())
        error = failed(4, "recommend", "-c", shop, "--as-of", AS_OF.isoformat())
        assert "may know events after 2026-01-21T04:00:00Z" in error["message"]
        assert error["hint"] == "run `als train --as-of 2026-01-21T04:00:00Z` first"
        assert "may know events after" in failed(4, "show", "user", "u001", "-c", shop)["message"]


def test_an_older_model_serves_newer_events(shop):
    done("run", "-c", shop, "--as-of", AS_OF.isoformat())
    done("ingest", "-c", shop, "--as-of", AFTER.isoformat())
    done("recommend", "-c", shop, "--as-of", AFTER.isoformat())
    assert read_manifest((shop.parent / "lists").resolve().parent, "recommendations").as_of == AFTER
    assert done("show", "user", "u001", "-c", shop)["recommended"]


def test_active_since_counts_from_the_instant(shop):
    done("run", "-c", shop, "--as-of", "2026-02-01")
    hours = ["--set", "recommend.users={active_since: 30h}"]
    newest = pl.read_csv(shop.parent / "events.csv").group_by("user_id").agg(pl.col("ts").max())
    start = datetime(2026, 1, 30, 18, tzinfo=UTC).timestamp()
    active = newest.filter(pl.col("ts") >= start).height

    assert 0 < active < 120
    assert done("recommend", "-c", shop, "--as-of", "2026-02-01", *hours)["users"] == active
    assert failed(3, "recommend", "-c", shop, "--as-of", "2026-02-01", "--set",
                  "recommend.users={active_since: 1h}")["message"].startswith("no user was active since")  # fmt: skip


@pytest.mark.parametrize("command", ["ingest", "run", *COMMANDS])
@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "1769000000", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_cannot_be_read_is_a_usage_error(shop, command, text):
    error = failed(2, *command.split(), "-c", shop, "--as-of", text)
    assert "events.as_of (the command line): " in error["message"]
    assert not (shop.parent / "work" / "dataset").exists()


def test_no_event_is_old_enough(shop):
    done("run", "-c", shop)
    before = lists(shop)
    error = failed(3, "run", "-c", shop, "--as-of", "2025-06-01T12:00:00+02:00")
    assert error["message"] == "no event is at or before events.as_of 2025-06-01 10:00:00 UTC"
    assert error["hint"].startswith("the time of the oldest event is 2026-01-01 00:")
    assert "--as-of" in error["hint"]
    assert lists(shop) == before


def test_events_without_times_have_no_instant(shop):
    error = failed(2, "ingest", "-c", shop, "--as-of", "2026-01-20", "--set", "events.columns.timestamp=")
    assert error["message"] == "events.as_of needs the times of the events"
    assert "events.columns.timestamp" in error["hint"]


def test_the_option_is_stronger_than_the_config(tmp_path):
    config = shop_in(tmp_path / "shop", as_of="2026-01-15")
    assert done("ingest", "-c", config)["as_of"] == "2026-01-15T00:00:00Z"
    assert done("ingest", "-c", config, "--as-of", "2026-01-20")["as_of"] == "2026-01-20T00:00:00Z"
    assert done("ingest", "-c", config, "--set", "events.as_of=null")["as_of"] is None
