"""Small files that expand to gigabytes are refused before memory is gone. Files of real events are read."""

import gzip
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from als_cli.config.source import TableFormat
from als_cli.errors import DataError
from als_cli.tables import expansion, parquet_sizes, scan
from als_cli.tables.arrow_sizes import arrow_sizes
from als_cli.tables.delimited import Wanted
from als_cli.tables.parquet_footer import read_footer
from als_cli.tables.scan import scan_table
from tests.shop import write_shop
from tests.tables.bombs import (
    BLOCK_BYTES,
    BLOCKS,
    arrow_bomb,
    parquet_pages_bomb,
    repeated_rows,
    replaced,
    shared_text,
    text_bomb,
    varint,
)

ROOT = Path(__file__).parents[2]
HEAD = b"user_id,item_id\n"
EXPANDED = BLOCK_BYTES * BLOCKS
PEAK_BYTES = 450 << 20
BOMBS = {
    "equal lines.csv.gz": lambda path: text_bomb(path, HEAD, b"u,i\n"),
    "equal lines.csv.zst": lambda path: text_bomb(path, HEAD, b"u,i\n"),
    "equal lines.csv.zip": lambda path: text_bomb(path, HEAD, b"u,i\n"),
    "one line.ndjson.zip": lambda path: text_bomb(path, b"", b" "),
    "one line.csv.gz": lambda path: text_bomb(path, HEAD, b"0"),
    "one line.csv.zst": lambda path: text_bomb(path, HEAD, b"0"),
    "open quote.csv.zst": lambda path: text_bomb(path, HEAD + b'"', b"u,i\n"),
    "equal lines.ndjson.gz": lambda path: text_bomb(path, b"", b'{"user_id": 1, "item_id": 2}\n'),
    "one line.ndjson.zst": lambda path: text_bomb(path, b"", b" "),
    "pages.parquet": parquet_pages_bomb,
    "rows.parquet": lambda path: repeated_rows(path, 1 << 23, groups=8),
    "text.parquet": shared_text,
    "text.arrow": shared_text,
    "zstd.arrow": arrow_bomb,
    "lz4.arrow": lambda path: arrow_bomb(path, "lz4"),
}


MEASURED = """
import os, sys
process = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(process, 0)
print(used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Prints the peak memory of a command. A process of its own does this, because the peak includes that of its parent."""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_exits_with_code_3_and_memory_stays_low(tmp_path, name):
    BOMBS[name](tmp_path / name)
    assert (tmp_path / name).stat().st_size < EXPANDED / 200
    config = write_shop(tmp_path)
    ingest = ["ingest", "-c", str(config), "--set", f"events.source={name}"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", MEASURED, sys.executable, "-m", "als_cli", *ingest],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 3, ended.stderr
    error = " ".join(ended.stderr.split())
    assert re.match(rf"error: (column 'user_id' of )?{tmp_path}/{name} (expands to|has) ", error), error
    assert int(ended.stdout) * (1 if sys.platform == "darwin" else 1024) < PEAK_BYTES < EXPANDED / 3


def refused(path, **fmt):
    with pytest.raises(DataError) as caught:
        scan_table(str(path), TableFormat(**fmt))
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value.message


def test_a_footer_that_declares_less_than_the_pages_does_not_help(tmp_path):
    path = parquet_pages_bomb(tmp_path / "lie.parquet")
    declared = pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size
    replaced(path, varint(declared), varint((1 << 20) + 1), times=2 * BLOCKS)
    assert pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size == (1 << 20) + 1
    assert "over 200 times the" in refused(path)


@pytest.mark.parametrize("option", ["1.0", "2.0"])
def test_a_page_header_with_more_values_than_the_footer_does_not_help(tmp_path, option):
    path, rows, values = tmp_path / "lie.parquet", 1 << 21, (1 << 27) - 1
    same = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["i"]))
    pq.write_table(
        pa.table({"item_id": same}), path, row_group_size=rows, store_schema=False, write_statistics=False,
        data_page_version=option, data_page_size=1 << 30, max_rows_per_page=1 << 30,
    )  # fmt: skip
    content, footer = path.read_bytes(), pq.read_metadata(path).serialized_size + 8
    pages = content[:-footer]
    # The number is in the header, also as the length of runs in the page, and in version 2 as the number of rows.
    assert pages.count(varint(rows)) == (3 if option == "1.0" else 4)
    path.write_bytes(pages.replace(varint(rows), varint(values)) + content[-footer:])
    assert f"{values:,} rows" in refused(path)


