"""Scans of input tables return the rows from which the files were written."""

import gzip
import io
import json
import os
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from als_cli.config.source import TableFormat
from als_cli.errors import ConfigError, DataError
from als_cli.tables.columns import column
from als_cli.tables.scan import reading, scan_table

ROWS = [("u1", "i1"), ("u2", "i2")]
COMMA = b"user,item\nu1,i1\nu2,i2\n"
NDJSON = "".join(json.dumps({"user": u, "item": i}) + "\n" for u, i in ROWS).encode()
AUTO = TableFormat()


def read(path, fmt=AUTO, **places):
    with reading(str(path)):
        return scan_table(str(path), fmt, **places).collect()


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


def arrow_bytes(kind: str) -> bytes:
    table = pa.table({"user": [u for u, _ in ROWS], "item": [i for _, i in ROWS]})
    buffer = io.BytesIO()
    if kind == "parquet":
        pa.parquet.write_table(table, buffer)
    else:
        pa.feather.write_feather(table, buffer, compression="uncompressed")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.csv", COMMA),
        ("e.tsv", COMMA.replace(b",", b"\t")),
        ("semicolon.txt", COMMA.replace(b",", b";")),
        ("pipe.dat", COMMA.replace(b",", b"|")),
        ("quoted.csv", b'"user","item"\n"u1","i1"\n"u2","i2"\n'),
        ("crlf.csv", COMMA.replace(b"\n", b"\r\n")),
        ("bom.csv", b"\xef\xbb\xbf" + COMMA),
        ("no_last_newline.csv", COMMA.rstrip()),
        ("e.csv.gz", gzip.compress(COMMA, mtime=0)),
        ("e.csv.zst", zstd(COMMA)),
        ("text_without_suffix", COMMA),
        ("gzip_without_suffix", gzip.compress(COMMA, mtime=0)),
        ("e.ndjson", NDJSON),
        ("e.jsonl.gz", gzip.compress(NDJSON, mtime=0)),
        ("lines.json", NDJSON),
        ("e.parquet", arrow_bytes("parquet")),
        ("parquet_without_suffix", arrow_bytes("parquet")),
        ("e.arrow", arrow_bytes("ipc")),
        ("arrow_without_suffix", arrow_bytes("ipc")),
        ("name[1].csv", COMMA),
    ],
)
def test_all_formats_of_a_table_read_the_same(tmp_path, name, content):
    table = read(written(tmp_path / name, content))

    assert table.columns == ["user", "item"]
    assert table.rows() == ROWS


def test_delimited_text_has_string_columns(tmp_path):
    table = read(written(tmp_path / "e.csv", b"id,n\n007,1.50\n,\n"))

    assert table.rows() == [("007", "1.50"), (None, None)]


def test_columns_without_header_are_numbered_from_one(tmp_path):
    table = read(written(tmp_path / "u.data", b"196\t242\t3\n186\t302\t3\n"), TableFormat(header=False))

    assert table.columns == ["1", "2", "3"]
    assert table.rows() == [("196", "242", "3"), ("186", "302", "3")]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("in_memory", [True, False])
def test_other_encodings_are_transcoded(tmp_path, encoding, compress, in_memory):
    text = "user;item\n" + "Zoë;Café\r\n" * 3
    path = written(tmp_path / "e.csv", compress(text.encode(encoding)))
    spool = tmp_path / "spool"
    spool.mkdir()

    table = read(path, TableFormat(encoding=encoding), spool=None if in_memory else spool)

    assert table.rows() == [("Zoë", "Café")] * 3


def test_a_glob_reads_its_files_in_sorted_order(tmp_path):
    for day in (3, 1, 2):
        written(tmp_path / f"day{day}.csv", f"user,item\nu{day},i\n".encode())

    assert read(tmp_path / "day*.csv")["user"].to_list() == ["u1", "u2", "u3"]


@pytest.mark.parametrize("content", [COMMA, gzip.compress(COMMA, mtime=0), NDJSON, arrow_bytes("parquet")])
@pytest.mark.parametrize("in_memory", [True, False])
def test_stdin_is_recognised_by_its_first_bytes(tmp_path, content, in_memory):
    table = read("-", stdin=io.BytesIO(content), spool=None if in_memory else tmp_path)

    assert table.rows() == ROWS


