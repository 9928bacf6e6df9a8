"""If a source is a folder, the hint names a glob that matches its files."""

import re

import polars as pl
import pytest

from als_cli.config.source import TableFormat
from als_cli.errors import DataError
from als_cli.tables.scan import find_files, scan_table

CSV = "user_id,item_id\nu1,a\n"


def written(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if ".parquet" in name:
            pl.DataFrame({"user_id": ["u1"], "item_id": ["a"]}).write_parquet(path)
        else:
            path.write_text(CSV if "csv" in name.lower() else "", encoding="utf-8")


def hint_for(folder):
    with pytest.raises(DataError, match="is a folder") as caught:
        find_files(str(folder))
    return caught.value.hint


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["a.csv", "b.csv"], "*.csv"),
        (["a.CSV"], "*.CSV"),
        (["part-0.snappy.parquet", "_SUCCESS", ".part-0.crc", "_temporary/0/x.csv"], "*.parquet"),
        (["date=2026-01-01/part-0.parquet", "date=2026-01-02/part-0.parquet", "_SUCCESS"], "*/*.parquet"),
        (["year=2026/month=01/part-0.parquet", "year=2026/month=02/part-0.parquet"], "*/*/*.parquet"),
        (["a/x.parquet", "a/b/y.parquet"], "**/*.parquet"),
        (["day1.csv", "day2.csv", "README.md"], "*.csv"),
        (["old/day1.csv", "README.md"], "*/*.csv"),
    ],
)
def test_the_glob_matches_the_files(tmp_path, names, pattern):
    folder = tmp_path / "events"
    written(folder, *names)
    (tmp_path / "events" / "empty").mkdir()

    hint = hint_for(folder)

    assert hint == f"use a glob that matches its files: {folder}/{pattern}"
    tables = [
        name for name in names if name.lower().endswith((".csv", ".parquet")) and "_temporary" not in name
    ]
    assert len(find_files(f"{folder}/{pattern}")) == len(tables)
    assert scan_table(f"{folder}/{pattern}", TableFormat()).collect().height == len(tables)


def test_other_suffixes_are_named(tmp_path):
    written(tmp_path / "events", "a.csv", "b.csv", "c.parquet")

    assert hint_for(tmp_path / "events").endswith("/events/*.csv (the folder also has *.parquet)")


def test_a_folder_with_brackets_in_its_name(tmp_path):
    folder = tmp_path / "events [new]"
    written(folder, "a.csv")

    pattern = re.search(r"files: (.*)", hint_for(folder))[1]

    assert [file.name for file in find_files(pattern)] == [str(folder / "a.csv")]


def test_files_without_a_known_suffix(tmp_path):
    folder = tmp_path / "events"
    written(folder, "part-00000-csv", "part-00001-csv", "_SUCCESS")

    pattern = re.search(r"files: (.*)", hint_for(folder))[1]

    assert {file.name for file in find_files(pattern)} == {
        str(folder / f"part-0000{n}-csv") for n in range(2)
    }


def test_a_folder_without_files_is_reported(tmp_path):
    assert "has no files" in hint_for(tmp_path)
