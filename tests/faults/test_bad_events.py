"""Invalid events give one message and the documented exit code, and the earlier dataset stays."""

import hashlib
import io

import polars as pl
import pytest

from als_cli.config.root import Config
from als_cli.errors import ConfigError, DataError, ExitCode
from als_cli.stages.context import StageContext
from als_cli.stages.ingest import ingest, ingest_key

GOOD = "user_id,item_id,ts,kind,n\n" + "".join(
    f"u{k % 5},i{k % 3},2025-03-0{1 + k % 9},view,{k}\n" for k in range(1, 30)
)
EVERY_COLUMN = {"timestamp": "ts", "type": "kind", "value": "n"}
MILLISECONDS = 1_740_787_200_000


def context_of(folder, stdin=b"", **events):
    config = Config.model_validate({"workspace": str(folder / "work"), "events": events})
    return StageContext(config=config, stdin=io.BytesIO(stdin))


def bytes_below(folder):
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


@pytest.fixture
def failure(tmp_path):
    """Return a function that ingests bad events, checks that the earlier dataset stays, and returns the error."""
    (tmp_path / "good.csv").write_text(GOOD, encoding="utf-8")
    ingest(context_of(tmp_path, source=str(tmp_path / "good.csv"), columns=EVERY_COLUMN))
    before = bytes_below(tmp_path / "work")

    def ingest_other(content=None, *, name="bad.csv", stdin=b"", **events):
        if isinstance(content, pl.DataFrame):
            content.write_parquet(tmp_path / name)
        elif content is not None:
            (tmp_path / name).write_text(content, encoding="utf-8")
        source = events.pop("source", str(tmp_path / name))
        with pytest.raises((ConfigError, DataError)) as caught:
            ingest(context_of(tmp_path, stdin=stdin, source=source, **events))
        assert bytes_below(tmp_path / "work") == before
        assert caught.value.hint
        assert "\n" not in caught.value.message
        return caught.value

    return ingest_other


def test_a_missing_file_is_named(failure, tmp_path):
    error = failure(source=str(tmp_path / "god.csv"))

    assert error.exit_code == ExitCode.DATA
    assert f"no such file: {tmp_path / 'god.csv'}" in error.message
    assert "good.csv" in error.hint


def test_the_key_of_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        ingest_key(context_of(tmp_path, source=str(tmp_path / "nothing.csv")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("user_id,item_id\n", "has no rows"),
        ('user_id,item_id\nu1,"a\nu2,b\n', "a quote is opened and never closed"),
        ("user_id,item_id\nu1,a,extra\n", "more fields than the first line"),
    ],
)
def test_a_file_without_a_table_is_named(failure, tmp_path, content, message):
    error = failure(content)

    assert error.exit_code == ExitCode.DATA
    assert message in error.message
    assert str(tmp_path / "bad.csv") in error.message


def test_a_wrong_column_name_suggests_a_similar_name(failure, tmp_path):
    error = failure(GOOD, columns={"user": "userid"})

    assert error.exit_code == ExitCode.USAGE
    assert "events.columns.user" in error.message
    assert str(tmp_path / "bad.csv") in error.message
    assert "did you mean 'user_id'?" in error.hint
    assert "item_id" in error.hint


def test_a_wrong_column_of_one_source_names_its_key(failure, tmp_path):
    good = str(tmp_path / "good.csv")
    error = failure(source=[good, {"path": good, "columns": {"item": "itm"}}])

    assert "events.source[1].columns.item" in error.message


def test_files_with_different_columns_lead_to_columns_per_file(failure, tmp_path):
    (tmp_path / "other.csv").write_text(GOOD.replace("user_id", "userid"), encoding="utf-8")

    error = failure(source=[str(tmp_path / "good.csv"), str(tmp_path / "other.csv")])

    assert error.exit_code == ExitCode.USAGE
    assert "did you mean 'userid'?" in error.hint
    assert f"write {{path: {tmp_path / 'other.csv'}, columns: {{…}}}} in events.source" in error.hint


