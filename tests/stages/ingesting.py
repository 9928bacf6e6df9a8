"""Ingest of one small file, and its strengths as a dictionary."""

import io
from pathlib import Path
from typing import Any

import polars as pl

from als_cli.config.root import Config
from als_cli.dataset.ingest_report import IngestReport
from als_cli.stages.context import StageContext
from als_cli.stages.ingest import ingest
from als_cli.storage.dataset_files import StoredDataset, open_dataset


def context_of(folder: Path, events: dict[str, Any], stdin: bytes = b"") -> StageContext:
    """Return a context with workspace ``folder/work``; `events` is section `events` of the config."""
    config = Config.model_validate({"workspace": str(folder / "work"), "events": events})
    return StageContext(config=config, stdin=io.BytesIO(stdin))


def ingested(
    folder: Path, content: str | pl.DataFrame, *, name: str = "events.csv", **keys: Any
) -> tuple[IngestReport, StoredDataset]:
    """Return report and dataset of one file with `content`: text, or a frame for Parquet."""
    path = folder / name
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        content.write_parquet(path)
    context = context_of(folder, {"source": str(path), **keys})
    return ingest(context), open_dataset(context.dataset_place)


def strengths(dataset: StoredDataset) -> dict[tuple[Any, Any], float]:
    """Return the strength by (user id, item id)."""
    pairs = dataset.interactions.matrix.tocoo()
    users, items = dataset.interactions.user_ids.to_list(), dataset.interactions.item_ids.to_list()
    return {(users[u], items[i]): float(s) for u, i, s in zip(pairs.row, pairs.col, pairs.data, strict=True)}
