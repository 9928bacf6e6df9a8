"""A Delta table is read as its current version: deleted rows are no events."""

import json
import struct
import sys

import polars as pl
import pytest

from als_cli.config.loading import load_config
from als_cli.config.source import TableFormat
from als_cli.errors import ConfigError, DataError
from als_cli.storage.dataset_files import open_dataset
from als_cli.storage.manifest import published_manifest
from als_cli.tables.scan import find_files, scan_table
from tests.event_shapes import retail_rocket
from tests.in_process import done, failed
from tests.stages.ingesting import context_of, ingest

deltalake = pytest.importorskip("deltalake", reason="needs the extra delta")

EVENTS = pl.DataFrame({"user_id": [1, 2, 3, 3], "item_id": [7, 8, 7, 9], "day": ["a b", "b", "b", "c%"]})


@pytest.fixture
def table(tmp_path):
    """Return the folder of a Delta table without the rows of user 3, whose files are still there."""
    folder = tmp_path / "written"
    deltalake.write_deltalake(folder, EVENTS.to_arrow(), partition_by=["day"])
    deltalake.DeltaTable(folder).delete("user_id = 3")
    return folder.rename(tmp_path / "events [new]")  # deltalake does not create this name


def unpartitioned(tmp_path):
    """Return the folder of a Delta table with one file."""
    folder = tmp_path / "unpartitioned"
    deltalake.write_deltalake(
        folder, EVENTS.to_arrow(), configuration={"delta.enableDeletionVectors": "true"}
    )
    return folder


def users(path):
    return scan_table(str(path), TableFormat()).collect()["user_id"].sort().to_list()


@pytest.mark.parametrize("glob", ["", "**/*.parquet", "day=*/*.parquet"])
def test_deleted_rows_are_not_read(table, glob):
    assert len(list(table.rglob("*.parquet"))) == 4
    frame = scan_table(str(table / glob), TableFormat()).collect()
    assert sorted(frame.select("user_id", "item_id", "day").rows()) == [(1, 7, "a b"), (2, 8, "b")]


def test_files_of_a_checkpoint_are_not_read(table):
    deltalake.DeltaTable(table).create_checkpoint()
    assert users(table / "**/*.parquet") == [1, 2]


def test_a_file_that_is_named_is_read(table):
    old = next(table.glob("day=c*/*.parquet"))
    assert users(old) == [3]


def test_a_glob_of_deleted_files_only_matches_no_file(table):
    with pytest.raises(DataError, match="no file matches"):
        find_files(str(table / "day=c*/*.parquet"))


def test_a_relative_folder_gives_relative_names(table, monkeypatch):
    monkeypatch.chdir(table.parent)
    assert {file.name.split("/")[0] for file in find_files(table.name)} == {table.name}


def test_a_folder_behind_a_link(table):
    link = table.with_name("link")
    link.symlink_to(table)
    assert users(link) == users(link / "*/*.parquet") == [1, 2]


def test_the_manifest_names_the_files_that_were_read(table, tmp_path):
    context = context_of(tmp_path, {"source": str(table)})
    ingest(context)
    manifest = published_manifest(context.dataset_place, "dataset")
    assert [file.path for file in manifest.inputs] == [file.name for file in find_files(str(table))]
    assert open_dataset(context.dataset_place).interactions.user_ids.sort().to_list() == [1, 2]


def test_init_writes_the_folder_and_check_reads_it(tmp_path):
    events = pl.read_csv(retail_rocket(tmp_path))
    folder, config = tmp_path / "shop", tmp_path / "als.yaml"
    for number in range(2):
        deltalake.write_deltalake(folder, events[number::2].to_arrow(), mode="append")
    deltalake.DeltaTable(folder).delete("event = 'transaction'")
    left = events.filter(pl.col("event") != "transaction").height
    report = done("init", folder, "--yes", "--output", config)
    assert (report["rows"], report["are_rows_exact"]) == (left, True)
    assert load_config(config, environment={}).events.source == str(folder)
    assert sum(source["rows"] for source in done("check", "-c", config)["sources"]) == left
    assert done("ingest", "-c", config)["rows"] == left
    deltalake.write_deltalake(folder, events.head(10).to_arrow(), mode="append")
    assert done("ingest", "-c", config)["rows"] == left + 10


