"""Dates of Excel, days since 1899-12-30, become seconds since 1970 in a query."""

from datetime import datetime

import polars as pl
import pytest

from als_cli.config.loading import load_config
from als_cli.guessing.excel_dates import excel_date
from als_cli.guessing.facts import facts_of
from tests.event_shapes import retail_rocket
from tests.in_process import done

DAY_MS = 86_400_000


def with_serials(folder, *, whole, name="InvoiceDate", suffix="csv"):
    """Write events with dates of Excel in the column `name`. Return the path and the times."""
    events = pl.read_csv(retail_rocket(folder))
    days = pl.col("timestamp") / DAY_MS + 25_569
    serial = events.with_columns((days.floor().cast(pl.Int64) if whole else days.round(8)).alias(name))
    path = folder / f"sales.{suffix}"
    frame = serial.drop("timestamp", *(["event"] if name == "event time" else []))
    frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    return path, events["timestamp"].cast(pl.Datetime("ms"))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", ["InvoiceDate", "event time"])
def test_the_times_of_the_dataset_are_those_of_excel(tmp_path, whole, name, suffix):
    path, times = with_serials(tmp_path, whole=whole, name=name, suffix=suffix)
    config = tmp_path / "als.yaml"
    report = done("init", path, "--yes", "--output", config)
    time = next(guess for guess in report["guesses"] if guess["key"] == "events.columns.timestamp")
    assert (time["value"], time["sureness"]) == (name, "sure")
    assert "days since 1899-12-30" in time["reasons"][0]
    assert "25569" in report["query"]
    assert done("check", "-c", config)["ok"]
    ingested = done("ingest", "-c", config)
    assert ingested["rejected"] == {}
    first = datetime.fromisoformat(ingested["first_time"]).replace(tzinfo=None)
    expected = times.min().replace(hour=0, minute=0, second=0, microsecond=0) if whole else times.min()
    assert abs((first - expected).total_seconds()) < 1


def test_the_column_may_be_named(tmp_path):
    path, _ = with_serials(tmp_path, whole=False)
    config = tmp_path / "als.yaml"
    report = done("init", path, "--yes", "--output", config, "--column", "timestamp=InvoiceDate")
    assert "25569" in report["query"]
    assert load_config(config, environment={}).events.timestamp_format == "s"


@pytest.mark.parametrize(
    ("name", "values"),
    [("price", [30_000, 40_000]), ("date", [10, 20]), ("date", [30_000, 70_000]), ("date", ["a", "30000"])],
)
def test_other_numbers_are_no_dates(name, values):
    assert excel_date(facts_of(pl.DataFrame({name: values}))) is None
