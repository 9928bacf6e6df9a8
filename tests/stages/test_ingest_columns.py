"""`als ingest` with ids, times and conditions of all supported types."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from als_cli.stages.ingest import ingest
from als_cli.storage.dataset_files import open_dataset
from tests.stages.ingesting import context_of, ingested, strengths

DAY = datetime(2025, 3, 1, tzinfo=UTC)
SECONDS = int(DAY.timestamp())


def with_times(values):
    return "user_id,item_id,ts\n" + "".join(f"u{k},i{k},{value}\n" for k, value in enumerate(values))


@pytest.mark.parametrize(
    "raw",
    [
        [DAY, DAY + timedelta(hours=5)],
        [date(2025, 3, 1), date(2025, 3, 2)],
        [SECONDS, SECONDS + 3600],
        [SECONDS * 1000, SECONDS * 1000 + 7],
        [SECONDS * 10**6, SECONDS * 10**6 + 123_457],
        [SECONDS * 10**9, SECONDS * 10**9 + 123_457_999],
        [SECONDS + 0.25, SECONDS + 0.5],
        ["2025-03-01", "2025-03-01T06:07:08Z"],
        ["2025-03-01 10:00", "2025-03-01 10:00:01.5+02:00"],
        [str(SECONDS), str(SECONDS + 1)],
    ],
    ids=["datetime", "date", "s", "ms", "us", "ns", "float_s", "iso", "iso_mixed", "text_s"],
)
def test_all_supported_times_are_recognised(tmp_path, raw):
    wanted = {
        "datetime": lambda v: v,
        "date": lambda v: datetime(v.year, v.month, v.day, tzinfo=UTC),
        "str": from_text,
        "int": from_epoch,
        "float": from_epoch,
    }[type(raw[0]).__name__]
    table = pl.DataFrame({"user_id": ["u1", "u2"], "item_id": ["a", "b"], "ts": raw})

    _, dataset = ingested(tmp_path, table, name="events.parquet", columns={"timestamp": "ts"})

    assert dataset.scan_events().collect()["timestamp"].to_list() == [wanted(value) for value in raw]


def from_epoch(value):
    unit = next(u for u in (1, 10**3, 10**6, 10**9) if value / u < 10**10)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(value * 10**6 // unit))


def from_text(value):
    if value.isdigit():
        return from_epoch(int(value))
    time = datetime.fromisoformat(value)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("declared", "values", "wanted"),
    [
        ("%d/%m/%Y %H:%M", ["01/03/2025 00:00", "02/03/2025 12:30"], [DAY, DAY + timedelta(hours=36.5)]),
        ("%Y%m%d", ["20250301", "20250302"], [DAY, DAY + timedelta(days=1)]),
        ("ms", [0, 1500], [datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC)]),
    ],
)
def test_a_declared_format_is_used_as_it_is(tmp_path, declared, values, wanted):
    _, dataset = ingested(
        tmp_path, with_times(values), columns={"timestamp": "ts"}, timestamp_format=declared
    )

    assert dataset.scan_events().collect()["timestamp"].to_list() == wanted


def test_zoned_times_become_utc(tmp_path):
    zoned = pl.Series([datetime(2025, 3, 1, 17, tzinfo=UTC)] * 2).dt.convert_time_zone("America/New_York")
    table = pl.DataFrame({"user_id": [1, 2], "item_id": [1, 2], "ts": zoned})

    _, dataset = ingested(tmp_path, table, name="e.parquet", columns={"timestamp": "ts"})

    assert dataset.interactions.newest == datetime(2025, 3, 1, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ids", "wanted"),
    [
        (["7", "12"], [7, 12]),
        (["07", "12"], ["07", "12"]),
        (["+7", "12"], ["+7", "12"]),
        (["7", "x"], ["7", "x"]),
        (["7", "99999999999999999999"], ["7", "99999999999999999999"]),
        (["-7", "0"], [-7, 0]),
        ([7, 12], [7, 12]),
        ([13085.0, 13086.0], [13085, 13086]),
        ([1.5, 2.0], ["1.5", "2"]),
    ],
)
def test_ids_become_integers_only_without_loss(tmp_path, ids, wanted):
    table = pl.DataFrame({"user_id": ids, "item_id": ["a", "b"]})

    _, dataset = ingested(tmp_path, table, name="events.parquet")

    assert dataset.interactions.user_ids.to_list() == sorted(wanted)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt16, pl.Int32, pl.UInt64])
def test_a_typed_id_keeps_its_type(tmp_path, dtype):
    table = pl.DataFrame({"user_id": pl.Series([1, 2], dtype=dtype), "item_id": ["a", "b"]})

    _, dataset = ingested(tmp_path, table, name="events.parquet")

    assert dataset.interactions.user_ids.dtype == dtype


def test_integer_types_that_differ_between_sources_widen(tmp_path):
    for name, dtype in (("a.parquet", pl.Int32), ("b.parquet", pl.UInt16)):
        table = pl.DataFrame({"user_id": pl.Series([1, 2], dtype=dtype), "item_id": ["a", "b"]})
        table.write_parquet(tmp_path / name)
    context = context_of(tmp_path, {"source": str(tmp_path / "*.parquet")})
    ingest(context)

    assert open_dataset(context.dataset_place).interactions.user_ids.dtype == pl.Int64


def test_declared_id_types_are_obeyed(tmp_path):
    text = "user_id,item_id\n007,1\n8,2\nx,1\n"
    report, dataset = ingested(
        tmp_path, text, id_types={"user": "int", "item": "string"}, max_bad_fraction=0.5
    )

    assert dataset.interactions.user_ids.to_list() == [7, 8]
    assert dataset.interactions.item_ids.to_list() == ["1", "2"]
    assert report.rejected == {"unreadable_user": 1}


def test_conditions_on_text_columns_compare_numbers_as_numbers(tmp_path):
    text = "user_id,item_id,price,code\nu1,a,9.5,010\nu2,b,10,010\nu3,c,100,011\nu4,a,,010\n"

    report, dataset = ingested(tmp_path, text, where="price > 9.7 and code like '01%'")

    assert dataset.interactions.user_ids.to_list() == ["u2", "u3"]
    assert report.dropped == {"where": 2}


def test_sources_have_their_own_columns_and_formats(tmp_path):
    (tmp_path / "one.txt").write_text("u1|a\nu2|b\n", encoding="utf-8")
    (tmp_path / "two.csv").write_text("thing;person;n\nc;u3;2\n", encoding="latin-1")
    events = {
        "columns": {"user": "person", "item": "thing", "value": "n"},
        "source": [
            {"path": str(tmp_path / "one.txt"), "header": False, "columns": {"user": 1, "item": 2}},
            {"path": str(tmp_path / "two.csv"), "encoding": "latin-1"},
        ],
    }
    context = context_of(tmp_path, events)
    report = ingest(context)

    assert strengths(open_dataset(context.dataset_place)) == {("u1", "a"): 1, ("u2", "b"): 1, ("u3", "c"): 2}
    assert [source.rows for source in report.sources] == [2, 1]


def test_times_with_an_unlikely_unit_are_warned_of(tmp_path, caplog):
    ingested(
        tmp_path, with_times([SECONDS, SECONDS + 60]), columns={"timestamp": "ts"}, timestamp_format="ms"
    )

    assert "the values look like seconds: set events.timestamp_format: s" in caplog.text