def test_init_refuses_a_table_whose_files_have_different_columns(tmp_path):
    events = pl.read_csv(retail_rocket(tmp_path))
    folder = tmp_path / "shop"
    deltalake.write_deltalake(folder, events.rename({"itemid": "page"}).to_arrow())
    deltalake.write_deltalake(folder, events.to_arrow(), mode="append", schema_mode="merge")
    error = failed(3, "init", folder, "--yes", "--output", tmp_path / "als.yaml")
    assert "different columns" in error["message"]


def test_without_deltalake_a_hint_names_the_extra(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "deltalake", None)
    for path in (table, table / "**/*.parquet"):
        with pytest.raises(ConfigError, match="is a Delta table, which needs deltalake") as caught:
            find_files(str(path))
        assert caught.value.hint == "pip install 'als-cli[delta]'"
    assert "needs deltalake" in failed(2, "init", table, "--yes")["message"]


def test_a_table_without_rows(tmp_path):
    folder = unpartitioned(tmp_path)
    deltalake.DeltaTable(folder).delete()
    with pytest.raises(DataError, match="a Delta table without rows"):
        find_files(str(folder))


def test_a_file_that_is_missing_is_named(tmp_path):
    folder = unpartitioned(tmp_path)
    file = next(folder.glob("*.parquet"))
    file.unlink()
    with pytest.raises(DataError, match=rf"{file.name} is missing, a file of the current version"):
        find_files(str(folder))


def test_a_broken_log(table):
    (table / "_delta_log" / "00000000000000000000.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="the Delta table cannot be read"):
        find_files(str(table))


def actions(table, version=0):
    log = table / "_delta_log" / f"{version:020}.json"
    return log, [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def rewrite(log, found):
    log.write_text("\n".join(map(json.dumps, found)) + "\n", encoding="utf-8")


def test_columns_with_other_names_in_the_files_are_refused(tmp_path):
    folder = unpartitioned(tmp_path)
    log, found = actions(folder)
    for action in found:
        if "metaData" in action:
            action["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}
            schema = json.loads(action["metaData"]["schemaString"])
            for number, field in enumerate(schema["fields"], 1):
                field["metadata"] = {
                    "delta.columnMapping.id": number,
                    "delta.columnMapping.physicalName": f"c{number}",
                }
            action["metaData"]["schemaString"] = json.dumps(schema)
        if "protocol" in action:
            action["protocol"] = {"minReaderVersion": 2, "minWriterVersion": 5}
    rewrite(log, found)
    with pytest.raises(DataError, match="other names in its files"):
        find_files(str(folder))


Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def inline_vector(row):
    """Return a deletion vector in the log that marks one row, as the specification of Delta describes it."""
    bitmap = struct.pack("<IIHHIH", 12346, 1, 0, 0, 16, row)
    content = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    padded = content + bytes(-len(content) % 4)
    text = ""
    for (word,) in struct.iter_unpack(">I", padded):
        text += "".join(Z85[word // 85**power % 85] for power in range(4, -1, -1))
    return {
        "storageType": "i",
        "pathOrInlineDv": text,
        "sizeInBytes": len(content),
        "cardinality": 1,
    }


def test_rows_that_are_marked_as_deleted_are_refused(tmp_path):
    folder = unpartitioned(tmp_path)
    assert users(folder) == [1, 2, 3, 3]
    log, found = actions(folder)
    for action in found:
        if "add" in action:
            action["add"]["deletionVector"] = inline_vector(0)
    rewrite(log, found)
    with pytest.raises(DataError, match="marks deleted rows in deletion vectors"):
        find_files(str(folder))
