"""Baselines of an evaluation, fitted to its training set."""

from datetime import timedelta
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.config.evaluate import BaselineName, EvaluateConfig
from als_cli.config.events import EventsConfig
from als_cli.config.fields import format_duration
from als_cli.dataset.interactions import Interactions
from als_cli.errors import ConfigError
from als_cli.evaluation.item_knn import ItemBm25, ItemKnn
from als_cli.evaluation.own_items import OwnItems
from als_cli.evaluation.rankers import Popular, Ranker, RecentPopular
from als_cli.evaluation.recent_half_life import select_half_life
from als_cli.splitting.division import EvaluationSets

_AUTO: tuple[BaselineName, ...] = ("popular", "recent_popular", "item_knn")
_AUTO_WITHOUT_TIMES: tuple[BaselineName, ...] = ("popular", "item_knn")
_NEEDING_TIMES = ("recent_popular", "own_items")


def resolve_baselines(config: EvaluateConfig, interactions: Interactions) -> EvaluateConfig:
    """Return `config` with the names of the baselines in place of `auto`; the dataset has `interactions`.

    Raises
    ------
    ConfigError
        `evaluate.baselines` has `own_items`, but `evaluate.exclude_seen` leaves the user's own items out. Or
        `evaluate.recent_half_life` is given for the baselines of `auto`, but the events have no timestamps.
    """
    if config.baselines != "auto":
        _check_own_items(config)
        return config
    has_times = interactions.times is not None
    if not has_times and config.recent_half_life != "auto":
        raise ConfigError(
            f"evaluate.recent_half_life is {format_duration(config.recent_half_life)}, "
            f"but {_lack_of_times(interactions)} timestamps",
            hint="set events.columns.timestamp, or remove evaluate.recent_half_life",
        )
    return config.model_copy(update={"baselines": _AUTO if has_times else _AUTO_WITHOUT_TIMES})


def check_times(config: EvaluateConfig, sets: EvaluationSets) -> None:
    """Check that the training set has the times that the baselines of `config` need.

    Raises
    ------
    ConfigError
        A baseline needs times, but the events have none.
    """
    needing = [name for name in _NEEDING_TIMES if name in config.baseline_names]
    if needing and sets.training.times is None:
        raise ConfigError(
            f"evaluate.baselines has {needing[0]}, but {_lack_of_times(sets.training)} timestamps",
            hint=f"set events.columns.timestamp, or remove {needing[0]} from evaluate.baselines",
        )


def fitted_baseline(
    name: str,
    sets: EvaluationSets,
    signal: EventsConfig,
    half_life: Literal["auto"] | timedelta,
    threads: int,
) -> Ranker:
    """Return the baseline `name`, fitted to the training set and the histories of the test users.

    `half_life` is the half-life of `recent_popular`.
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
    times = sets.training.times
    assert times is not None  # noqa: S101 - check_times
    if half_life == "auto":
        half_life = select_half_life(sets, signal, threads)
    return RecentPopular(matrix, times, half_life, threads)


def newness_of(sets: EvaluationSets) -> csr_matrix:
    """Return the rank of the last time of each item in a test user's history, (T, I) float64; the oldest has rank 1."""
    times = sets.holdout.test_set.times
    assert times is not None  # noqa: S101 - check_times
    _, ranks = np.unique(times.data, return_inverse=True)
    return csr_matrix((ranks + 1.0, times.indices, times.indptr), shape=times.shape)


def _lack_of_times(interactions: Interactions) -> str:
    return "the events have no" if interactions.newest is None else "not all events have"


def _check_own_items(config: EvaluateConfig) -> None:
    if "own_items" in config.baseline_names and config.exclude_seen:
        raise ConfigError(
            "evaluate.baselines has own_items, but evaluate.exclude_seen is true, so its lists would be empty",
            hint="set evaluate.exclude_seen: false to evaluate repeat purchases too, or remove own_items",
        )
