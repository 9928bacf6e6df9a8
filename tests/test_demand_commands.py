"""Commands with a demand rule: lists, manifest, `als show`, and artifacts that do not fit."""

import json
import shutil

import polars as pl
import pytest

from tests.in_process import als_here
from tests.shop import CONFIG, write_shop

DEMAND = "{half_life: 3d, exponent: 1, long_run_half_life: 20d, long_run_exponent: 0.5, offset: 0.2}"
TRAIN = f"train: {{factors: 8, iterations: 5, fold_in: {{half_life: 5d}}, demand: {DEMAND}}}"
AS_OF = "events.as_of"
"""Key of the instant that the lists are made for."""


@pytest.fixture(scope="module")
def finished_shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demand")
    # The events of the shop are random in time, so this rule is worse than item_knn, and the run would warn of it.
    popular = CONFIG.replace("  at: [5, 10]\n", "  at: [5, 10]\n  baselines: [popular]\n")
    config = write_shop(folder, popular.replace("train: {factors: 8, iterations: 5}", TRAIN))
    ended = als_here("run", "-c", config)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    return folder


@pytest.fixture
def shop(finished_shop, tmp_path):
    shutil.copytree(finished_shop, tmp_path / "shop", symlinks=True)
    return tmp_path / "shop"


def manifest(shop):
    return json.loads((shop / "lists.manifest.json").read_text(encoding="utf-8"))


def first_items(shop):
    lists = pl.read_parquet(shop / "lists/part-*.parquet")
    return lists.filter(pl.col("rank") == 1)["item_id"]


def test_daily_lists_of_a_weekly_model_follow_the_newest_events(shop):
    before = manifest(shop)
    model = (shop / "work/models").resolve()
    assert first_items(shop).value_counts().sort("count")["item_id"][-1] != "i05"
    # The next day, all users view item 5. It is their only event of the day.
    second = pl.read_csv(shop / "events.csv")["ts"].max() + 86_400
    with (shop / "events.csv").open("a", encoding="utf-8") as stream:
        stream.writelines(f"new{n},i05,{second},view\n" for n in range(500))
    for command in ("ingest", "recommend"):
        ended = als_here(command, "-c", shop / "shop.yaml")
        assert ended.returncode == 0, ended.stderr
    lists = pl.read_parquet(shop / "lists/part-*.parquet")
    old = lists.filter(~pl.col("user_id").str.starts_with("new"))
    seen = pl.read_csv(shop / "events.csv").filter(pl.col("item_id") == "i05")["user_id"]
    unseen = old.filter(~pl.col("user_id").is_in(seen.implode()), pl.col("rank") == 1)
    assert set(unseen["item_id"]) == {"i05"}
    assert (shop / "work/models").resolve() == model
    after = manifest(shop)
    assert after["metrics"]["demand"]["newest_event"] > before["metrics"]["demand"]["newest_event"]
    assert {**after["metrics"]["demand"], "as_of": 0, "newest_event": 0} == {
        **before["metrics"]["demand"], "as_of": 0, "newest_event": 0,
    }  # fmt: skip


def test_a_changed_rule_makes_new_lists_although_the_factors_stay(shop):
    before = first_items(shop).to_list()
    changed = ["--set", "train.demand.exponent=4", "--set", "train.demand.offset=1000"]
    ended = als_here("run", "-c", shop / "shop.yaml", "--json", *changed)
    assert ended.returncode == 0, ended.stderr
    done = [s["stage"] for s in json.loads(ended.stdout)["stages"] if s["status"] == "done"]
    assert done == ["evaluate", "train", "recommend"]
    assert manifest(shop)["metrics"]["demand"]["exponent"] == 4
    assert first_items(shop).to_list() != before
    again = als_here("run", "-c", shop / "shop.yaml", "--json", *changed)
    assert {s["status"] for s in json.loads(again.stdout)["stages"]} == {"up_to_date"}


