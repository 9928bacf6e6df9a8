"""A trained model in memory, as ranking needs it."""

from dataclasses import dataclass

import polars as pl

from als_cli.als.engine import Factors


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
