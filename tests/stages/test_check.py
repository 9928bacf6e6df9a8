"""`als check`: the first rows, parsed and checked, and every problem that would stop a run."""

import json

import polars as pl
import pytest

from als_cli.stages.check import FIRST_ROWS
from tests.event_shapes import hive_folder
from tests.in_process import als_here, done, failed
from tests.shop import CONFIG, write_shop


def shop(folder, *changes):
    """Write the shop, with `changes` (old, new) of its config. Return the config."""
    write_shop(folder)
    text = CONFIG
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    config = folder / "shop.yaml"
    config.write_text(text, encoding="utf-8")
    return config


def problem(code, config, *more):
    """Return the report of a check that exits with `code` because of one problem, and this problem."""
    ended = als_here("check", "-c", config, *more, "--json")
    assert ended.returncode == code, ended.stderr
    report = json.loads(ended.stdout)
    assert (report["ok"], report["exit_code"]) == (False, code)
    assert len(report["problems"]) == 1
    return report, report["problems"][0]


def test_a_check_shows_the_parsed_columns_and_writes_nothing(tmp_path):
    config = shop(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    report = done("check", "-c", config)
    assert sorted(tmp_path.rglob("*")) == before
    source = report["sources"][0]
    assert (source["rows"], source["kept"], source["rejected"]) == (3000, 3000, [])
    assert source["types"] == {"purchase": 5.0, "view": 1.0}
    columns = {column["role"]: column for column in source["columns"]}
    assert columns["timestamp"]["type"] == "String"
    assert columns["timestamp"]["parsed"] == "Datetime[us, UTC]"
    assert columns["timestamp"]["examples"][0]["parsed"].startswith("2026-01-01")
    assert columns["user"]["distinct"] == 120
    assert report["catalog"] | {"path": ""} == {
        "path": "",
        "rows": 40,
        "items": 40,
        "joined": 40,
        "has_titles": True,
    }


def test_only_the_first_rows_are_read(tmp_path):
    config = shop(tmp_path)
    events = pl.read_csv(tmp_path / "events.csv")
    bad = events.with_columns(user_id=pl.lit(None, pl.String))
    pl.concat([*[events] * 4, bad]).write_csv(tmp_path / "events.csv")
    report = done("check", "-c", config)
    assert report["sources"][0]["rows"] == FIRST_ROWS
    assert report["sources"][0]["rejected"] == []


@pytest.mark.parametrize(
    ("form", "code", "hint"),
    [("iso", 3, "set events.timestamp_format: s"), ("%d.%m.%Y", 3, "set events.timestamp_format: s")],
)
def test_a_wrong_format_of_times_has_the_right_one_as_hint(tmp_path, form, code, hint):
    config = shop(tmp_path)
    report, found = problem(code, config, "--set", f"events.timestamp_format={form}")
    assert hint in found["hint"]
    rejected = report["sources"][0]["rejected"][0]
    assert (rejected["reason"], rejected["rows"], rejected["row"]) == ("unreadable_time", 3000, 1)


def test_milliseconds_that_are_read_as_seconds_have_a_hint(tmp_path):
    config = shop(tmp_path)
    events = pl.read_csv(tmp_path / "events.csv")
    events.with_columns(pl.col("ts") * 1000).write_csv(tmp_path / "events.csv")
    _, found = problem(3, config, "--set", "events.timestamp_format=s")
    assert "set events.timestamp_format: ms" in found["hint"]


def test_seconds_that_are_read_as_milliseconds_are_a_warning(tmp_path):
    report = done("check", "-c", shop(tmp_path), "--set", "events.timestamp_format=ms")
    assert any("set events.timestamp_format: s" in warning for warning in report["warnings"])


def test_rows_without_a_user_have_a_condition_as_hint(tmp_path):
    config = shop(tmp_path)
    events = pl.read_csv(tmp_path / "events.csv")
    blank = pl.when(pl.int_range(pl.len()) % 4 > 0).then("user_id")
    events.with_columns(blank.alias("user_id")).write_csv(tmp_path / "events.csv")
    report, found = problem(3, config)
    assert "events.where: user_id is not null" in found["hint"]
    assert report["sources"][0]["rejected"][0]["row"] == 1
    assert done("check", "-c", config, "--set", "events.where=user_id is not null")["ok"]


@pytest.mark.parametrize("placeholder", ["NULL", "0", "guest"])
def test_a_user_with_many_of_the_events_is_a_warning(tmp_path, placeholder):
    config = shop(tmp_path)
    assert done("check", "-c", config)["warnings"] == []
    events = pl.read_csv(tmp_path / "events.csv")
    some = pl.when(pl.int_range(pl.len()) % 10 > 0).then("user_id").otherwise(pl.lit(placeholder))
    events.with_columns(some.alias("user_id")).write_csv(tmp_path / "events.csv")
    warnings = done("check", "-c", config)["warnings"]
    assert [warning.partition(";")[0] for warning in warnings] == [
        f"user {placeholder!r} has 10% of the first 3,000 events"
    ]
    assert "may be a placeholder" in warnings[0]
    where = f"events.where=user_id <> '{placeholder}'"
    assert done("check", "-c", config, "--set", where)["warnings"] == []


def test_all_missing_files_are_named_with_their_keys(tmp_path):
    config = shop(
        tmp_path, ("source: events.csv", "source: event.csv"), ("catalog: catalog.csv", "catalog: c.csv")
    )
    error = als_here("check", "-c", config)
    assert error.returncode == 3
    assert "events.source: no such file" in error.stderr
    assert "did you mean" in error.stderr
    assert "recommend.items.catalog: no such file" in error.stderr


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (("user: user_id", "user: user"), 2, "no column 'user'"),
        (("{view: 1, purchase: 5}", "{views: 1}"), 3, "drop all of the first 3,000 rows"),
        (("path: lists", "path: work/lists"), 2, "is in workspace"),
        (("where: price > 0", "where: price > nope"), 2, "no column 'nope'"),
        (
            ("catalog: catalog.csv", "catalog: catalog.csv, columns: {item: title}"),
            3,
            "no item of the first rows",
        ),
    ],
)
def test_mistakes_have_the_exit_code_of_a_run(tmp_path, change, code, says):
    config = shop(tmp_path, change)
    _, found = problem(code, config)
    assert says in found["message"]
    assert failed(code, "run", "-c", config)["exit_code"] == code


