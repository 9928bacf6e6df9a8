"""Baselines of an evaluation, fitted to its training set."""

from datetime import timedelta

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import Int64Array
from als_cli.config.evaluate import EvaluateConfig
from als_cli.config.events import EventsConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.dataset.interactions import rows_of
from als_cli.errors import ConfigError
from als_cli.evaluation.item_knn import ItemBm25, ItemKnn
from als_cli.evaluation.own_items import OwnItems
from als_cli.evaluation.rankers import Popular, Ranker, RecentPopular
from als_cli.splitting.division import EvaluationSets

_NEEDING_TIMES = ("recent_popular", "own_items")


def check_protocol(config: EvaluateConfig) -> None:
    """Check that each baseline of `config` has items to list.

    Raises
    ------
    ConfigError
        `evaluate.baselines` has `own_items`, but `evaluate.exclude_seen` leaves the user's own items out.
    """
    if "own_items" in config.baselines and config.exclude_seen:
        raise ConfigError(
            "evaluate.baselines has own_items, but evaluate.exclude_seen is true, so its lists would be empty",
            hint="set evaluate.exclude_seen: false to evaluate repeat purchases too, or remove own_items",
        )


def check_times(config: EvaluateConfig, sets: EvaluationSets) -> None:
    """Check that the training set has the times that the baselines of `config` need.

    Raises
    ------
    ConfigError
        A baseline needs times, but the events have none.
    """
    needing = [name for name in _NEEDING_TIMES if name in config.baselines]
    if needing and sets.training.times is None:
        absent = "the events have no" if sets.training.newest is None else "not all events have"
        raise ConfigError(
            f"evaluate.baselines has {needing[0]}, but {absent} timestamps",
            hint=f"set events.columns.timestamp, or remove {needing[0]} from evaluate.baselines",
        )


def fitted_baseline(
    name: str, sets: EvaluationSets, signal: EventsConfig, recent: timedelta, threads: int
) -> Ranker:
    """Return the baseline `name`, fitted to the training set and the histories of the test users.

    `recent` is the length of the period in which `recent_popular` counts users.
    """
    matrix = sets.training.matrix
    if name == "popular":
        return Popular(matrix, threads)
    if name == "item_knn":
        return ItemKnn(matrix, threads)
    if name == "item_bm25":
        return ItemBm25(matrix, threads)
    if name == "own_items":
        return OwnItems(newness_of(sets))
    return RecentPopular(recent_interactions(sets, signal, recent), matrix, threads)


def recent_interactions(sets: EvaluationSets, signal: EventsConfig, recent: timedelta) -> Int64Array:
    """Return the number of users of each training item in the last `recent` of the training period, (I,) int64.

    The period ends at the cut-off of a time split, else at `signal.as_of`, else with the newest training event.
    """
    end = sets.cut_off or signal.as_of or sets.training.newest
    assert end is not None  # noqa: S101 - check_times
    last = sets.events.training.filter(pl.col("timestamp") >= end - recent)
    # Minimum counts apply to the whole training set, and have already removed users and items.
    found = aggregate(last, signal, end, apply_minimums=False)
    rows = rows_of(sets.training.item_ids, found.item_ids)
    counts = np.zeros(sets.training.items.height, dtype=np.int64)
    counts[rows[rows >= 0]] = found.items["interactions"].to_numpy()[rows >= 0]
    return counts


def newness_of(sets: EvaluationSets) -> csr_matrix:
    """Return the rank of the last time of each item in a test user's history, (T, I) float64; the oldest has rank 1."""
    times = sets.holdout.test_set.times
    assert times is not None  # noqa: S101 - check_times
    _, ranks = np.unique(times.data, return_inverse=True)
    return csr_matrix((ranks + 1.0, times.indices, times.indptr), shape=times.shape)
