"""The sample data has the properties that its README names, and the script makes the committed files."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

FOLDER = Path(__file__).parents[1] / "sample_data"


@pytest.fixture(scope="module")
def events() -> pl.DataFrame:
    return pl.read_parquet(FOLDER / "events.parquet")


@pytest.fixture(scope="module")
def catalog() -> pl.DataFrame:
    return pl.read_parquet(FOLDER / "catalog.parquet")


def test_the_script_makes_the_committed_rows(tmp_path, events, catalog):
    subprocess.run([sys.executable, FOLDER / "make_sample_data.py", tmp_path], check=True)
    assert_frame_equal(pl.read_parquet(tmp_path / "events.parquet"), events)
    assert_frame_equal(pl.read_parquet(tmp_path / "catalog.parquet"), catalog)
    assert (tmp_path / "events_till.csv").read_text() == (FOLDER / "events_till.csv").read_text()


def test_the_files_are_small_and_labelled_synthetic():
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < 3_000_000
    for name in ("events.parquet", "catalog.parquet"):
        assert b"synthetic" in pq.read_schema(FOLDER / name).metadata[b"origin"]


def test_the_events_cover_ninety_days(events, catalog):
    till = pl.read_csv(FOLDER / "events_till.csv", separator=";")
    assert 100_000 <= events.height + till.height <= 200_000
    assert set(events["event"].unique()) == {"view", "cart", "purchase"}
    assert set(events["item_id"].unique()) <= set(catalog["item_id"])
    assert (events["ts"].max() - events["ts"].min()).days == 88  # day 90 is in events_till.csv
    assert 0 < (~catalog["in_stock"]).sum() < 0.15 * catalog.height
    assert catalog["title"].is_unique().all()


def test_less_than_one_row_in_a_hundred_is_broken(events):
    till = pl.read_csv(FOLDER / "events_till.csv", separator=";")
    readable = till["time"].str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False).is_not_null()
    broken = (till["customer"].is_null() | ~readable).sum()
    assert 20 <= broken < 0.01 * events.height


def test_purchases_of_one_shopper_share_themes(events, catalog):
    """Consecutive purchases of one shopper have the same theme three times as often as random pairs of purchases."""
    sys.path.insert(0, str(FOLDER))
    try:
        from shop import THEMES
    finally:
        sys.path.remove(str(FOLDER))
    nouns = {noun: theme for theme, kinds in THEMES.items() for kind in kinds.values() for noun in kind}
    theme = {
        row["item_id"]: nouns[max((n for n in nouns if n in row["title"]), key=len)]
        for row in catalog.iter_rows(named=True)
    }
    bought = events.filter(pl.col("event") == "purchase").sort("user_id", "ts")
    themes = bought["item_id"].replace_strict(theme).to_numpy()
    users = bought["user_id"].to_numpy()
    neighbours = themes[1:] == themes[:-1]
    same_shopper = users[1:] == users[:-1]
    shuffled = np.random.default_rng(0).permutation(themes)
    assert neighbours[same_shopper].mean() > 3 * (shuffled[1:] == shuffled[:-1]).mean()
