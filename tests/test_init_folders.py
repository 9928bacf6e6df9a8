"""`als init` on folders and catalogues: several sources, files that are left out, titles."""

import os
from pathlib import Path

import polars as pl

from als_cli.config.loading import load_config
from tests import event_shapes
from tests.in_process import als_here, done, failed


def test_a_catalogue_with_another_separator_and_encoding_gives_titles(tmp_path):
    events, items = event_shapes.retail_rocket(tmp_path), event_shapes.catalog(tmp_path)
    config = tmp_path / "als.yaml"
    report = done("init", events, "--catalog", items, "--yes", "--output", config)
    assert report["catalog_join_rate"] == 1
    catalog = load_config(config, environment={}).recommend.items
    assert (catalog.columns.item, catalog.columns.title) == ("id", "label")
    assert (catalog.separator, catalog.encoding) == (";", "cp1252")
    assert done("check", "-c", config)["catalog"]["joined"] == report["catalog_join_rate"] * 48
    done("run", "-c", config)
    user = pl.read_csv(events)["visitorid"][0]
    assert "Tasse für" in als_here("show", "user", user, "-c", config).stdout


def test_a_file_beside_the_events_with_their_items_is_the_catalogue(tmp_path):
    events = pl.read_csv(event_shapes.retail_rocket(tmp_path))
    folder = tmp_path / "shop"
    folder.mkdir()
    events.write_csv(folder / "events.csv")
    pl.DataFrame({"itemid": range(50, 700, 13), "title": [f"Thing {n}" for n in range(50)]}).write_csv(
        folder / "items.csv"
    )
    report = done("init", folder, "--yes", "--output", tmp_path / "als.yaml")
    assert report["catalog"] == str(folder / "items.csv")
    config = load_config(tmp_path / "als.yaml", environment={})
    assert config.events.source == str(folder / "events.csv")
    assert config.recommend.items.columns.title == "title"


def test_the_config_of_the_sample_data_is_found_without_help(tmp_path):
    sample_data = Path(__file__).parents[1] / "sample_data"
    done("init", sample_data, "--yes", "--output", tmp_path / "als.yaml")
    found = load_config(tmp_path / "als.yaml", environment={})
    given = load_config(sample_data.parent / "configs" / "quickstart.yaml", environment={})
    first, second = found.events.source
    assert (first.path, second.path) == (given.events.source[0].path, given.events.source[1].path)
    assert first.columns == given.events.columns
    assert (second.columns, second.separator) == (given.events.source[1].columns, ";")
    assert found.events.types == given.events.types
    assert found.recommend.items.catalog == given.recommend.items.catalog
    assert found.recommend.items.columns == given.recommend.items.columns


def test_files_with_different_column_names_are_several_sources(tmp_path):
    events = pl.read_csv(event_shapes.retail_rocket(tmp_path))
    folder = tmp_path / "years"
    folder.mkdir()
    events.write_parquet(folder / "2023.parquet")
    events.rename({"visitorid": "customer_id"}).write_parquet(folder / "2024.parquet")
    done("init", folder, "--yes", "--output", tmp_path / "als.yaml")
    config = load_config(tmp_path / "als.yaml", environment={})
    assert [source.columns.user for source in config.events.source] == ["visitorid", "customer_id"]
    assert done("check", "-c", tmp_path / "als.yaml")["ok"]


def test_test_sets_beside_a_training_set_are_left_out(tmp_path):
    events = pl.read_csv(event_shapes.retail_rocket(tmp_path))
    folder = tmp_path / "split"
    folder.mkdir()
    for name in ("train", "test", "tune_valid", "tune_train"):
        events.write_parquet(folder / f"{name}.parquet")
    report = done("init", folder, "--yes", "--output", tmp_path / "als.yaml")
    assert [note.split(":")[0] for note in report["notes"]] == [
        "test.parquet",
        "tune_train.parquet",
        "tune_valid.parquet",
    ]
    config = load_config(tmp_path / "als.yaml", environment={})
    assert config.events.source == str(folder / "train.parquet")


def test_ratings_with_movies_links_and_tags(tmp_path):
    folder, config = event_shapes.movielens_folder(tmp_path), tmp_path / "als.yaml"
    report = done("init", folder, "--yes", "--output", config)
    found = load_config(config, environment={})
    assert found.events.source == str(folder / "ratings.csv")
    assert (found.events.where, found.events.columns.value) == ("rating >= 4", "rating")
    assert found.recommend.items.catalog == str(folder / "movies.csv")
    assert found.recommend.items.columns.title == "title"
    assert [note.rsplit("/", maxsplit=1)[-1].split(":")[0] for note in report["notes"]] == [
        "README.txt",
        "links.csv",
        "tags.csv",
    ]
    assert done("check", "-c", config)["ok"]


def test_the_catalogue_has_titles_or_the_most_items(tmp_path):
    folder = event_shapes.movielens_folder(tmp_path)
    movies = pl.read_csv(folder / "movies.csv")
    movies.drop("title").head(30).write_csv(folder / "a.csv")
    (folder / "movies.csv").unlink()
    report = done("init", folder, "--yes", "--output", tmp_path / "als.yaml")
    assert report["catalog"] == str(folder / "links.csv")
    movies.head(30).write_csv(folder / "z.csv")
    report = done("init", folder, "--yes", "--output", tmp_path / "als.yaml", "--force")
    assert report["catalog"] == str(folder / "z.csv")


