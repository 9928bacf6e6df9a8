"""Points of the search by `auto` and `als tune`: hyperparameters on scales that do not depend on the data set.

| name in a point | hyperparameter | scale |
|---|---|---|
| `factors`, `iterations` | `train.factors`, `train.iterations` | unchanged |
| `unobserved_weight` | `train.unobserved_weight` | multiple of the density of the matrix |
| `regularization` | `train.regularization` | the equivalent value with `frequency_exponent` 1 |
| `frequency_exponent` | `train.frequency_exponent` | unchanged |
| `alpha`, `user_exponent`, `item_exponent` | `train.confidence` | unchanged |
| `fold_in_regularization` | `train.fold_in.regularization` | multiple of `train.regularization` |
| `fold_in_item_exponent` | `train.fold_in.item_exponent` | fraction of `train.confidence.item_exponent` |
| `fold_in_half_life` | `train.fold_in.half_life` | seconds, infinity for `infinite` |
| `demand_half_life`, `long_run_half_life` | half-lives of `train.demand` | seconds, infinity for `infinite` |
| `demand_exponent`, `long_run_exponent`, `demand_offset` | `train.demand` | unchanged |

The ridge of a row is lambda (C + a0 N)^nu (:mod:`als_cli.als.objective`), so the scale of lambda depends on nu. The
conversion gives the same mean ridge over all rows as nu = 1. It uses the number of interactions for C.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.confidence import interactions_per_item
from als_cli.als.engine import AlsSettings, Objective
from als_cli.config.train import ConfidenceConfig, DemandConfig, FoldInConfig, HalfLife, TrainConfig

Point = Mapping[str, float]
"""A value per name. Settings whose name is missing keep the value of the config."""

FOLD_IN_REGULARIZATION, FOLD_IN_ITEM_EXPONENT = "fold_in_regularization", "fold_in_item_exponent"
FOLD_IN_HALF_LIFE = "fold_in_half_life"
FOLD_IN_NAMES = (FOLD_IN_REGULARIZATION, FOLD_IN_ITEM_EXPONENT, FOLD_IN_HALF_LIFE)
DEMAND_HALF_LIFE, DEMAND_EXPONENT, DEMAND_OFFSET = "demand_half_life", "demand_exponent", "demand_offset"
LONG_RUN_HALF_LIFE, LONG_RUN_EXPONENT = "long_run_half_life", "long_run_exponent"
DEMAND_KEYS = {
    DEMAND_HALF_LIFE: "half_life",
    DEMAND_EXPONENT: "exponent",
    LONG_RUN_HALF_LIFE: "long_run_half_life",
    LONG_RUN_EXPONENT: "long_run_exponent",
    DEMAND_OFFSET: "offset",
}
"""Names in a point and keys of `train.demand`."""
_CONFIDENCE = ("alpha", "user_exponent", "item_exponent")
POINT_NAMES = frozenset(
    {
        *("factors", "iterations", "unobserved_weight", "regularization", "frequency_exponent"),
        *(*_CONFIDENCE, *FOLD_IN_NAMES, *DEMAND_KEYS),
    }
)
"""All names of a point."""
_DIGITS = 4
HU2008_REGULARIZATION = 0.05
"""The default regularization of objective hu2008."""


def apply_point(
    train: TrainConfig, point: Point, matrix: csr_matrix, digits: int | None = None
) -> TrainConfig:
    """Return `train` with the values of `point`, converted for `matrix` (U, I).

    Converted values are rounded to `digits` significant digits. `factors` is at most the number of users and of items.
    """
    values: dict[str, Any] = {}
    if "factors" in point:
        values["factors"] = min(int(point["factors"]), *matrix.shape)
    if "iterations" in point:
        values["iterations"] = int(point["iterations"])
    confidence = {name: point[name] for name in _CONFIDENCE if name in point}
    values["confidence"] = train.confidence.model_copy(update=confidence)
    values |= _loss_values(point, matrix, digits)
    changed = train.model_copy(update=values)
    return changed.model_copy(
        update={"fold_in": _fold_in(changed, point, digits), "demand": demand_of(train.demand, point)}
    )


def open_values(train: TrainConfig, point: Point) -> Point:
    """Return the values of `point` whose hyperparameters are `auto` in `train` and are supported by its objective."""
    given: dict[str, Any] = {
        **train.model_dump(),
        **train.confidence.model_dump(),
        FOLD_IN_REGULARIZATION: train.fold_in.regularization,
        FOLD_IN_ITEM_EXPONENT: train.fold_in.item_exponent,
        FOLD_IN_HALF_LIFE: train.fold_in.half_life,
        **{name: getattr(train.demand, key) for name, key in DEMAND_KEYS.items()},
    }
    names = set(point)
    if objective_of(train) != "weighted":
        names &= {"factors", "iterations", FOLD_IN_REGULARIZATION, *DEMAND_KEYS}
    return {name: point[name] for name in point if name in names and given[name] == "auto"}


def fold_in_values(
    point: Point, given: FoldInConfig, regularization: float, item_exponent: float
) -> tuple[float, float, float | None]:
    """Return the regularization, the item exponent and the half-life in seconds (None: infinite) of the fold-in.

    `regularization` and `item_exponent` are the values of the training. Numbers in `given` take precedence over
    `point`. Without a value in `point`, the value of the training is used.
    """
    half_life = given.half_life
    if half_life == "auto":
        half_life = half_life_of(point.get(FOLD_IN_HALF_LIFE, math.inf))
    return (
        or_auto(given.regularization, point.get(FOLD_IN_REGULARIZATION, 1.0) * regularization),
        or_auto(given.item_exponent, point.get(FOLD_IN_ITEM_EXPONENT, 1.0) * item_exponent),
        half_life_seconds(half_life),
    )


def regularization_at_one(settings: AlsSettings, matrix: csr_matrix) -> float:
    """Return the regularization on the scale of a point; :func:`apply_point` converts it back to that of `settings`."""
    if settings.objective != "weighted":
        return settings.regularization
    weight = settings.unobserved_weight
    ratio = mean_ridge(matrix, weight, settings.frequency_exponent) / mean_ridge(matrix, weight, 1.0)
    return settings.regularization * ratio


def mean_ridge(matrix: csr_matrix, unobserved_weight: float, exponent: float) -> float:
    """Return the mean of (n + a0 N)^nu over all users and items: n interactions, N rows on the other side."""
    users, items = matrix.shape
    per_user = np.diff(matrix.indptr) + unobserved_weight * items
    per_item = interactions_per_item(matrix) + unobserved_weight * users
    return float(np.mean(np.concatenate([per_user, per_item]) ** exponent))


def density(matrix: csr_matrix) -> float:
    """Return the fraction of the pairs of `matrix` (U, I) that are stored."""
    return float(matrix.nnz / (matrix.shape[0] * matrix.shape[1]))


def rounded(value: float, digits: int | None = _DIGITS) -> float:
    """Return `value` rounded to `digits` significant digits. None means no rounding."""
    return value if digits is None else float(f"{value:.{digits}g}")


def or_auto(value: float | str, auto: float) -> float:
    """Return `value` if it is a number, and `auto` if it is the word `auto`."""
    return auto if isinstance(value, str) else value


def objective_of(train: TrainConfig) -> Objective:
    """Return the objective of `train`. With `auto`, it is hu2008 for engine implicit and weighted for engine native."""
    if train.objective == "auto":
        return "hu2008" if train.engine == "implicit" else "weighted"
    return train.objective


def _loss_values(point: Point, matrix: csr_matrix, digits: int | None) -> dict[str, float]:
    values = {name: point[name] for name in ("regularization", "frequency_exponent") if name in point}
    if "unobserved_weight" not in point:
        return values
    weight = values["unobserved_weight"] = rounded(point["unobserved_weight"] * density(matrix), digits)
    if {"regularization", "frequency_exponent"} <= point.keys():
        exponent = point["frequency_exponent"]
        ridge = (
            point["regularization"] * mean_ridge(matrix, weight, 1.0) / mean_ridge(matrix, weight, exponent)
        )
        values["regularization"] = rounded(ridge, digits)
    return values


def _fold_in(train: TrainConfig, point: Point, digits: int | None) -> FoldInConfig:
    """Return section `fold_in` with the values of `point`. Values relative to a setting that is `auto` are not changed."""
    confidence: ConfidenceConfig = train.confidence
    regularization = train.regularization
    if objective_of(train) == "hu2008":
        regularization = or_auto(regularization, HU2008_REGULARIZATION)
    searched = {
        "regularization": (FOLD_IN_REGULARIZATION, regularization),
        "item_exponent": (FOLD_IN_ITEM_EXPONENT, confidence.item_exponent),
    }
    values: dict[str, Any] = {
        key: rounded(point[name] * of, digits)
        for key, (name, of) in searched.items()
        if name in point and not isinstance(of, str)
    }
    if FOLD_IN_HALF_LIFE in point:
        values["half_life"] = half_life_of(point[FOLD_IN_HALF_LIFE])
    return train.fold_in.model_copy(update=values)


def demand_of(demand: DemandConfig, point: Point) -> DemandConfig:
    """Return `demand` with the values of `point`."""
    values: dict[str, Any] = {key: point[name] for name, key in DEMAND_KEYS.items() if name in point}
    for key in values.keys() & {"half_life", "long_run_half_life"}:
        values[key] = half_life_of(values[key])
    return demand.model_copy(update=values)


def half_life_seconds(half_life: HalfLife) -> float | None:
    """Return `half_life` in seconds, None if it is `infinite` or `auto`."""
    return None if isinstance(half_life, str) else half_life.total_seconds()


def half_life_of(seconds: float) -> HalfLife:
    """Return the half-life in the config for `seconds`, which may be infinite."""
    return "infinite" if math.isinf(seconds) else timedelta(seconds=seconds)