def test_columns_that_overlap_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "overlap.parquet"
    pq.write_table(pa.table({"item_id": ["a", "b"]}), path)
    with path.open("rb") as file:
        real = read_footer(file)
    monkeypatch.setattr(parquet_sizes, "read_footer", lambda _file: real._replace(groups=real.groups * 1000))
    assert "its columns have" in refused(path)


def test_a_buffer_that_declares_a_terabyte_is_refused(tmp_path):
    path = tmp_path / "lie.arrow"
    batch = pa.record_batch({"item_id": np.zeros(1 << 12, np.int64)})
    with pa.ipc.new_file(path, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
    replaced(path, (1 << 15).to_bytes(8, "little"), (1 << 40).to_bytes(8, "little"), times=1)
    assert "expands to 1,099,511,627,776 bytes or more" in refused(path)


def test_rows_without_any_buffer_are_refused(tmp_path):
    batch = pa.record_batch({"item_id": pa.nulls(1_234_567)})
    with pa.ipc.new_file(tmp_path / "nulls.arrow", batch.schema) as writer:
        writer.write_batch(batch)
    lengths = (number.to_bytes(8, "little") for number in (1_234_567, 1 << 40))
    replaced(tmp_path / "nulls.arrow", *lengths, times=3)
    assert "1,099,511,627,776 rows" in refused(tmp_path / "nulls.arrow")


@pytest.mark.parametrize("level", [0, 6, 9])
def test_zlib_is_refused_because_nothing_else_of_als_reads_it(tmp_path, level):
    import zlib

    (tmp_path / "events.csv").write_bytes(zlib.compress(HEAD + b"u,i\n", level))
    assert "compressed with zlib" in refused(tmp_path / "events.csv")


def events(rows=200_000):
    rng = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "user_id": rng.integers(0, 10_000, rows).astype(str),
            "item_id": rng.integers(0, 1000, rows),
            "type": ["view"] * rows,
            "nothing": pl.Series([None] * rows, dtype=pl.Float64),
            "tags": [["a", "b"], []] * (rows // 2),
        }
    )


def parquet_files(folder):
    """Yield the paths of ordinary files of several writers, versions and page sizes."""
    frame = events()
    frame.write_parquet(folder / "polars.parquet", row_group_size=50_000)
    duckdb.from_arrow(frame.to_arrow()).write_parquet(str(folder / "duckdb.parquet"))
    for version in ("1.0", "2.0"):
        for compression in ("none", "snappy", "gzip", "zstd"):
            pq.write_table(
                frame.to_arrow(), folder / f"{version}-{compression}.parquet",
                data_page_version=version, compression=compression, data_page_size=10_000, row_group_size=70_000,
            )  # fmt: skip
    long = pl.DataFrame({"item_id": ["x" * 100_000 + str(n) for n in range(50)]})
    pq.write_table(long.to_arrow(), folder / "long.parquet", use_dictionary=False, write_page_index=False)
    return sorted(folder.glob("*.parquet"))


def test_the_pages_of_ordinary_parquet_files_have_the_size_in_the_footer(tmp_path):
    for path in parquet_files(tmp_path):
        footer = pq.read_metadata(path)
        groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
        chunks = [group.column(n) for group in groups for n in range(group.num_columns)]
        with path.open("rb") as file:
            expanded, rows = parquet_sizes.parquet_sizes(file)
            own = [chunk for group in read_footer(file).groups for chunk in group.chunks]
            walked = [parquet_sizes._walk(file, chunk, path.stat().st_size) for chunk in own]
        assert expanded == sum(chunk.total_uncompressed_size for chunk in chunks), path
        assert rows == footer.num_rows, path
        assert [size for size, _ in walked] == [chunk.total_uncompressed_size for chunk in chunks], path
        assert [values for _, values in walked] == [chunk.num_values for chunk in chunks], path
        assert scan_table(str(path), TableFormat()).collect().height == footer.num_rows


@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
@pytest.mark.parametrize("is_legacy", [False, True], ids=["new", "legacy"])
def test_the_buffers_of_ordinary_arrow_files_have_their_size_in_memory(tmp_path, codec, is_legacy):
    table = (
        events()
        .with_columns(pl.col("type").cast(pl.Categorical))
        .to_arrow(compat_level=pl.CompatLevel.oldest())
    )
    options = pa.ipc.IpcWriteOptions(compression=codec, use_legacy_format=is_legacy)
    with pa.ipc.new_file(tmp_path / "a.arrow", table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=30_000)
    with (tmp_path / "a.arrow").open("rb") as file:
        expanded, rows = arrow_sizes(file)
    assert rows == table.num_rows + 1  # the dictionary has one row
    assert expanded == pytest.approx(table.nbytes, rel=0.01)


