"""`events.query`: the events are the rows of an SQL query."""

import json

import duckdb
import polars as pl
import pytest

from tests.event_shapes import ga4_export
from tests.in_process import done, failed
from tests.shop import write_shop

FLAT = (
    "select user_pseudo_id as user_id, i.item_id, i.item_name as title, event_name as event, event_timestamp as ts"
    " from events cross join unnest(items) as i where i.item_id is not null"
)
COLUMNS = "{user: user_id, item: item_id, timestamp: ts, type: event, title: title}"


def config_of(folder, query, source, columns=COLUMNS, more=""):
    path = folder / "als.yaml"
    lines = [
        f"  source: {source}",
        f"  query: {json.dumps(query)}",
        f"  columns: {columns}",
        *more.splitlines(),
    ]
    path.write_text("events:\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def events_of(config):
    report = done("ingest", "-c", config)
    return report, pl.read_parquet(f"{report['dataset']}/events.parquet")


def test_an_export_of_web_analytics_is_flattened_as_duckdb_does_it(tmp_path):
    source = ga4_export(tmp_path)
    report, events = events_of(config_of(tmp_path, FLAT, source.name))
    expected = duckdb.sql(
        f"select user_pseudo_id as user_id, unnest(items).item_id as item_id, event_timestamp as ts from '{source}'"
    ).pl()
    assert report["sources"] == [{"path": "events.query", "rows": expected.height}]
    found = events.select("user_id", "item_id", ts=pl.col("timestamp").dt.epoch("us"))
    assert sorted(found.rows()) == sorted(expected.rows())
    assert report["rejected"] == {}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_join_with_a_further_table_and_a_cast(tmp_path, suffix):
    write_shop(tmp_path)
    products = pl.read_csv(tmp_path / "catalog.csv").select("item_id", group=pl.col("title").str.slice(0, 3))
    products.write_csv(tmp_path / "products.csv")
    events = pl.read_csv(tmp_path / "events.csv")
    events.write_csv(tmp_path / "e.csv") if suffix == "csv" else events.write_parquet(tmp_path / "e.parquet")
    query = (
        'select e.user_id, p."group" as item_id, cast(e.ts as bigint) + 60 as ts, e.event'
        " from events e join products p on e.item_id = p.item_id where p.item_id <> 'i07'"
    )
    columns = "{timestamp: ts, type: event}"
    config = config_of(tmp_path, query, f"e.{suffix}", columns, "  tables: {products: products.csv}")
    report, found = events_of(config)
    kept = events.filter(pl.col("item_id") != "i07")
    assert report["rows"] == kept.height
    assert set(found["item_id"]) == {"Red", "Blu"}
    assert found["timestamp"].dt.epoch("s").min() == kept["ts"].min() + 60


def test_the_rows_of_a_join_have_the_same_order_in_every_run(tmp_path):
    write_shop(tmp_path)
    query = "select e.*, c.title from events e join items c on e.item_id = c.item_id"
    more = "  tables: {items: {path: catalog.csv, format: csv}}"
    config = config_of(tmp_path, query, "events.csv", "{timestamp: ts, title: title}", more)
    first = events_of(config)[1]
    assert events_of(config)[1].equals(first)


def test_rows_of_the_result_are_numbered_in_rejected_rows(tmp_path):
    pl.DataFrame({"who": ["a", None, "b"], "what": [["x", "y"], ["x"], ["z"]]}).write_parquet(
        tmp_path / "e.parquet"
    )
    query = "select who as user_id, item_id from events cross join unnest(what) as item_id"
    config = config_of(tmp_path, query, "e.parquet", "{user: user_id}", "  max_bad_fraction: 0.5")
    report, _ = events_of(config)
    rejected = pl.read_parquet(f"{report['dataset']}/rejected.parquet")
    assert rejected.select("source", "row", "reason", "item").rows() == [
        ("events.query", 3, "null_user", "x")
    ]


def test_events_where_applies_to_the_result(tmp_path):
    source = ga4_export(tmp_path)
    config = config_of(tmp_path, FLAT, source.name, more="  where: event = 'purchase'")
    report, _ = events_of(config)
    assert report["rows"] - report["dropped"]["where"] == report["events"] > 0


def test_files_with_different_columns_are_one_table(tmp_path):
    pl.DataFrame({"user": ["a"], "item": ["x"]}).write_csv(tmp_path / "1.csv")
    pl.DataFrame({"user": ["b"], "item": ["y"], "extra": [1]}).write_parquet(tmp_path / "2.parquet")
    config = config_of(tmp_path, "select * from events", "[1.csv, 2.parquet]", "{user: user, item: item}")
    assert events_of(config)[0]["events"] == 2


def test_the_query_and_its_tables_make_a_dataset_out_of_date(tmp_path):
    write_shop(tmp_path)
    query = "select e.* from events e join more m on e.item_id = m.item_id"
    more = (
        "  tables: {more: catalog.csv}\ntrain: {factors: 4, iterations: 2}\nevaluate: {split: {by: random}}"
    )
    config = config_of(tmp_path, query, "events.csv", "{timestamp: ts}", more)

    def status():
        return done("run", "-c", config)["stages"][0]["status"]

    assert [status(), status()] == ["done", "up_to_date"]
    catalog = pl.read_csv(tmp_path / "catalog.csv")
    catalog.head(30).write_csv(tmp_path / "catalog.csv")
    assert [status(), status()] == ["done", "up_to_date"]
    config.write_text(
        config.read_text(encoding="utf-8").replace("select e.*", "select  e.*"), encoding="utf-8"
    )
    assert [status(), status()] == ["done", "up_to_date"]


@pytest.mark.parametrize(
    ("query", "code", "says", "hint"),
    [
        ("select nope from events", 2, 'unable to find column "nope"', "check"),
        ("select * from evnts", 2, "'evnts' was not found", "the tables are events"),
        ("select user_pseudo_id frm events x", 2, "Line: 1, Column: 27", "check"),
        ("select unnest(items).item_id from events", 2, "at line 1, column", "cross join unnest(items) as i"),
        (
            "select item_id from events, unnest(items) as i",
            2,
            "at line 1, column",
            "cross join unnest(items)",
        ),
        (
            "select cast(user_pseudo_id as date) as user_id, event_name as item_id from events",
            3,
            "not",
            "try_cast",
        ),
        (
            "select event_name from events",
            2,
            "events.query has no column 'user_id'",
            "its columns: event_name",
        ),
        (
            "select event_name as user_id, event_name as item_id from events where false",
            3,
            "has no rows",
            "export",
        ),
    ],
)
def test_a_query_that_cannot_be_used_is_one_error_with_a_hint(tmp_path, query, code, says, hint):
    config = config_of(tmp_path, query, ga4_export(tmp_path).name, "{user: user_id}")
    error = failed(code, "ingest", "-c", config)
    assert "events.query" in error["message"]
    assert says in error["message"]
    assert hint in error["hint"]
    assert not (tmp_path / "work" / "dataset").exists()


def test_a_query_reads_no_file_that_the_config_does_not_name(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("user_id,item_id\n1,2\n", encoding="utf-8")
    source = ga4_export(tmp_path).name
    for query in (
        f"select * from read_csv('{secret}')",
        f"select * from '{secret}'",
        f'select * from "{secret}"',
    ):
        error = failed(2, "ingest", "-c", config_of(tmp_path, query, source, "{user: user_id}"))
        assert "events.query" in " ".join([error["message"], *error["problems"]])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("source: e.csv\n  tables: {p: p.csv}", "events.tables needs events.query"),
        (
            "source: [{path: e.csv, columns: {user: a}}]\n  query: select * from events",
            "has no effect with events.query",
        ),
    ],
)
def test_keys_that_need_or_exclude_the_query(tmp_path, text, says):
    (tmp_path / "e.csv").write_text("user_id,item_id\n1,2\n", encoding="utf-8")
    config = tmp_path / "als.yaml"
    config.write_text(f"events:\n  {text}\n", encoding="utf-8")
    assert says in failed(2, "ingest", "-c", config)["message"]


def test_a_table_of_the_query_is_an_input_that_no_output_replaces(tmp_path):
    write_shop(tmp_path)
    more = "  tables: {more: catalog.csv}\nrecommend: {output: {path: catalog.csv}}"
    config = config_of(tmp_path, "select * from events", "events.csv", "{timestamp: ts}", more)
    assert "events.tables.more" in failed(2, "run", "-c", config)["message"]
