"""The types of the clean events."""

import polars as pl
import pytest

from als_cli.errors import ArtifactError
from als_cli.events.checks import CLEAN_EVENT_COLUMNS
from als_cli.stages.ingest import ingest
from als_cli.storage.dataset_files import EVENTS, open_dataset
from als_cli.storage.manifest import write_manifest
from als_cli.storage.publish import staged_folder
from tests.stages.ingesting import context_of, ingested

KINDS = "user_id,item_id,kind\nu1,a,view\nu2,b,buy\nu2,a,\nu1,b,view\nu1,b,view\n"


@pytest.mark.parametrize(
    ("keys", "types"),
    [
        ({}, ["view", "buy", None, "view", "view"]),
        ({"types": {"view": 1.0, "buy": 2.0}}, ["view", "buy", "view", "view"]),
        ({"duplicates": "exact"}, ["view", "buy", None, "view"]),
    ],
)
def test_clean_events_have_the_types_of_a_mapped_column(tmp_path, keys, types):
    _, dataset = ingested(tmp_path, KINDS, columns={"type": "kind"}, max_bad_fraction=0.5, **keys)
    events = dataset.scan_events().collect()
    assert tuple(events.columns) == (*CLEAN_EVENT_COLUMNS, "type")
    assert events["type"].to_list() == types
    assert events["type"].dtype == pl.String


def test_without_a_mapped_column_there_are_no_types(tmp_path):
    _, dataset = ingested(tmp_path, KINDS, duplicates="exact")
    assert tuple(dataset.scan_events().collect_schema()) == CLEAN_EVENT_COLUMNS


def test_events_of_a_source_without_types_have_none(tmp_path):
    (tmp_path / "plain.csv").write_text("user_id,item_id\nu1,a\nu2,b\n", encoding="utf-8")
    (tmp_path / "typed.csv").write_text(KINDS, encoding="utf-8")
    sources = [
        {"path": str(tmp_path / "plain.csv")},
        {"path": str(tmp_path / "typed.csv"), "columns": {"type": "kind"}},
    ]
    context = context_of(tmp_path, {"source": sources})
    ingest(context)
    events = open_dataset(context.dataset_place).scan_events().collect()
    assert events["type"].to_list() == [None, None, "view", "buy", None, "view", "view"]


def test_types_that_are_not_text_are_a_broken_dataset(tmp_path):
    _, dataset = ingested(tmp_path, KINDS, columns={"type": "kind"})
    events = pl.read_parquet(dataset.folder / EVENTS).with_columns(type=pl.lit(1))
    with staged_folder(tmp_path / "work" / "dataset") as folder:
        for file in dataset.folder.glob("[!.]*"):
            (folder / file.name).write_bytes(file.read_bytes())
        events.write_parquet(folder / EVENTS)
        write_manifest(folder, kind="dataset", key="dataset", config={})
    with pytest.raises(ArtifactError, match=r"events\.parquet"):
        open_dataset(tmp_path / "work" / "dataset").scan_events()
