"""The commands around published lists: changes, churn gate, comparison and hindsight."""

import json

import polars as pl
import pytest

from tests.in_process import als_here, done, failed
from tests.shop import CONFIG, write_shop

EARLY = "2026-01-25"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return the config of a shop whose lists of 25 January are published with a churn gate."""
    folder = tmp_path_factory.mktemp("shop")
    section = "  churn: {at_least: 0.9}\n  because: 1\n  output: {path: lists, changes: items}"
    config = write_shop(folder, CONFIG.replace("  output: {path: lists}", section))
    done("run", "-c", config, "--as-of", EARLY)
    return config


def test_a_day_later(shop):
    folder, published = shop.parent, pl.read_parquet(shop.parent / "lists" / "*.parquet")
    other = ("--set", "recommend.exclude_seen=false", "--as-of", EARLY)
    error = failed(5, "recommend", "-c", shop, *other)
    assert error["kind"] == "gate"
    assert error["message"].startswith(
        "churn gate not met: the rank-biased overlap (rbo) of new and published"
    )
    assert "--accept-churn" in error["hint"]
    assert failed(5, "run", "-c", shop, *other)["message"] == error["message"]
    assert pl.read_parquet(folder / "lists" / "*.parquet").equals(published)

    stages = done("run", "-c", shop, *other, "--accept-churn")["stages"]
    assert [stage["status"] for stage in stages] == ["up_to_date", "up_to_date", "up_to_date", "done"]
    changes = stages[-1]["report"]["changes"]
    manifest = json.loads((folder / "lists.manifest.json").read_bytes())
    assert manifest["metrics"]["changes"] == changes
    table = pl.read_parquet(folder / "lists.changes.parquet")
    assert table["user_id"].n_unique() == changes["upserts"] > 0

    report = done("compare", "-c", shop, "--changes", folder / "delta.ndjson")
    assert (report["old"]["version"], report["new"]["version"]) == (
        changes["from_version"],
        changes["to_version"],
    )
    assert report["users"]["changed"] == changes["upserts"] == report["changes"]["upserts"]
    assert report["churn"]["rbo"] < 0.9
    assert failed(5, "compare", "-c", shop, "--gate")["kind"] == "gate"
    shown = als_here("compare", "-c", shop)
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "120 users have both lists" in shown.stdout

    first = done(
        "evaluate", "-c", shop, "--published", changes["from_version"], "--events", folder / "events.csv"
    )
    second = done("evaluate", "-c", shop, "--published", folder / "lists", "--events", folder / "events.csv")
    assert first["counts"]["users_evaluated"] == second["counts"]["users_evaluated"] == 120
    assert [one["items"] for one in first["relevant"]] == ["all", "new"]
    assert len(list((folder / "work" / "hindsight").glob("*.json"))) == 2
    assert sum(one["shown"] for one in first["reasons"]) > 0


def test_one_of_the_two_paths_is_missing(shop):
    assert failed(2, "evaluate", "-c", shop, "--events", "x.csv")["message"] == "--published is missing"
