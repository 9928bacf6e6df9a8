"""A shop of four users and four items, small enough to rank by hand."""

import numpy as np
import polars as pl

from als_cli.als.engine import Factors
from tests.stages.builders import context_for, interactions_of, publish_dataset, publish_model

PAIRS = [
    ("ann", "tea"), ("ann", "cup"), ("bob", "tea"), ("bob", "pot"), ("cid", "tea"), ("cid", "cup"), ("dot", "jug"),
]  # fmt: skip
"""Items by row: cup (2 users), jug (1), pot (1), tea (3)."""


def open_shop(tmp_path, **section):
    """Return a context with a dataset and a model of PAIRS. For all users, scores decrease with the item row."""
    context = context_for(tmp_path, section)
    interactions = interactions_of(PAIRS)
    publish_dataset(context, interactions)
    users, items = np.ones((4, 1), np.float32), np.array([[4], [3], [2], [1]], np.float32)
    publish_model(context, interactions, Factors(users, items))
    return context


def written(tmp_path):
    """Return the published lists."""
    return pl.read_parquet(tmp_path / "lists" / "part-*.parquet")


def lists_of(tmp_path):
    """Return the items of each user by rank, as one text."""
    rows = written(tmp_path).group_by("user_id", maintain_order=True).agg("item_id")
    return {user: " ".join(items) for user, items in rows.rows()}


def sources_of(tmp_path, user):
    """Return the sources of the list of `user` by rank."""
    return written(tmp_path).filter(pl.col("user_id") == user)["source"].to_list()


def shortfall(tmp_path):
    """Return the published shortfall."""
    return pl.read_parquet(tmp_path / "lists.shortfall.parquet")


def used(counts):
    """Return the `counts` that are not zero."""
    return {name: count for name, count in counts.items() if count}
