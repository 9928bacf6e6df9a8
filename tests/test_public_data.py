"""The configs in configs/ run on their public data sets, from raw files to lists, as real commands.

The search for `auto` takes a minute on Online Retail. It runs on the two smaller data sets only.
"""

import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from tests.shop import als

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = ROOT.parent / "shared" / "data"

DEMAND = "train.demand={half_life: 7d, exponent: 1, long_run_exponent: 0.75}"

pytestmark = pytest.mark.realdata


def folder_of(name):
    if not (PUBLIC / name).is_dir():
        pytest.skip(f"the public data set {name} is not beside the checkout")
    return PUBLIC / name


def run(config, tmp_path, *settings, **options):
    """Run `als run`, and return the reports by stage and the flags of the command."""
    places = [f"workspace={tmp_path / 'work'}", f"recommend.output.path={tmp_path / 'lists.parquet'}"]
    flags = [part for setting in (*places, *settings) for part in ("--set", setting)]
    ended = als("run", "-c", ROOT / "configs" / config, "--json", *flags, **options)
    assert ended.returncode == 0, ended.stderr
    return {stage["stage"]: stage["report"] for stage in json.loads(ended.stdout)["stages"]}, flags


def test_online_retail_with_different_column_names(tmp_path):
    folder = folder_of("online_retail")
    shipped = (ROOT / "configs" / "online_retail.yaml").read_text(encoding="utf-8")
    config = tmp_path / "shop.yaml"
    config.write_text(shipped.replace("data/online_retail", str(folder)), encoding="utf-8")
    reports, _ = run(config, tmp_path, "train.factors=64", "train.iterations=4", DEMAND)
    assert sum(source["rows"] for source in reports["ingest"]["sources"]) == 525_461 + 541_909
    figures = {method["method"]: method["metrics"] for method in reports["evaluate"]["methods"]}
    assert figures["als"]["ndcg@10"] > figures["item_knn"]["ndcg@10"] > figures["popular"]["ndcg@10"]
    assert figures["als"]["ndcg@10"] > 2 * figures["popular"]["ndcg@10"] > 0
    assert reports["evaluate"]["counts"]["users_evaluated"] > 1000
    assert reports["evaluate"]["gate"]["met"]
    lists = pl.read_parquet(tmp_path / "lists.parquet")
    assert lists.schema["user_id"] == pl.Int64  # Customer ID is a float column in the files
    assert (lists.group_by("user_id").len()["len"] == 20).all()
    assert lists["item_id"].str.contains(r"^[0-9]{5}").all()


def test_movielens_without_header_and_titles_in_latin_1(tmp_path):
    folder = folder_of("ml100k")
    reports, flags = run(
        "movielens_udata.yaml",
        tmp_path,
        f"events.source={folder / 'u.data'}",
        f"recommend.items.catalog={folder / 'u.item'}",
    )
    ratings = [line.split("\t") for line in (folder / "u.data").read_text().splitlines()]
    assert reports["ingest"]["users"] == len({user for user, _, rating, _ in ratings if int(rating) >= 4})
    assert reports["ingest"]["items"] > 1000
    figures = {method["method"]: method["metrics"] for method in reports["evaluate"]["methods"]}
    assert figures["als"]["ndcg@10"] > 1.5 * figures["popular"]["ndcg@10"]
    shown = als("show", "item", "50", "-c", ROOT / "configs" / "movielens_udata.yaml", *flags)
    assert "Star Wars (1977)" in shown.stdout
    assert "Empire Strikes Back" in shown.stdout


def test_deskdrop_from_stdin_with_type_weights(tmp_path):
    archive = folder_of("deskdrop") / "users_interactions.csv.zip"
    with zipfile.ZipFile(archive) as unzipped:
        text = unzipped.read("users_interactions.csv").decode("utf-8")
    reports, _ = run("deskdrop.yaml", tmp_path, input=text)
    assert [source["rows"] for source in reports["ingest"]["sources"]] == [72_312]
    figures = {method["method"]: method["metrics"] for method in reports["evaluate"]["methods"]}
    assert figures["als"]["ndcg@10"] > figures["popular"]["ndcg@10"]
    lists = pl.read_parquet(tmp_path / "lists.parquet")
    assert lists.schema["item_id"] == pl.Int64
    assert lists["user_id"].n_unique() == reports["ingest"]["users"]
