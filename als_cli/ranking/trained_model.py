"""A trained model in memory: everything that ranking needs of it."""

from dataclasses import dataclass

import polars as pl

from als_cli.als.engine import Factors


@dataclass(frozen=True)
class TrainedModel:
    """Ids by matrix row, factors, and the popularity of the items."""

    user_ids: pl.Series
    """(U,) ids."""
    item_ids: pl.Series
    """(I,) ids."""
    item_interactions: pl.Series
    """(I,) users per item at training time, UInt32: the popularity list."""
    factors: Factors
