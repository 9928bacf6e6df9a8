"""Builders of small datasets and models, published as `ingest` and `train` do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.engine import Factors
from als_cli.config.root import Config
from als_cli.dataset.interactions import Interactions
from als_cli.stages.context import StageContext
from als_cli.storage.dataset_files import EVENTS, write_interactions
from als_cli.storage.manifest import write_manifest
from als_cli.storage.model_files import write_model
from als_cli.storage.publish import staged_folder
from als_cli.tuning.parameters import recipe_for

NEWEST = datetime(2026, 3, 1, 12, tzinfo=UTC)


def context_for(tmp_path: Path, recommend: dict[str, Any] | None = None, **streams: Any) -> StageContext:
    """Return a context with workspace ``tmp_path/work``; `recommend` is section `recommend` of the config."""
    section = {"output": {"path": str(tmp_path / "lists")}} | (recommend or {})
    config = Config.model_validate(
        {
            "workspace": str(tmp_path / "work"),
            "events": {"source": "events.csv"},
            "train": {"engine": "implicit", "factors": 2, "iterations": 2},
            "recommend": section,
        }
    )
    return StageContext(config=config, **streams)


def interactions_of(
    pairs: list[tuple[Any, Any]],
    *,
    strengths: list[float] | None = None,
    timed: bool = True,
    ages: list[timedelta] | None = None,
) -> Interactions:
    """Return interactions of (user id, item id) pairs with ages before NEWEST: by default, pair k is k days old."""
    ages = [timedelta(days=k) for k in range(len(pairs))] if ages is None else ages
    frame = pl.DataFrame(
        {
            "user_id": [user for user, _ in pairs],
            "item_id": [item for _, item in pairs],
            "strength": strengths or [1.0 + k for k in range(len(pairs))],
            "time": [NEWEST - age if timed else None for age in ages],
        },
        schema_overrides={"time": pl.Datetime("us", "UTC")},
    )

    def side(name: str) -> pl.DataFrame:
        return (
            frame.group_by(name)
            .agg(
                pl.len().cast(pl.UInt32).alias("interactions"),
                pl.len().cast(pl.UInt32).alias("events"),
                pl.col("time").min().alias("first_time"),
                pl.col("time").max().alias("last_time"),
            )
            .sort(name)
        )

    users, items = side("user_id"), side("item_id")
    rows = [users["user_id"].to_list().index(user) for user, _ in pairs]
    columns = [items["item_id"].to_list().index(item) for _, item in pairs]
    shape = (users.height, items.height)
    matrix = csr_matrix((frame["strength"].to_numpy().astype(np.float32), (rows, columns)), shape=shape)
    matrix.sort_indices()
    if not timed:
        return Interactions(users, items, matrix, None)
    times = csr_matrix((frame["time"].dt.epoch("us").to_numpy(), (rows, columns)), shape=shape)
    times.sort_indices()
    return Interactions(users, items, matrix, NEWEST - min(ages), times)


def publish_dataset(context: StageContext, interactions: Interactions) -> None:
    """Publish `interactions` with one event per pair as the current dataset."""
    pairs = interactions.matrix.tocoo()
    events = pl.DataFrame(
        {
            "user_id": interactions.user_ids.gather(pairs.row),
            "item_id": interactions.item_ids.gather(pairs.col),
            "timestamp": interactions.users["last_time"].gather(pairs.row),
            "weight": pairs.data.astype(np.float64),
            "value": np.ones(len(pairs.data)),
        }
    )
    with staged_folder(context.dataset_place) as folder:
        write_interactions(folder, interactions)
        events.write_parquet(folder / EVENTS)
        write_manifest(folder, kind="dataset", key="dataset", config={})


def publish_model(
    context: StageContext,
    interactions: Interactions,
    factors: Factors | None = None,
    **recipe: Any,
) -> Factors:
    """Publish a model of the users and items of `interactions`, with random factors by default.

    `recipe` are fields of its recipe that differ from the recipe of section `train`.
    """
    if factors is None:
        rng = np.random.default_rng(5)
        factors = Factors(
            rng.normal(size=(interactions.users.height, 2)).astype(np.float32),
            rng.normal(size=(interactions.items.height, 2)).astype(np.float32),
        )
    with staged_folder(context.models_place) as folder:
        write_model(folder, interactions.users, interactions.items, factors)
        write_manifest(
            folder,
            kind="model",
            key="model",
            config=context.config.model_dump(mode="json"),
            counts={"interactions": interactions.matrix.nnz},
            metrics={
                "loss": [0.5, 0.25],
                "recipe": replace(
                    recipe_for(interactions.matrix, context.config.train, context.threads), **recipe
                ).to_json(),
            },
            seed=0,
        )
    return factors
