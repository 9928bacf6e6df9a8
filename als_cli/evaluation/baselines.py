"""The baselines of an evaluation, fitted to its training part."""

from datetime import timedelta

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import Int64Array
from als_cli.config.evaluate import EvaluateConfig
from als_cli.config.events import EventsConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.dataset.interactions import rows_of
from als_cli.dataset.membership import is_stored
from als_cli.errors import ConfigError
from als_cli.evaluation.item_knn import ItemBm25, ItemKnn
from als_cli.evaluation.own_items import OwnItems
from als_cli.evaluation.rankers import Popular, Ranker, RecentPopular
from als_cli.splitting.division import EvaluationSets
from als_cli.splitting.splits import PAIR

_NEEDING_TIMES = ("recent_popular", "own_items")


def check_protocol(config: EvaluateConfig) -> None:
    """Return when every baseline of `config` can list anything under its protocol.

    Raises
    ------
    ConfigError
        `own_items` is asked for, but what users had is left out of the lists.
    """
    if "own_items" in config.baselines and config.exclude_seen:
        raise ConfigError(
            "evaluate.baselines has own_items, but evaluate.exclude_seen is true, so it could list nothing",
            hint="set evaluate.exclude_seen: false to evaluate repeat purchases too, or leave own_items out",
        )


def check_times(config: EvaluateConfig, parts: EvaluationSets) -> None:
    """Return when the training part has the times that the baselines of `config` need.

    Raises
    ------
    ConfigError
        It has none.
    """
    needing = [name for name in _NEEDING_TIMES if name in config.baselines]
    if needing and parts.training.newest is None:
        raise ConfigError(
            f"evaluate.baselines has {needing[0]}, but the events carry no time",
            hint=f"set events.columns.timestamp, or leave {needing[0]} out",
        )


def fitted_baseline(
    name: str, parts: EvaluationSets, signal: EventsConfig, recent: timedelta, threads: int
) -> Ranker:
    """Return the baseline `name`, which knows the training set and the test users' histories alone.

    `recent` is the length of the period that `recent_popular` counts.
    """
    matrix = parts.training.matrix
    if name == "popular":
        return Popular(matrix, threads)
    if name == "item_knn":
        return ItemKnn(matrix, threads)
    if name == "item_bm25":
        return ItemBm25(matrix, threads)
    if name == "own_items":
        return OwnItems(newness_of(parts))
    return RecentPopular(recent_interactions(parts, signal, recent), matrix, threads)


def recent_interactions(parts: EvaluationSets, signal: EventsConfig, recent: timedelta) -> Int64Array:
    """Return how many users each training item has in the last `recent` of the training period, (I,) int64.

    The period ends at the cut-off of a time split, else with the newest training event.
    """
    end = parts.cut_off or parts.training.newest
    assert end is not None  # noqa: S101 - check_times
    last = parts.events.training.filter(pl.col("timestamp") >= end - recent)
    # Minimum counts are about the whole training part, which has decided already who is there.
    without_minimums = signal.model_copy(update={"min_user_interactions": 1, "min_item_interactions": 1})
    found = aggregate(last, without_minimums, signal.now or end)
    rows = rows_of(parts.training.item_ids, found.item_ids)
    counts = np.zeros(parts.training.items.height, dtype=np.int64)
    counts[rows[rows >= 0]] = found.items["interactions"].to_numpy()[rows >= 0]
    return counts


def newness_of(parts: EvaluationSets) -> csr_matrix:
    """Return for each item of a test user's history the rank of its last time, (T, I) float64, at least 1; oldest: 1."""
    history = parts.holdout.test_set.history
    events = parts.events.training if parts.events.visible is None else parts.events.visible
    pairs = (
        events.group_by(PAIR).agg(pl.col("timestamp").max()).sort(PAIR).collect(engine="streaming")
    ).with_columns(rank=pl.col("timestamp").rank("dense").fill_null(0) + 1)
    users = rows_of(parts.holdout.user_ids, pairs["user_id"])
    items = rows_of(parts.training.item_ids, pairs["item_id"])
    # Returned purchases and items below the minimum have events, but are no history.
    kept = np.flatnonzero((users >= 0) & (items >= 0))
    kept = kept[is_stored(history, users[kept], items[kept])]
    ranks = pairs["rank"].to_numpy()[kept].astype(np.float64)
    return csr_matrix((ranks, (users[kept], items[kept])), shape=history.shape)
