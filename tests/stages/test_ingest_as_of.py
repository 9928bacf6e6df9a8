"""`events.as_of`: later events do not exist for `als ingest`."""

import io
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from rich.console import Console

from als_cli.console.views.ingest import render_ingest
from als_cli.errors import ConfigError, DataError
from als_cli.stages.ingest import ingest, ingest_key
from tests.stages.ingesting import context_of, ingested, strengths

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = "u1,a,2026-02-01\nu2,b,2026-02-02\nu2,a,2026-02-03\n"
HEADER = "user_id,item_id,ts\n"
TIMES = {"columns": {"timestamp": "ts"}}


def table(times):
    """Return events of two users on two items, one per time, so that each subset of 4 has all of them."""
    rows = len(times)
    return pl.DataFrame(
        {
            "user_id": [f"u{k % 2}" for k in range(rows)],
            "item_id": [f"i{k // 2 % 2}" for k in range(rows)],
            "ts": times,
        }
    )


def left(dataset):
    return dataset.scan_events().collect()["timestamp"].to_list()


def test_an_event_at_the_instant_exists_and_an_event_after_it_does_not(tmp_path):
    early = [NOON - timedelta(days=k) for k in range(4)]
    later = [NOON + timedelta(microseconds=1), NOON + timedelta(days=400)]

    report, dataset = ingested(
        tmp_path, table(early + later), name="events.parquet", as_of=NOON.isoformat(), **TIMES
    )

    assert left(dataset) == early
    assert (report.as_of, report.rows, report.later_events, report.events) == (NOON, 6, 2, 4)
    assert report.dropped == report.rejected == {}
    assert [source.rows for source in report.sources] == [6]
    assert dataset.manifest.counts["later_events"] == 2
    assert dataset.manifest.as_of == NOON
    assert [file.rows for file in dataset.manifest.inputs] == [6]


@pytest.mark.parametrize(
    ("as_of", "later"),
    [
        ("2026-03-01T12:00:00Z", 2),
        ("2026-03-01T12:00:00", 2),
        ("2026-03-01 13:59:59+02:00", 3),
        ("2026-03-01T14:00:00+02:00", 2),
        ("2026-03-01", 4),
        ("2026-03-02", 0),
        ("9999-12-31T23:59:59.999999Z", 0),
    ],
)
@pytest.mark.parametrize("form", ["zoned", "plain", "s", "ms", "us", "typed", "zoned type"])
def test_times_with_and_without_zone_compare_as_instants(tmp_path, as_of, later, form):
    times = [NOON + timedelta(hours=h) for h in (-72, -48, -30, -24, -1, 0, 1, 2)]
    epoch = [int(time.timestamp()) for time in times]
    written = {
        "zoned": [time.astimezone(tz).isoformat() for time, tz in zip(times, ZONES * 2, strict=True)],
        "plain": [f"{time:%Y-%m-%d %H:%M:%S}" for time in times],
        "s": epoch,
        "ms": [1000 * n for n in epoch],
        "us": [1_000_000 * n for n in epoch],
        "typed": [time.replace(tzinfo=None) for time in times],
        "zoned type": pl.Series(times).dt.convert_time_zone("Asia/Tokyo").dt.cast_time_unit("ms"),
    }[form]

    report, dataset = ingested(tmp_path, table(written), name="events.parquet", as_of=as_of, **TIMES)

    assert report.later_events == later
    assert left(dataset) == times[: len(times) - later]


ZONES = [UTC, *(datetime.strptime(text, "%z").tzinfo for text in ("+0200", "-0930", "+1400"))]


def test_later_rows_are_never_bad_and_count_in_no_fraction(tmp_path):
    broken = "".join(f",,2026-05-{1 + k % 28:02}\n" for k in range(97))
    keys = TIMES | {"as_of": "2026-03-01"}

    report, _ = ingested(tmp_path, HEADER + GOOD + broken, **keys, bad_rows="fail")
    assert (report.rows, report.later_events, report.events, report.rejected) == (100, 97, 3, {})

    with pytest.raises(DataError, match=r"1 of 4 rows are bad \(25.0%\)"):
        ingested(tmp_path, HEADER + GOOD + broken + ",a,2026-02-01\n", **keys)