def test_different_id_types_name_both_sources_and_a_fix(failure, tmp_path):
    pl.DataFrame({"user_id": [1, 2], "item_id": ["a", "b"]}).write_parquet(tmp_path / "numbers.parquet")
    pl.DataFrame({"user_id": ["u1", "2"], "item_id": ["a", "b"]}).write_parquet(tmp_path / "texts.parquet")
    both = [str(tmp_path / "numbers.parquet"), str(tmp_path / "texts.parquet")]

    error = failure(source=both)
    report = ingest(context_of(tmp_path / "other", source=both, id_types={"user": "string"}))

    assert error.exit_code == ExitCode.DATA
    assert all(path in error.message for path in both)
    assert "user ids have different types" in error.message
    assert "events.id_types.user: string" in error.hint
    assert report.users == 3


def test_too_many_bad_rows_are_counted_per_reason_with_examples(failure, tmp_path):
    rows = ["u1,i1,2025-03-01,view,many", ",i1,2025-03-01,view,1", "u1,i2,soon,view,1", "u2,i2,,view,1"]
    error = failure(
        "user_id,item_id,ts,kind,n\n" + "\n".join(rows) + "\n" + "u3,i3,2025-03-01,view,1\n" * 6,
        columns=EVERY_COLUMN,
    )

    assert error.exit_code == ExitCode.DATA
    assert "4 of 10 rows are bad (40.0%), more than events.max_bad_fraction 0.05" in error.message
    assert [line.split(":")[0] for line in error.problems[:4]] == [
        "null_user",
        "null_time",
        "unreadable_time",
        "unreadable_value",
    ]
    assert f"{tmp_path / 'bad.csv'}, row 1: unreadable_value" in error.problems[4]
    assert "value='many'" in error.problems[4]
    assert "row 2: null_user" in error.problems[5]


def test_one_bad_row_fails_with_bad_rows_fail(failure):
    error = failure(GOOD + ",i1,2025-03-01,view,1\n", columns=EVERY_COLUMN, bad_rows="fail")

    assert "1 of 30 rows are bad, and events.bad_rows is `fail`" in error.message


def test_all_rows_bad_is_an_error_at_any_tolerance(failure):
    error = failure("user_id,item_id\n,a\n,b\n", max_bad_fraction=1.0)

    assert error.message == "all 2 rows are bad"
    assert error.problems[0].startswith("null_user: 2 rows")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("user_id,item_id\nu1,a\nu1,b\n", "only one user is left ('u1')"),
        ("user_id,item_id\nu1,a\nu2,a\n", "only one item is left ('a')"),
    ],
)
def test_one_user_or_one_item_is_an_error(failure, content, message):
    error = failure(content)

    assert error.exit_code == ExitCode.DATA
    assert message in error.message


def test_no_interactions_after_minimum_counts_is_an_error(failure):
    error = failure("user_id,item_id\nu1,a\nu2,b\n", min_user_interactions=2)

    assert error.message == "no interactions are left"
    assert "events.min_user_interactions" in error.hint


@pytest.mark.parametrize("as_text", [True, False])
def test_milliseconds_read_as_seconds_are_recognised(failure, as_text):
    times = pl.Series([MILLISECONDS + k for k in range(4)])
    table = pl.DataFrame(
        {"user_id": [1, 2, 1, 2], "item_id": [1, 2, 2, 1], "ts": times.cast(pl.String) if as_text else times}
    )

    error = failure(table, name="bad.parquet", columns={"timestamp": "ts"}, timestamp_format="s")

    assert error.exit_code == ExitCode.DATA
    assert error.problems[0].startswith("future_time: 4 rows")
    assert error.hint == "the values look like milliseconds: set events.timestamp_format: ms"