def test_the_manifest_of_a_single_file_names_the_rule_and_the_instant_of_the_config(shop):
    instant = ["--set", f"{AS_OF}=2026-02-01T06:00:00Z"]
    ended = als_here(
        "run",
        "-c",
        shop / "shop.yaml",
        "--set",
        f"recommend.output={{path: {shop}/lists.csv, format: csv}}",
        *instant,
    )
    assert ended.returncode == 0, ended.stderr
    demand = json.loads((shop / "lists.csv.manifest.json").read_text(encoding="utf-8"))["metrics"]["demand"]
    assert demand["as_of"] == "2026-02-01T06:00:00Z"
    assert demand["newest_event"].startswith("2026-01-30T")
    assert (demand["half_life"], demand["offset"]) == (3 * 86_400, 0.2)


def test_show_model_names_demand_and_the_half_life_of_the_fold_in(shop):
    shown = als_here("show", "model", "-c", shop / "shop.yaml")
    assert shown.returncode == 0, shown.stderr
    text = " ".join(shown.stdout.split())
    assert "half_life 5d" in text
    assert (
        "demand half_life 3d, exponent 1, long_run_half_life 20d, long_run_exponent 0.5, offset 0.2" in text
    )
    recipe = json.loads(als_here("show", "model", "-c", shop / "shop.yaml", "--json").stdout)["recipe"]
    assert recipe["demand"]["half_life"] == 3 * 86_400
    assert recipe["fold_in"]["half_life"] == 5 * 86_400


def test_show_item_and_show_user_have_trends(shop):
    for name in ("item", "user"):
        known = {"item": "i01", "user": "u001"}[name]
        shown = als_here("show", name, known, "-c", shop / "shop.yaml")
        assert shown.returncode == 0, shown.stderr
        assert "  trend" in shown.stdout
        assert max(map(len, shown.stdout.splitlines())) <= 80
        report = json.loads(als_here("show", name, known, "-c", shop / "shop.yaml", "--json").stdout)
        assert report["half_lives"] == {"now": 3 * 86_400, "long_run": 20 * 86_400}
        listed = report["neighbours" if name == "item" else "recommended"]
        assert all(set(item["demand"]) == {"now", "long_run", "trend"} for item in listed)


def test_a_dataset_without_timestamps_does_not_fit_the_model(shop):
    before = manifest(shop)
    columns = ["--set", "events.columns={user: user_id, item: item_id, type: event}"]
    ended = als_here("ingest", "-c", shop / "shop.yaml", *columns)
    assert ended.returncode == 0, ended.stderr
    for command in (["recommend"], ["show", "user", "u001"]):
        ended = als_here(*command, "-c", shop / "shop.yaml", *columns)
        assert ended.returncode == 4, ended.stderr
        error, hint = ended.stderr.splitlines()
        assert error.startswith(
            "error: the model depends on recent events (train.demand and train.fold_in.half_life)"
        )
        assert hint.startswith("hint: set events.columns.timestamp and run `als ingest`")
    assert manifest(shop) == before
    shown = als_here("show", "item", "i01", "-c", shop / "shop.yaml", *columns)
    assert (shown.returncode, "trend" in shown.stdout) == (0, False)


@pytest.mark.parametrize("command", [["recommend"], ["show", "model"], ["show", "item", "i01"]])
def test_a_model_of_an_older_format_version_is_one_clear_message(shop, command):
    path = shop / "work/models/manifest.json"
    older = json.loads(path.read_text(encoding="utf-8")) | {"format_version": 1}
    path.write_text(json.dumps(older), encoding="utf-8")
    ended = als_here(*command, "-c", shop / "shop.yaml")
    assert (ended.returncode, ended.stdout) == (4, "")
    error, hint = ended.stderr.splitlines()
    assert "has format version 1, but als-cli" in error
    assert hint.startswith("hint: run `als train` again")
