"""Tables that polars or the arithmetic of als cannot use: one message that names the file and, if known, the column."""

import datetime as dt
import decimal
import io
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from als_cli.config.root import Config
from als_cli.errors import AlsError, ConfigError, DataError, ExitCode
from als_cli.stages.context import StageContext
from als_cli.stages.ingest import ingest
from als_cli.storage.read_paths import ReadPath

USERS = [f"u{k % 5}" for k in range(30)]
ITEMS = [f"i{k % 3}" for k in range(30)]
CSV = "user_id,item_id,ts,n\n" + "".join(
    f"{user},{item},2025-03-0{1 + k % 9},{k}\n"
    for k, (user, item) in enumerate(zip(USERS, ITEMS, strict=True))
)


def ingested(file: Path, **events):
    config = Config.model_validate(
        {"workspace": str(file.parent / "work"), "events": {"source": str(file)} | events}
    )
    return ingest(StageContext(config=config, stdin=io.BytesIO(b"")))


def failure(file: Path, expected: type[AlsError], **events) -> AlsError:
    with pytest.raises(expected) as caught:
        ingested(file, **events)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


def written(file: Path, column: pa.Array) -> Path:
    """Write a table with users, items and `column` x, as Parquet or as Arrow."""
    table = pa.table({"user_id": USERS, "item_id": ITEMS, "x": column})
    if file.suffix == ".parquet":
        pq.write_table(table, file)
    else:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    return file


@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".parquet", ".arrow"])
def test_names_with_brackets_are_no_patterns(tmp_path, suffix):
    folder = tmp_path / "d [2025]"
    folder.mkdir()
    frame = pl.read_csv(CSV.encode())
    write = {
        ".csv": frame.write_csv,
        ".ndjson": frame.write_ndjson,
        ".parquet": frame.write_parquet,
        ".arrow": frame.write_ipc,
    }[suffix]
    write(folder / f"q [1]{suffix}")
    for name in (f"q [1]{suffix}", f"q*{suffix}"):
        assert ingested(folder / name).rows == 30
    pattern = ReadPath("events.source", str(folder / f"q*{suffix}"))
    assert pattern.files() == [folder / f"q [1]{suffix}"]


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
@pytest.mark.parametrize(
    ("column", "named"),
    [
        (pa.array([decimal.Decimal(1)] * 30, pa.decimal256(60, 3)), "decimal256(60, 3)"),
        (pa.RunEndEncodedArray.from_arrays(pa.array([30], pa.int32()), pa.array([1])), "run_end_encoded"),
        (pa.array([[1]] * 30, pa.list_view(pa.int64())), "list_view"),
        (pa.array([(1, 2, 3)] * 30, pa.month_day_nano_interval()), "month_day_nano_interval"),
        (pa.UnionArray.from_sparse(pa.array([0] * 30, pa.int8()), [pa.array([1] * 30)]), "sparse_union"),
        (pa.array([[[decimal.Decimal(1)]]] * 30, pa.list_(pa.list_(pa.decimal256(60)))), "decimal256"),
        (pa.array([0] * 30, pa.timestamp("ms", tz="+05:45")), "tz=+05:45"),
        (pa.array([0] * 30, pa.timestamp("ms", tz="Mars/Olympus")), "tz=Mars/Olympus"),
    ],
)
def test_a_column_type_that_polars_cannot_read_is_named(tmp_path, column, named, suffix):
    try:
        file = written(tmp_path / f"events{suffix}", column)
    except pa.ArrowException:
        assert suffix == ".parquet"  # Parquet has no such type
        return
    error = failure(file, DataError)
    assert f"{file}: column 'x' has type " in error.message
    assert named in error.message


@pytest.mark.parametrize(
    "column",
    [pa.array([2**31 - 1] * 30, pa.int32()).cast(pa.date32()), pa.array([-(2**63)] * 30, pa.timestamp("us"))],
    ids=str,
)
def test_dates_outside_the_calendar_are_bad_rows(tmp_path, column):
    error = failure(written(tmp_path / "events.parquet", column), DataError, columns={"timestamp": "x"})
    assert error.message == "all 30 rows are bad"
    assert error.problems[0].startswith("unreadable_time: 30 rows")
    assert (
        str(column.cast("int64" if column.type.bit_width == 64 else "int32")[0].as_py()) in error.problems[1]
    )


def test_a_date_outside_the_calendar_does_not_wrap_around(tmp_path):
    days = pa.array([20_000] * 29 + [20_000 + 213_503_982], pa.int32()).cast(pa.date32())
    report = ingested(written(tmp_path / "events.parquet", days), columns={"timestamp": "x"})
    assert report.rejected == {"unreadable_time": 1}


@pytest.mark.parametrize(
    "encoding", ["rot13", "zip", "hex", "base64", "bz2", "idna", "undefined", "a\0b", ""]
)
def test_a_codec_that_is_no_encoding(tmp_path, encoding):
    (tmp_path / "events.csv").write_text(CSV)
    error = failure(tmp_path / "events.csv", ConfigError, encoding=encoding)
    assert error.message == f"encoding: {encoding!r} is not a known text encoding"