def test_rows_without_a_readable_time_stay_bad_with_their_number_in_the_file(tmp_path):
    text = "u9,z,2026-05-01\n" + GOOD + "u1,b,2026-05-01\nu1,b,\nu1,b,soon\nu1,b,2026-02-01\n"

    report, dataset = ingested(tmp_path, HEADER + text, **TIMES, as_of="2026-03-01", max_bad_fraction=0.5)

    rows = pl.read_parquet(dataset.folder / "rejected.parquet").select("row", "reason").rows()
    assert rows == [(6, "null_time"), (7, "unreadable_time")]
    assert report.later_events == 2
    assert report.events + report.later_events + sum(report.rejected.values()) == report.rows == 8


def test_a_far_future_time_is_a_later_event_and_the_tolerance_has_no_effect(tmp_path):
    text = HEADER + GOOD + "u1,b,2999-01-01\n"
    with pytest.raises(DataError, match="1 of 4 rows are bad"):
        ingested(tmp_path, text, **TIMES)

    before, _ = ingested(tmp_path, text, **TIMES, as_of="2998-01-01", future_tolerance="300000d")
    after, _ = ingested(tmp_path, text, **TIMES, as_of="2999-01-01")

    assert (before.later_events, before.events) == (1, 3)
    assert (after.later_events, after.events, after.rejected) == (0, 4, {})


def test_later_rows_change_neither_id_types_nor_the_types_of_a_condition(tmp_path):
    text = (
        "user_id,item_id,ts,price\n1,7,2026-02-01,5\n2,7,2026-02-02,0\n2,8,2026-02-03,9\n1,8,2026-02-04,9\n"
    )
    later = "x17,7,2026-05-01,n/a\n1,y,2026-05-02,soon\n"
    keys = TIMES | {"where": "price > 3"}
    with pytest.raises(ConfigError, match=r"events.where cannot be applied"):
        ingested(tmp_path, text + later, **keys)

    report, dataset = ingested(tmp_path, text + later, **keys, as_of="2026-03-01")

    assert strengths(dataset) == {(1, 7): 1.0, (2, 8): 1.0, (1, 8): 1.0}
    assert (report.later_events, report.dropped) == (2, {"where": 1})


@pytest.mark.parametrize("name", ["events.csv", "events.parquet"])
def test_a_condition_is_not_computed_for_later_rows(tmp_path, name):
    text = "user_id,item_id,ts,price\nu1,a,2026-02-01,5\nu2,b,2026-02-02,9\nu2,c,2026-05-01,n/a\n"
    content = text if name.endswith("csv") else pl.read_csv(text.encode(), infer_schema=False)
    keys = TIMES | {"where": "cast(price as int) > 3"}
    with pytest.raises(DataError):
        ingested(tmp_path, content, name=name, **keys)

    report, _ = ingested(tmp_path, content, name=name, **keys, as_of="2026-03-01")

    assert (report.events, report.later_events) == (2, 1)


def test_later_rows_count_in_no_event_type_and_give_no_warning(tmp_path, caplog):
    text = "user_id,item_id,ts,kind\n" + "".join(f"{row},view\n" for row in GOOD.splitlines())
    later = "u1,a,2026-05-01,buy\nu1,a,2026-05-02,view\n"
    keys = {"columns": {"timestamp": "ts", "type": "kind"}}

    ingested(tmp_path, text + later, **keys)
    assert "have the same weight" in caplog.text
    caplog.clear()
    report, _ = ingested(tmp_path, text + later, **keys, as_of="2026-03-01")

    assert caplog.text == ""
    assert [(kind.type, kind.rows) for kind in report.types] == [("view", 3)]


@pytest.mark.parametrize(
    "where", ["country in ('fr', 'de')", "price > 3", "starts_with(country, 'f') or price = 1"]
)
def test_files_that_have_later_events_only_are_left_out(tmp_path, where):
    (tmp_path / "1.csv").write_text(
        "user_id,item_id,ts,country,price\nu1,a,2026-02-01,fr,5\nu2,b,2026-02-02,fr,6\n", encoding="utf-8"
    )
    (tmp_path / "2.csv").write_text(
        "user_id,item_id,ts,country,price\nu3,c,2026-04-01,fr,7\n", encoding="utf-8"
    )
    keys = {"source": str(tmp_path / "*.csv"), "where": where, **TIMES, "as_of": "2026-03-01"}

    context = context_of(tmp_path, keys)
    report = ingest(context)

    assert (report.later_events, report.events, report.users) == (1, 2, 2)
    assert [source.rows for source in report.sources] == [2, 1]


