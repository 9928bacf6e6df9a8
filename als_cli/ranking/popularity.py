"""The popularity list, which all users without history get."""

import numpy as np
import polars as pl

from als_cli.arrays import BoolArray
from als_cli.ranking.top_n import TopN, top_n_of_scores


def popularity_list(item_interactions: pl.Series, n: int, allowed: BoolArray | None) -> TopN:
    """Return the `n` items with the most users, (1, n). The score is the number of users. Ties go to the lower item row.

    `item_interactions` (I,) is the number of users per item; `allowed` (I,) marks the items that may be in the list.
    """
    counts = item_interactions.to_numpy().astype(np.float32)  # exact up to 2^24 users per item
    return top_n_of_scores(counts[None, :], n, allowed=allowed)