def test_files_that_are_no_tables_are_left_out_of_a_folder(tmp_path):
    events = pl.read_csv(event_shapes.retail_rocket(tmp_path))
    folder = tmp_path / "shop"
    folder.mkdir()
    events.write_csv(folder / "events.csv")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "image.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    (folder / "README.txt").write_text('Please read this "first.\nThank you.\n', encoding="utf-8")
    os.mkfifo(folder / "pipe.csv")
    config = tmp_path / "als.yaml"
    report = done("init", folder, "--yes", "--output", config)
    notes = dict(note.rsplit("/", maxsplit=1)[-1].split(": ", maxsplit=1) for note in report["notes"])
    assert notes == {
        "README.txt": "other columns than the events",
        "empty.csv": "is empty",
        "image.csv": "it has zero bytes",
        "pipe.csv": "is a pipe",
    }
    assert load_config(config, environment={}).events.source == str(folder / "events.csv")
    assert done("check", "-c", config)["ok"]


def test_broken_files_among_equal_ones_are_not_in_the_config(tmp_path):
    events = pl.read_csv(event_shapes.retail_rocket(tmp_path))
    folder = tmp_path / "shop"
    folder.mkdir()
    for name in ("a", "b"):
        events.write_parquet(folder / f"{name}.parquet")
    (folder / "c.parquet").write_bytes(b"PAR1 and nothing else")
    config = tmp_path / "als.yaml"
    report = done("init", folder, "--yes", "--output", config)
    assert [note.split(":")[0] for note in report["notes"]] == ["c.parquet"]
    source = load_config(config, environment={}).events.source
    assert [one.path for one in source] == [str(folder / f"{name}.parquet") for name in ("a", "b")]
    assert done("ingest", "-c", config)["rows"] == 2 * events.height


def test_a_folder_without_any_table_is_an_error(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "a.csv").write_bytes(b"")
    (folder / "b.csv").write_bytes(b"\0")
    error = failed(3, "init", folder, "--yes", "--output", tmp_path / "als.yaml")
    assert error["message"] == f"{folder / 'a.csv'} is empty"


def test_a_list_inside_a_struct_is_flattened(tmp_path):
    hits = pl.read_parquet(event_shapes.ga4_export(tmp_path))
    lists = pl.col("items").list.eval(pl.struct(pl.element().alias("element")))
    events = tmp_path / "bigquery.parquet"
    mostly_null = pl.when(pl.int_range(pl.len()) % 9 == 0).then("user_pseudo_id")
    hits.with_columns(pl.struct(lists.alias("list")).alias("items"), user_id=mostly_null).write_parquet(
        events
    )
    config = tmp_path / "als.yaml"
    report = done("init", events, "--yes", "--output", config)
    guesses = {guess["key"]: guess["value"] for guess in report["guesses"]}
    assert guesses["events.columns.user"] == "user_pseudo_id"
    assert guesses["events.columns.item"] == "item.element.item_id"
    assert done("ingest", "-c", config)["rejected"] == {}


def test_a_field_of_a_list_can_be_named(tmp_path):
    events = event_shapes.ga4_export(tmp_path)
    config = tmp_path / "als.yaml"
    named = ["--column", "user=geo.country", "--column", "item=item.item_name"]
    report = done("init", events, *named, "--yes", "--output", config)
    assert "geo.country as user_id" in report["query"]
    assert done("ingest", "-c", config)["users"] == 2


def test_a_catalogue_of_other_items_is_an_error(tmp_path):
    events = event_shapes.retail_rocket(tmp_path)
    other = tmp_path / "other.csv"
    other.write_text("item_id,title\nxyz,Something\nabc,Else\n", encoding="utf-8")
    error = failed(3, "init", events, "--catalog", other, "--yes", "-o", tmp_path / "als.yaml")
    assert "no column has items of the events" in error["message"]
    assert "'itemid'" in error["hint"]


def test_sources_of_which_some_have_no_times_are_without_times(tmp_path):
    events = pl.read_csv(event_shapes.retail_rocket(tmp_path))
    folder = tmp_path / "parts"
    folder.mkdir()
    events.write_parquet(folder / "a.parquet")
    events.select(customer="visitorid", sku="itemid", kind="event").write_parquet(folder / "b.parquet")
    config = tmp_path / "als.yaml"
    done("init", folder, "--yes", "--output", config)
    assert load_config(config, environment={}).evaluate.split.by == "random"
    assert done("check", "-c", config)["ok"]


def test_a_config_inside_the_folder_that_it_reads_writes_elsewhere(tmp_path):
    folder = event_shapes.hive_folder(tmp_path)
    done("init", folder, "--yes", "-o", folder / "als.yaml")
    config = load_config(folder / "als.yaml", environment={})
    assert not Path(config.recommend.output.path).is_relative_to(folder)
    assert done("check", "-c", folder / "als.yaml")["ok"]


def test_partitions_by_year_month_and_day_are_one_date(tmp_path):
    days = pl.read_parquet(
        event_shapes.hive_folder(tmp_path), hive_partitioning=True, try_parse_hive_dates=False
    )
    parts = days.with_columns(
        year=pl.col("date").str.head(4), month=pl.col("date").str.slice(5, 2), day=pl.col("date").str.tail(2)
    ).drop("date")
    for values, rows in parts.partition_by("year", "month", "day", as_dict=True, include_key=False).items():
        folder = (
            tmp_path
            / "days"
            / "/".join(
                f"{name}={value}" for name, value in zip(("year", "month", "day"), values, strict=True)
            )
        )
        folder.mkdir(parents=True)
        rows.write_parquet(folder / "0.parquet")
    config = tmp_path / "als.yaml"
    report = done("init", tmp_path / "days", "--yes", "--output", config)
    assert "cast(year as varchar) || '-'" in report["query"].replace('"', "")
    ingested = done("ingest", "-c", config)
    assert (ingested["first_time"], ingested["rows"]) == ("2024-03-01T00:00:00Z", days.height)
    assert ingested["rejected"] == {}