@pytest.mark.parametrize("odd", [0, 20_250_301, 99_999_999_999])
def test_no_epoch_unit_is_inferred_if_one_value_does_not_fit(failure, odd):
    table = pl.DataFrame({"user_id": [1, 2], "item_id": [1, 2], "ts": [MILLISECONDS, odd]})

    error = failure(table, name="bad.parquet", columns={"timestamp": "ts"})

    assert error.exit_code == ExitCode.DATA
    assert "the unit of the times in column 'ts' cannot be inferred" in error.message
    assert "events.timestamp_format" in error.hint


def test_very_large_epochs_are_future_times(failure):
    table = pl.DataFrame({"user_id": [1, 2], "item_id": [1, 2], "ts": [2**62, -(2**62)]})

    error = failure(table, name="bad.parquet", columns={"timestamp": "ts"}, timestamp_format="s")

    assert [line.split(":")[0] for line in error.problems[:2]] == ["unreadable_time", "future_time"]


def test_only_unlisted_types_is_an_error(failure):
    error = failure(GOOD, columns=EVERY_COLUMN, types={"buy": 1.0})

    assert error.exit_code == ExitCode.DATA
    assert "drop all 29 rows" in error.message
    assert "'view'" in error.hint


def test_unknown_types_are_bad_rows_with_unlisted_types_reject(failure):
    error = failure(
        GOOD.replace("view", "viw", 5), columns=EVERY_COLUMN, types={"view": 1.0}, unlisted_types="reject"
    )

    assert error.problems[0].startswith("unknown_type: 5 rows")


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ({"types": {"view": 1.0}}, "is mapped as the type"),
        ({"columns": {"timestamp": "ts"}, "timestamp_format": "dd/mm/yyyy"}, "events.timestamp_format"),
        ({"half_life": "3d"}, "events.half_life"),
        ({"where": "n + 1"}, "events.where"),
        ({"where": "m > 1"}, "no column 'm'"),
        ({"encoding": "utf-99"}, "encoding"),
        ({"source": ["-", "-"]}, "more than once"),
    ],
)
def test_a_config_that_does_not_fit_the_events_is_a_usage_error(failure, events, message):
    error = failure(GOOD, **events)

    assert error.exit_code == ExitCode.USAGE
    assert message in error.message


def test_columns_of_unusable_types_are_named(failure):
    lists = pl.DataFrame({"user_id": [[1], [2]], "item_id": [1, 2]})

    error = failure(lists, name="bad.parquet")

    assert "'user_id' holds List(Int64), which cannot be an id" in error.message


@pytest.mark.parametrize("stdin", [b"", b"user_id,item_id\n"])
def test_stdin_that_ends_early_is_named(failure, stdin):
    error = failure(source="-", stdin=stdin)

    assert error.exit_code == ExitCode.DATA
    assert "stdin" in error.message


def test_stdin_that_ends_inside_a_line_loses_only_that_line(tmp_path):
    report = ingest(
        context_of(tmp_path, source="-", stdin=b"user_id,item_id\nu1,a\nu2,b\nu", max_bad_fraction=0.5)
    )

    assert report.rejected == {"null_item": 1}
    assert report.events == 2


def test_a_wrong_encoding_names_file_and_key(failure, tmp_path):
    (tmp_path / "latin.csv").write_bytes("user_id,item_id\nZoë,a\nu2,b\n".encode("latin-1"))

    error = failure(source=str(tmp_path / "latin.csv"))

    assert error.exit_code == ExitCode.DATA
    assert f"{tmp_path / 'latin.csv'} is not utf-8 text" in error.message
    assert "encoding: latin-1" in error.hint


def test_sources_with_and_without_time_are_an_error(failure, tmp_path):
    good = str(tmp_path / "good.csv")

    error = failure(source=[good, {"path": good, "columns": {"timestamp": "ts"}}])

    assert error.exit_code == ExitCode.USAGE
    assert "no timestamp column while other sources have one" in error.message
