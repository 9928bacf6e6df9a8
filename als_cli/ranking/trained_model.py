"""A trained model in memory, as ranking needs it."""

from dataclasses import dataclass

import polars as pl

from als_cli.als.engine import Factors
from als_cli.dataset.interactions import Interactions
from als_cli.errors import ArtifactError


@dataclass(frozen=True)
class TrainedModel:
    """Ids by matrix row, factors, and the popularity of the items."""

    user_ids: pl.Series
    """(U,) user ids by row."""
    item_ids: pl.Series
    """(I,) item ids by row."""
    item_interactions: pl.Series
    """(I,) users per item at training time, UInt32; they give the popularity list."""
    factors: Factors
    user_events: pl.DataFrame | None
    """(U,) `events`, the number of events of each user at training time, and `newest` (:func:`newest_of`). None: unknown."""


def newest_of(users: pl.DataFrame) -> pl.Series:
    """Return `newest`, the time of the newest event of each of `users` in microseconds since 1970; -1 without timestamps."""
    return users["last_time"].dt.epoch("us").fill_null(-1).alias("newest")


def check_id_types(interactions: Interactions, model: TrainedModel) -> None:
    """Raise an ArtifactError if the ids of dataset and model have different types."""
    check_same_id_type("user", interactions.user_ids, model.user_ids)
    check_same_id_type("item", interactions.item_ids, model.item_ids)


def check_same_id_type(side: str, in_dataset: pl.Series, in_model: pl.Series) -> None:
    """Raise an ArtifactError if the ids of a `side`, user or item, have different types in dataset and model."""
    if in_dataset.dtype != in_model.dtype:
        raise ArtifactError(
            f"{side} ids are {in_dataset.dtype} in the dataset and {in_model.dtype} in the model",
            hint="run `als train` again",
        )
