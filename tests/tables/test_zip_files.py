"""A zip archive with one table is read like a file with gzip. Other archives and workbooks have a hint."""

import io
import zipfile
from pathlib import Path

import polars as pl
import pytest

from als_cli.config.loading import load_config
from als_cli.config.source import TableFormat
from als_cli.errors import DataError
from als_cli.storage.manifest import published_manifest
from als_cli.tables.scan import find_files, scan_table
from tests.event_shapes import retail_rocket
from tests.in_process import done, failed
from tests.stages.ingesting import context_of, ingest

CSV = b"user_id,item_id\nu1,a\nu2,b\n"
ROWS = [("u1", "a"), ("u2", "b")]


def zipped(path, members, method=zipfile.ZIP_DEFLATED):
    """Write an archive; `members` has the content by name. Return its path."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def rows(path, spool=None, **fmt):
    return scan_table(str(path), TableFormat(**fmt), spool=spool).collect().rows()


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(
    ("members", "fmt"),
    [
        ({"events.csv": CSV}, {}),
        ({"export/": b"", "export/events": CSV}, {}),
        ({"events.tsv": CSV.replace(b",", b"\t")}, {}),
        ({"events.csv": CSV, "README.txt": b"Read me", "LICENSE.txt": b"MIT", "notes.md": b"x"}, {}),
        ({"events.csv": CSV, "__MACOSX/._events.csv": b"\0\5", "_SUCCESS": b""}, {}),
        ({"events.jsonl": b'{"user_id":"u1","item_id":"a"}\n{"user_id":"u2","item_id":"b"}\n'}, {}),
        ({"events.csv": CSV.decode().encode("utf-16")}, {"encoding": "utf-16"}),
    ],
)
def test_the_table_of_an_archive_is_read(tmp_path, members, fmt, in_memory):
    path = zipped(tmp_path / "packed", members)
    spool = tmp_path / "spool"
    spool.mkdir()
    assert rows(path, None if in_memory else spool, **fmt) == ROWS


def test_an_archive_may_come_from_stdin(tmp_path):
    stdin = io.BytesIO(zipped(tmp_path / "e.zip", {"events.csv": CSV}).read_bytes())
    assert scan_table("-", TableFormat(), stdin=stdin).collect().rows() == ROWS


def test_archives_match_a_glob(tmp_path):
    for number in range(2):
        zipped(tmp_path / f"{number}.csv.zip", {"events.csv": CSV})
    assert rows(tmp_path / "*.zip") == ROWS * 2


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ({"a.csv": CSV, "b.csv": CSV}, "is a zip archive with 2 tables: a.csv, b.csv", "unzip FILE"),
        ({f"{n}.csv": CSV for n in range(7)}, "is a zip archive with 7 tables: 0.csv, 1.csv, 2.csv, 3.csv, 4.csv …", "unzip FILE"),
        ({"a.md": b"x", "b.md": b"y"}, "is a zip archive with no table: a.md, b.md", "unzip FILE"),
        ({}, "is a zip archive with no table", "unzip FILE"),
        ({"a.parquet": b"PAR1"}, "is a zip archive with a table that is no text: a.parquet", "unzip FILE"),
        ({"a.csv": b"\x1f\x8b\x08\0"}, "is a zip archive with a compressed file: a.csv", "unzip FILE"),
        ({"[Content_Types].xml": b"", "xl/workbook.xml": b""}, "is an Excel workbook", "save the sheet as CSV"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["e.zip", "e.csv", "e.xlsx"])
def test_other_archives_have_a_hint(tmp_path, content, message, hint, name):
    path = zipped(tmp_path / name, content)
    with pytest.raises(DataError) as caught:
        find_files(str(path))
    assert caught.value.message.startswith(f"{path} {message}")
    assert caught.value.hint == hint.replace("FILE", str(path))


def test_an_old_workbook_has_a_hint(tmp_path):
    path = tmp_path / "sales.xls"
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512))
    error = failed(3, "init", path, "--yes")
    assert error["message"] == f"{path} is an Excel workbook, which als does not read"
    assert error["hint"] == "save the sheet as CSV"


def test_an_unusual_compression_has_a_hint(tmp_path):
    path = zipped(tmp_path / "e.zip", {"events.csv": CSV}, zipfile.ZIP_LZMA)
    with pytest.raises(DataError, match="encryption or with an unusual compression"):
        find_files(str(path))


def test_an_encrypted_archive_has_a_hint(tmp_path):
    path = zipped(tmp_path / "e.zip", {"events.csv": CSV})
    content = bytearray(path.read_bytes())
    for header, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + offset] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="encryption or with an unusual compression"):
        find_files(str(path))


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.98])
def test_a_broken_archive_is_one_message(tmp_path, cut):
    path = zipped(tmp_path / "e.zip", {"events.csv": CSV * 500})
    content = path.read_bytes()
    path.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(DataError, match=r"e\.zip cannot be read"):
        rows(path)


def test_damaged_bytes_are_one_message(tmp_path):
    path = zipped(tmp_path / "e.zip", {"events.csv": CSV * 500}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"e\.zip cannot be read: Bad CRC-32"):
        rows(path)


def test_init_check_and_ingest_read_an_archive(tmp_path):
    events = retail_rocket(tmp_path)
    folder, config = tmp_path / "shop", tmp_path / "als.yaml"
    folder.mkdir()
    path = zipped(folder / "events.csv.zip", {"events.csv": events.read_bytes()})
    height = pl.read_csv(events).height
    report = done("init", folder, "--yes", "--output", config)
    assert (report["rows"], report["are_rows_exact"]) == (height, True)
    assert load_config(config, environment={}).events.source == str(path)
    assert done("check", "-c", config)["sources"][0]["rows"] == height
    assert done("ingest", "-c", config)["rows"] == height


def test_the_manifest_names_the_archive(tmp_path):
    path = zipped(tmp_path / "e.zip", {"events.csv": CSV})
    context = context_of(tmp_path, {"source": str(path)})
    ingest(context)
    recorded = published_manifest(context.dataset_place, "dataset").inputs
    assert [(file.path, file.bytes) for file in recorded] == [(str(path), path.stat().st_size)]
    assert list(Path(context.config.workspace).rglob("unzipped*")) == []


def test_an_archive_with_a_latin_text_is_sampled(tmp_path):
    text = pl.read_csv(retail_rocket(tmp_path)).rename({"event": "Aktivität"}).write_csv(separator=";")
    path = zipped(tmp_path / "e.zip", {"events.csv": text.encode("cp1252")})
    config = tmp_path / "als.yaml"
    done("init", path, "--yes", "--output", config)
    found = load_config(config, environment={}).events
    assert (found.encoding, found.separator) == ("cp1252", ";")
    assert done("check", "-c", config)["ok"]
