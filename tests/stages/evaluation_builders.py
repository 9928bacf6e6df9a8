"""Clean events for tests, datasets of them as `ingest` publishes them, and contexts that evaluate them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from als_cli.config.root import Config
from als_cli.dataset.aggregation import aggregate
from als_cli.splitting.auto_split import given_split
from als_cli.splitting.division import EvaluationSets, divide
from als_cli.splitting.protocol import SplitProtocol
from als_cli.stages.context import StageContext
from als_cli.storage.dataset_files import EVENTS, open_dataset, write_interactions
from als_cli.storage.manifest import write_manifest
from als_cli.storage.publish import staged_folder

START = datetime(2026, 1, 1, tzinfo=UTC)
BUILT_CLEAN = {"timestamp": pl.Datetime("us", "UTC"), "weight": pl.Float64, "value": pl.Float64}


def context_for(folder: Path, evaluate: dict[str, Any] | None = None, **sections: Any) -> StageContext:
    """Return a context with workspace ``folder/work``; `evaluate` and `sections` are sections of the config."""
    config = Config.model_validate(
        {
            "workspace": str(folder / "work"),
            "events": {"source": "events.csv"} | sections.pop("events", {}),
            "train": {"engine": "implicit", "factors": 4, "iterations": 5} | sections.pop("train", {}),
            "evaluate": {"split": {"by": "random", "fraction": 0.2}, "at": [5, 3]} | (evaluate or {}),
        }
    )
    return StageContext(config=config, threads=1, **sections)


def clean_events(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Return clean events of (user, item, day or None[, weight]) rows."""
    return pl.DataFrame(
        {
            "user_id": [row[0] for row in rows],
            "item_id": [row[1] for row in rows],
            "timestamp": [None if row[2] is None else START + timedelta(days=row[2]) for row in rows],
            "weight": [float(row[3]) if len(row) > 3 else 1.0 for row in rows],
            "value": [1.0] * len(rows),
        },
        schema_overrides=BUILT_CLEAN,
    )


def two_tastes(users: int = 60, items: int = 40, days: int = 30) -> pl.DataFrame:
    """Return clean events with integer ids: each user buys from one half of the items, rarely from the other."""
    generator = np.random.default_rng(11)
    user = generator.integers(0, users, users * 12)
    item = (user % 2) * (items // 2) + generator.integers(0, items // 2, len(user))
    stray = generator.random(len(user)) < 0.05
    item[stray] = generator.integers(0, items, stray.sum())
    day = generator.random(len(user)) * days
    return clean_events([(int(u), int(i) + 100, float(d)) for u, i, d in zip(user, item, day, strict=True)])


def fashion(new_items_per_day: float, users: int = 150, days: int = 40) -> pl.DataFrame:
    """Return clean events in which users buy one of the 30 newest items; with 0 new items per day, all items stay.

    Of the 30 items, newer ones are more popular, so that a list of ten is better than chance.
    """
    generator = np.random.default_rng(5)
    rows = []
    for number in range(days * 60):
        newest = int(number / 60 * new_items_per_day)
        age = min(int(generator.exponential(8)), 29)
        rows.append((int(generator.integers(users)), f"i{newest - age + 1000}", number / 60))
    return clean_events(rows)


def publish_events(context: StageContext, clean: pl.DataFrame) -> StageContext:
    """Publish the dataset of `clean` events and return the context."""
    with staged_folder(context.dataset_place) as folder:
        clean.write_parquet(folder / EVENTS)
        write_interactions(folder, aggregate(clean.lazy(), context.config.events))
        write_manifest(folder, kind="dataset", key="dataset", config={})
    return context


def divided(context: StageContext) -> EvaluationSets:
    """Return the published dataset, divided as by `als evaluate`."""
    events = open_dataset(context.dataset_place).scan_events()
    signal, config = context.config.events, context.config.evaluate
    split, _ = given_split(events, signal, config)
    return divide(events, signal, SplitProtocol.of(config, split))