def test_decay_counts_from_the_instant(tmp_path):
    text = HEADER + "u1,a,2026-02-27\nu2,b,2026-02-25\nu2,a,2026-03-20\n"

    _, dataset = ingested(tmp_path, text, **TIMES, as_of="2026-03-01", half_life="2d")

    assert strengths(dataset) == pytest.approx({("u1", "a"): 0.5, ("u2", "b"): 0.25})


def test_events_without_times_cannot_have_an_instant(tmp_path):
    with pytest.raises(ConfigError, match=r"events\.as_of needs the times of the events") as caught:
        ingested(tmp_path, HEADER + GOOD, as_of="2026-03-01")
    assert "events.columns.timestamp" in caught.value.hint


def test_no_event_is_old_enough(tmp_path):
    with pytest.raises(DataError) as caught:
        ingested(tmp_path, HEADER + GOOD, **TIMES, as_of="2026-01-31T22:30:00-01:00")
    assert caught.value.message == "no event is at or before events.as_of 2026-01-31 23:30:00 UTC"
    assert caught.value.hint.startswith("the time of the oldest event is 2026-02-01 00:00:00 UTC")


def test_no_event_is_old_enough_and_some_have_no_readable_time(tmp_path):
    with pytest.raises(DataError, match="no event is at or before") as caught:
        ingested(tmp_path, HEADER + GOOD + "u1,a,\nu1,b,soon\n", **TIMES, as_of="2025-03-01")
    assert "2 rows have no readable time" in caught.value.hint


def test_times_in_another_unit_are_the_cause_if_all_events_are_later(tmp_path):
    text = HEADER + "u1,a,1772366400000\nu2,b,1772366401000\n"
    with pytest.raises(DataError, match="no event is at or before") as caught:
        ingested(tmp_path, text, **TIMES, as_of="2026-03-01", timestamp_format="s")
    assert caught.value.hint.endswith("set events.timestamp_format: ms")


def test_times_beyond_the_calendar_are_later(tmp_path):
    text = HEADER + "u1,a,99999999999999999\nu2,b,99999999999999999\n"
    with pytest.raises(DataError, match="no event is at or before") as caught:
        ingested(tmp_path, text, **TIMES, as_of="2026-03-01", timestamp_format="s")
    assert "after the year 9999" in caught.value.hint


def test_a_condition_that_leaves_nothing_does_not_count_later_rows(tmp_path):
    text = HEADER + GOOD + "u1,c,2026-05-01\n"
    with pytest.raises(DataError, match="drop all 3 rows"):
        ingested(tmp_path, text, **TIMES, as_of="2026-03-01", where="item_id = 'c'")


def test_the_hint_for_unreadable_times_counts_times_after_the_instant_as_readable(tmp_path):
    times = [NOON - timedelta(days=40 * k) for k in range(20)]
    text = HEADER + "".join(f"u{k % 2},i{k // 2 % 2},{time:%d.%m.%Y %H:%M}\n" for k, time in enumerate(times))
    with pytest.raises(DataError, match="all 20 rows are bad") as caught:
        ingested(tmp_path, text, **TIMES, as_of=(NOON - timedelta(days=300)).isoformat())
    assert caught.value.hint == ("set events.timestamp_format: '%d.%m.%Y %H:%M', which reads all 20 times")


def test_a_very_late_instant_with_decay_explains_that_nothing_is_left(tmp_path):
    with pytest.raises(DataError, match="no interactions are left") as caught:
        ingested(tmp_path, HEADER + GOOD, **TIMES, as_of="2999-01-01", half_life="1d")
    assert "many half-lives after the newest event" in caught.value.hint


def test_the_key_depends_on_the_instant_and_not_on_its_spelling(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text(HEADER + GOOD, encoding="utf-8")

    def key(as_of):
        return ingest_key(context_of(tmp_path, {"source": str(path), **TIMES, "as_of": as_of}))

    assert key("2026-03-01T01:00:00+01:00") == key("2026-03-01") == key("2026-03-01T00:00:00Z")
    assert len({key(None), key("2026-03-01"), key("2026-03-02")}) == 3


def test_the_report_shows_later_events_in_one_line(tmp_path):
    def shown(as_of):
        report, _ = ingested(tmp_path, HEADER + GOOD, **TIMES, as_of=as_of)
        console = Console(width=80, file=io.StringIO())
        console.print(render_ingest(report))
        return [line.split() for line in console.file.getvalue().splitlines() if "as_of" in line]

    assert shown("2026-02-02") == [["1", "later", "than", "events.as_of,", "2026-02-02", "00:00:00", "UTC"]]
    assert shown("2026-02-03") == []