def test_a_named_pipe_is_read_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(COMMA,))
    writer.start()
    table = read(pipe)
    writer.join()

    assert table.rows() == ROWS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("e.csv", b"", "is empty"),
        ("e.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("e.parquet", b"", "is empty"),
        ("e.csv", b'a,b\n1,"2\n3,4\n', "a quote is opened and never closed"),
        ("e.csv", b"a,b\n1,2\n3,4,5\n", "line 3 has more fields than the first line: 3 instead of 2"),
        ("e.csv", "a,b\n1,é\n".encode("latin-1"), "is not utf-8 text"),
        ("e.csv", "é,b\n1,2\n".encode("latin-1"), "is not utf-8 text"),
        ("e.csv.gz", gzip.compress(COMMA * 9999, mtime=0)[:200], "cannot be read"),
        ("e.parquet", b"PAR1 not really PAR1", "cannot be read"),
        ("e.arrow", b"nothing of the kind", "cannot be read"),
        ("e.ndjson", b'{"a": 1}\n{"a": \n', "cannot be read"),
        ("archive", b"PK\x03\x04 and so on", "cannot be read: File is not a zip file"),
    ],
)
def test_a_broken_file_is_named_in_one_line(tmp_path, name, content, message):
    path = written(tmp_path / name, content)

    with pytest.raises(DataError) as caught:
        read(path)

    assert str(path) in caught.value.message
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_missing_file_suggests_a_similar_name(tmp_path):
    written(tmp_path / "events.csv", COMMA)

    with pytest.raises(DataError, match="no such file") as caught:
        read(tmp_path / "event.csv")

    assert "events.csv" in caught.value.hint


def test_a_glob_without_files_and_a_folder_are_errors(tmp_path):
    with pytest.raises(DataError, match="no file matches"):
        read(tmp_path / "*.csv")
    with pytest.raises(DataError, match="is a folder"):
        read(tmp_path)


def test_a_file_without_read_permission_is_an_error(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = written(tmp_path / "e.csv", COMMA)
    path.chmod(0)

    with pytest.raises(DataError, match="may not be read"):
        read(path)


def test_text_that_is_not_in_the_declared_encoding_is_an_error(tmp_path):
    path = written(tmp_path / "e.csv", b"a,b\n1,\x81\n")

    with pytest.raises(DataError, match="is not cp1252 text") as caught:
        read(path, TableFormat(encoding="cp1252"))

    assert "`encoding`" in caught.value.hint


@pytest.mark.parametrize(
    ("fmt", "message"),
    [(TableFormat(encoding="utf-9"), "encoding"), (TableFormat(separator="::"), "separator")],
)
def test_an_unusable_declaration_is_a_config_error(tmp_path, fmt, message):
    with pytest.raises(ConfigError, match=message):
        read(written(tmp_path / "e.csv", COMMA), fmt)


def test_an_object_store_is_refused():
    with pytest.raises(ConfigError, match="only local files"):
        read("s3://bucket/events.parquet")


def test_a_column_is_found_by_name_or_number():
    names = ["user", "item"]

    assert column(names, "item", key="k", file="f") == "item"
    assert column(names, 1, key="k", file="f") == "user"


@pytest.mark.parametrize(("ref", "suggested"), [("usr", "'user'"), ("ITEM", "'item'"), ("zzz", "user, item")])
def test_an_unknown_column_names_key_and_file_and_suggests(ref, suggested):
    with pytest.raises(ConfigError) as caught:
        column(["user", "item"], ref, key="events.columns.user", file="e.csv")

    assert "events.columns.user" in caught.value.message
    assert "e.csv" in caught.value.message
    assert suggested in caught.value.hint


@pytest.mark.parametrize("ref", [0, 3])
def test_a_column_number_outside_the_table_is_an_error(ref):
    with pytest.raises(ConfigError, match=f"column {ref}, but e.csv has 2 columns"):
        column(["user", "item"], ref, key="k", file="e.csv")


@pytest.mark.parametrize(
    "title",
    ['12" vinyl', '"Weird Al" Yankovic', 'say "no', '"'],
    ids=["inside", "around", "unpaired", "alone"],
)
def test_quotes_that_are_part_of_the_text(tmp_path, title):
    path = written(tmp_path / "plays.tsv", f"u1\tm1\t{title}\t5\nu2\tm2\tAbba\t7\n".encode())

    with pytest.raises(DataError, match="a quote is opened and never closed") as caught:
        read(path, TableFormat(header=False))
    table = read(path, TableFormat(header=False, quote="none"))

    assert "`quote: none`" in caught.value.hint
    assert table.rows() == [("u1", "m1", title, "5"), ("u2", "m2", "Abba", "7")]
