"""The popularity list as a model of one factor, so that it obeys the same masks and ties as any other list."""

import numpy as np
import polars as pl

from als_cli.ranking.pairs import FloatArray


def popularity_factors(users: int, item_interactions: pl.Series) -> tuple[FloatArray, FloatArray]:
    """Return user factors (users, 1) of ones and item factors (I, 1): a score is the item's number of users."""
    items = item_interactions.to_numpy().astype(np.float32)[:, None]
    return np.ones((users, 1), np.float32), np.ascontiguousarray(items)
