"""Titles of items that the events have themselves."""

import polars as pl
import pytest

from tests.in_process import als_here, done, failed
from tests.shop import write_shop


def titled_shop(folder, title="title", more=""):
    """Write the shop with a column of titles in the events. Return its config."""
    config = folder / "shop.yaml"
    write_shop(folder)
    events = pl.read_csv(folder / "events.csv")
    named = events.with_columns(
        title=pl.when(pl.int_range(pl.len()) % 5 == 0)
        .then(pl.lit("damaged"))
        .otherwise("Tea " + pl.col("item_id")),
        blank=pl.lit(" "),
        kinds=pl.lit("x"),
    )
    named.write_csv(folder / "events.csv")
    config.write_text(
        "workspace: work\nevents:\n  source: events.csv\n"
        f"  columns: {{user: user_id, item: item_id, timestamp: ts, type: event, title: {title}}}\n"
        "train: {factors: 8, iterations: 5}\nevaluate: {split: {by: time, test: 5d}, at: [5, 10]}\n"
        f"recommend: {{top_n: 5, {more}output: {{path: lists}}}}\n",
        encoding="utf-8",
    )
    return config


def test_the_most_frequent_title_of_an_item_is_stored_and_shown(tmp_path):
    config = titled_shop(tmp_path)
    dataset = done("run", "-c", config)["stages"][0]["report"]["dataset"]
    titles = pl.read_parquet(f"{dataset}/titles.parquet")
    assert titles.columns == ["item_id", "title"]
    assert titles["item_id"].is_sorted()
    assert titles.filter(pl.col("title") != "Tea " + pl.col("item_id")).is_empty()
    user = als_here("show", "user", "u000", "-c", config).stdout
    assert user.count("Tea i") > 5
    for words in (("item", "i03"), ("model",)):
        assert "Tea i" in als_here("show", *words, "-c", config).stdout


def test_titles_of_the_catalogue_come_first(tmp_path):
    config = titled_shop(tmp_path, more="items: {catalog: few.csv}, ")
    pl.DataFrame({"item_id": ["i00", "i02"], "title": ["Best tea", None]}).write_csv(tmp_path / "few.csv")
    done("run", "-c", config)
    shown = {item["item_id"]: item["title"] for item in done("show", "user", "u000", "-c", config)["history"]}
    assert shown.get("i00", "Best tea") == "Best tea"
    assert shown.get("i02", "Tea i02") == "Tea i02"
    assert any(title == f"Tea {item}" for item, title in shown.items())


def test_without_titles_nothing_is_stored(tmp_path):
    config = titled_shop(tmp_path, title="null")
    dataset = done("ingest", "-c", config)["dataset"]
    assert not any(tmp_path.joinpath(dataset).glob("titles*"))


def test_blank_titles_are_no_titles(tmp_path):
    config = titled_shop(tmp_path, title="blank")
    dataset = done("ingest", "-c", config)["dataset"]
    assert pl.read_parquet(f"{dataset}/titles.parquet").is_empty()


def test_a_broken_file_of_titles_is_an_artifact_error(tmp_path):
    config = titled_shop(tmp_path)
    dataset = done("run", "-c", config)["stages"][0]["report"]["dataset"]
    tmp_path.joinpath(dataset, "titles.parquet").write_bytes(b"PAR1 nothing PAR1")
    assert "titles.parquet" in failed(4, "show", "user", "u000", "-c", config)["message"]


@pytest.mark.parametrize("column", ["nope", "9"])
def test_a_column_of_titles_that_does_not_exist_is_named(tmp_path, column):
    config = titled_shop(tmp_path, title=column)
    assert "events.columns.title" in failed(2, "ingest", "-c", config)["message"]
