"""The popularity list: the same for everybody who has no history."""

import numpy as np
import polars as pl

from als_cli.arrays import BoolArray
from als_cli.ranking.top_n import TopN, top_n_of_scores


def popularity_list(item_interactions: pl.Series, n: int, allowed: BoolArray | None) -> TopN:
    """Return the `n` items with the most users, (1, n); a score is that number. Ties go to the lower item row.

    `item_interactions` holds the number of users by item row, `allowed` (I,) which items may be listed.
    """
    counts = item_interactions.to_numpy().astype(np.float32)  # exact up to 2^24 users per item
    return top_n_of_scores(counts[None, :], n, allowed=allowed)