def test_a_parquet_file_without_rows_is_read(tmp_path):
    pq.write_table(events().head(0).to_arrow(), tmp_path / "empty.parquet")
    assert scan_table(str(tmp_path / "empty.parquet"), TableFormat()).collect().height == 0


def test_polars_and_feather_files_are_read(tmp_path):
    for codec in ("uncompressed", "lz4", "zstd"):
        events().write_ipc(tmp_path / f"{codec}.arrow", compression=codec)
        assert scan_table(str(tmp_path / f"{codec}.arrow"), TableFormat()).collect().height == 200_000


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_ordinary_compressed_text_is_read(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(
        expansion, "MAXIMUM_LINE_BYTES", 1 << 16
    )  # so that the file is not too small for the check
    monkeypatch.setattr(expansion, "_PIECE_BYTES", 1 << 12)
    lines = b"".join(b'u%d,"a\nquoted, ""long"" item %d"\n' % (n, n) for n in range(20_000))
    pack = gzip.compress if suffix == ".gz" else pa.Codec("zstd").compress
    path = tmp_path / f"events.csv{suffix}"
    path.write_bytes(bytes(pack(HEAD)) + bytes(pack(lines)))
    assert scan_table(str(path), TableFormat()).collect().height == 20_000


def test_the_text_of_ordinary_columns_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(scan, "BYTES_WITHOUT_LIMIT", 0)
    monkeypatch.setattr(expansion, "BYTES_WITHOUT_LIMIT", 1000)
    frame = events(20_000).with_columns(category=pl.col("user_id").cast(pl.Categorical), raw=pl.lit(b"ab"))
    frame.drop("category").write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "a.arrow")
    for name in ("a.parquet", "a.arrow"):
        columns = {
            str(n): ref for n, ref in enumerate(("user_id", 2, "category", "raw", "tags", "missing", 0, 99))
        }
        table = scan_table(str(tmp_path / name), TableFormat(), Wanted("events", columns))
        assert table.select(pl.len()).collect().item() == 20_000


def test_text_without_line_ends_in_ascii_is_read_in_its_encoding(tmp_path, monkeypatch):
    monkeypatch.setattr(expansion, "MAXIMUM_LINE_BYTES", 1 << 12)
    text = HEAD.decode() + "".join(f"u{n},i{n}\n" for n in range(20_000))
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress(text.encode("cp037")))
    assert (
        scan_table(str(tmp_path / "events.csv.gz"), TableFormat(encoding="cp037")).collect().height == 20_000
    )


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le"])
def test_a_long_line_in_another_encoding_is_refused(tmp_path, monkeypatch, encoding):
    monkeypatch.setattr(expansion, "MAXIMUM_LINE_BYTES", 1 << 20)
    path = tmp_path / "events.csv.zst"
    text = HEAD.decode() + "".join(f"u{n},i{n}\n" for n in range(200_000))
    path.write_bytes(bytes(pa.Codec("zstd").compress(text.encode(encoding))))
    assert scan_table(str(path), TableFormat(encoding=encoding)).collect().height == 200_000
    path.write_bytes(bytes(pa.Codec("zstd").compress((text + "0" * (4 << 20)).encode(encoding))))
    assert "has a line of more than 1 MiB" in refused(path, encoding=encoding)


def test_a_small_table_is_read_at_any_ratio(tmp_path):
    repeated_rows(tmp_path / "rows.parquet", 1 << 22)
    assert (
        scan_table(str(tmp_path / "rows.parquet"), TableFormat()).select(pl.len()).collect().item() == 1 << 22
    )


@pytest.mark.parametrize("seed", range(20))
def test_broken_metadata_raise_no_other_error(tmp_path, seed):
    rng = np.random.default_rng(seed)
    frame = events(1000)
    for name, write in (("e.parquet", frame.write_parquet), ("e.arrow", frame.write_ipc)):
        path = tmp_path / name
        write(path)
        content = bytearray(path.read_bytes())
        for place in rng.integers(len(content) // 2, len(content), 5):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        with path.open("rb") as file, suppress(ValueError, OSError, pa.ArrowException):
            (arrow_sizes if name == "e.arrow" else parquet_sizes.parquet_sizes)(file)
