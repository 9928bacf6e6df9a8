"""Hive partitions are columns."""

import json
from pathlib import Path

import polars as pl
import pytest

from als_cli.config.source import TableFormat
from als_cli.tables.partitions import partition_values
from als_cli.tables.scan import scan_table
from tests.in_process import done, failed


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("lake/date=2025-01-01/part-0.parquet", {"date": "2025-01-01"}),
        ("lake/year=2025/month=01/p.csv", {"year": "2025", "month": "01"}),
        ("lake/event%20type=add%2Fcart/p.csv", {"event type": "add/cart"}),
        ("lake/country=__HIVE_DEFAULT_PARTITION__/p.csv", {"country": None}),
        ("lake/a=/p.csv", {"a": None}),
        ("lake/a=b=c/p.csv", {"a": "b=c"}),
        ("lake/=x/p.csv", {}),
        ("lake/date=2025-01-01.parquet", {}),
        ("-", {}),
    ],
)
def test_the_folders_of_a_path_are_columns(path, values):
    assert partition_values(path) == values


def lake(folder):
    for day, kind in (("2025-01-01", "view"), ("2025-01-02", "purchase")):
        part = folder / "lake" / f"date={day}" / f"kind={kind}"
        part.mkdir(parents=True)
        pl.DataFrame({"user_id": ["a", "b", "c"], "item_id": ["x", "y", "y"]}).write_parquet(
            part / "0.parquet"
        )
    return folder / "lake"


def test_a_scan_has_the_partitions_after_the_columns_of_the_file(tmp_path):
    table = scan_table(f"{lake(tmp_path)}/*/*/*.parquet", TableFormat()).collect()
    assert table.schema == dict.fromkeys(("user_id", "item_id", "date", "kind"), pl.String)
    assert table["date"].to_list() == ["2025-01-01"] * 3 + ["2025-01-02"] * 3


def test_a_column_of_the_file_wins(tmp_path):
    part = tmp_path / "date=1999-01-01"
    part.mkdir()
    pl.DataFrame({"date": ["2025-01-01"]}).write_parquet(part / "0.parquet")
    assert scan_table(f"{part}/*.parquet", TableFormat()).collect().rows() == [("2025-01-01",)]


def test_partitions_after_numbered_columns(tmp_path):
    part = tmp_path / "kind=view"
    part.mkdir()
    (part / "0.csv").write_text("a,x\nb,y\n", encoding="utf-8")
    table = scan_table(f"{part}/*.csv", TableFormat(header=False)).collect()
    assert table.columns == ["1", "2", "kind"]


CONFIG = """
events:
  source: lake/*/*/*.parquet
  columns: {timestamp: date, type: kind}
  types: {view: 1, purchase: 5}
train: {factors: 4, iterations: 2}
evaluate: {split: {by: random}}
"""


def test_partitions_can_be_time_and_type(tmp_path):
    lake(tmp_path)
    config = tmp_path / "als.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    report = done("ingest", "-c", config)
    assert {kind["type"]: kind["weight"] for kind in report["types"]} == {"view": 1, "purchase": 5}
    assert (report["first_time"], report["last_time"]) == ("2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z")
    dropped = done("ingest", "-c", config, "--set", "events.where=date > '2025-01-01'")["dropped"]
    assert dropped == {"where": 3}
    assert "'dat'" in failed(2, "ingest", "-c", config, "--set", "events.columns.timestamp=dat")["message"]


def test_a_renamed_partition_makes_the_dataset_out_of_date(tmp_path):
    place = lake(tmp_path)
    config = tmp_path / "als.yaml"
    config.write_text(CONFIG, encoding="utf-8")

    def key():
        return json.loads(
            (Path(done("ingest", "-c", config)["dataset"]) / "manifest.json").read_text("utf-8")
        )["key"]

    first = key()
    assert key() == first
    (place / "date=2025-01-02").rename(place / "date=2025-01-03")
    assert key() != first