@pytest.mark.parametrize("name", ["^a.*$", "^.*$", "*", "^item_id$"])
def test_a_column_whose_name_is_a_pattern(tmp_path, name):
    (tmp_path / "events.csv").write_text(CSV.replace("user_id", name))
    for reference in (name, 1):
        error = failure(tmp_path / "events.csv", ConfigError, columns={"user": reference}, header=True)
        assert error.message.startswith(f"events.columns.user: column {name!r} of {tmp_path}/events.csv")


def test_a_cast_that_fails_in_a_later_row_names_the_row_and_the_column(tmp_path):
    (tmp_path / "events.csv").write_text(CSV + "u1,i1,2025-03-01,many\n")
    error = failure(tmp_path / "events.csv", DataError, where="cast(n as int) < 100")
    assert error.message == (
        f"events.where fails in row 31 of {tmp_path}/events.csv: column 'n' has a value that is not a whole number in range, "
        'for example "many"'
    )


def test_a_broken_file_is_not_a_mistake_in_the_condition(tmp_path):
    file = tmp_path / "events.arrow"
    pl.read_csv(CSV.encode()).write_ipc(file, compression="lz4")
    content = file.read_bytes()
    frame = b"\x04\x22\x4d\x18"  # the first bytes of compressed values
    assert frame in content
    file.write_bytes(content.replace(frame, b"\x05\x22\x4d\x18"))
    error = failure(file, DataError, where="n > 1")
    assert error.message.startswith(f"{file} cannot be read: ")


def test_an_arrow_file_with_a_false_size_does_not_abort_the_process(tmp_path):
    file = tmp_path / "events.arrow"
    users = [user * 200 for user in USERS]
    pl.DataFrame({"item_id": ITEMS, "user_id": users}).write_ipc(file, compression="zstd")
    content = bytearray(file.read_bytes())
    frame = content.rindex(b"\x28\xb5\x2f\xfd")  # before the compressed values is their size
    content[frame - 8 : frame] = (1 << 52).to_bytes(8, "little")
    file.write_bytes(content)
    error = failure(file, AlsError)
    assert error.exit_code in (ExitCode.DATA, ExitCode.RESOURCE)
    assert str(file) in error.message


def test_weights_beyond_the_range_of_floats(tmp_path):
    (tmp_path / "events.csv").write_text(CSV.replace("2025-03-09,", "2025-03-09,9"))
    error = failure(
        tmp_path / "events.csv",
        DataError,
        columns={"type": "ts", "value": "n"},
        types={f"2025-03-0{k}": 1e308 for k in range(1, 10)},
    )
    assert error.message == "the weight of an event is too large for a 64-bit float"


def test_times_in_year_1_are_placeholders(tmp_path):
    (tmp_path / "events.csv").write_text(CSV.replace("2025-", "0001-"))
    error = failure(tmp_path / "events.csv", DataError, columns={"timestamp": "ts"})
    assert "30 rows, the timestamp cannot be read, or is before the year 1000" in error.problems[0]


def test_the_longest_duration_does_not_leave_the_calendar(tmp_path):
    (tmp_path / "events.csv").write_text(CSV)
    report = ingested(tmp_path / "events.csv", columns={"timestamp": "ts"}, future_tolerance="328725d")
    assert report.rows == 30


def test_ids_beyond_64_bits_are_kept(tmp_path):
    big = 2**63
    (tmp_path / "events.csv").write_text(
        "user_id,item_id\n" + "".join(f"{big + k % 3},i{k % 4}\n" for k in range(12))
    )
    assert ingested(tmp_path / "events.csv").users == 3
    table = pa.table(
        {"user_id": pa.array([big + k % 3 for k in range(12)], pa.uint64()), "item_id": ITEMS[:12]}
    )
    pq.write_table(table, tmp_path / "events.parquet")
    assert ingested(tmp_path / "events.parquet").users == 3


def test_a_panic_of_polars_is_an_error_of_the_file(tmp_path, monkeypatch):
    def panic(*_arguments, **_options):
        raise pl.exceptions.PanicException("index out of bounds")

    (tmp_path / "events.csv").write_text(CSV)
    monkeypatch.setattr(pl, "scan_csv", panic)
    error = failure(tmp_path / "events.csv", DataError)
    assert error.message.startswith(f"{tmp_path}/events.csv cannot be read: ")
    assert "index out of bounds" in error.message


def test_times_at_the_end_of_the_calendar(tmp_path):
    (tmp_path / "events.csv").write_text(CSV.replace("2025-03-0", "9999-12-2"))
    as_of = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC)
    report = ingested(tmp_path / "events.csv", columns={"timestamp": "ts"}, as_of=as_of, half_life="30d")
    assert report.rows == 30