def test_types_that_are_not_listed_are_named(tmp_path):
    config = shop(tmp_path, ("types: {view: 1, purchase: 5}", "types: {view: 1}\n  unlisted_types: reject"))
    _, found = problem(3, config)
    assert "add 'purchase' to events.types" in found["hint"]


def test_few_items_in_the_catalogue_are_a_warning(tmp_path):
    config = shop(tmp_path)
    pl.read_csv(tmp_path / "catalog.csv").head(10).write_csv(tmp_path / "catalog.csv")
    report = done("check", "-c", config)
    assert report["catalog"]["joined"] == 10
    assert any("has only 10 of 40 items" in warning for warning in report["warnings"])


def test_of_many_files_some_are_checked(tmp_path):
    hive_folder(tmp_path)
    config = tmp_path / "als.yaml"
    config.write_text(
        "events:\n  source: lake/*/*.parquet\n"
        "  columns: {user: customer_id, item: product_id, timestamp: date, type: event_type}\n",
        encoding="utf-8",
    )
    report = done("check", "-c", config)
    assert report["files"] == 60
    assert len(report["sources"]) == 20


def test_a_query_runs_on_the_first_rows(tmp_path):
    config = shop(
        tmp_path, ("source: events.csv", "source: events.csv\n  query: select * from events where nope")
    )
    assert "nope" in problem(2, config)[1]["message"]
    config = shop(
        tmp_path, ("source: events.csv", "source: events.csv\n  query: select * from events limit 7")
    )
    assert done("check", "-c", config)["sources"][0]["rows"] == 7


def test_the_check_fits_into_80_columns(tmp_path):
    config = shop(tmp_path, ("timestamp: ts", "timestamp: ts, value: ts"))
    shown = als_here("check", "-c", config)
    assert shown.returncode == 0, shown.stderr
    assert max(len(line) for line in shown.stdout.splitlines() if str(tmp_path) not in line) <= 80
    assert "no problems found" in shown.stdout
    assert "weights: purchase 5, view 1" in shown.stdout
