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

The ridge of a row is lambda (C + a0 N)^nu (:mod:`als_cli.als.objective`), so the scale of lambda depends on nu. The
conversion gives the same mean ridge over all rows as nu = 1. It uses the number of interactions for C.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.confidence import interactions_per_item
from als_cli.als.engine import AlsSettings, Objective
from als_cli.config.train import ConfidenceConfig, FoldInConfig, TrainConfig

Point = Mapping[str, float]
"""A value per name. Settings whose name is missing keep the value of the config."""

FOLD_IN_REGULARIZATION, FOLD_IN_ITEM_EXPONENT = "fold_in_regularization", "fold_in_item_exponent"
FOLD_IN_NAMES = (FOLD_IN_REGULARIZATION, FOLD_IN_ITEM_EXPONENT)
_CONFIDENCE = ("alpha", "user_exponent", "item_exponent")
_DIGITS = 4


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
    return changed.model_copy(update={"fold_in": _fold_in(changed, point, digits)})


def open_values(train: TrainConfig, point: Point) -> Point:
    """Return the values of `point` whose hyperparameters are `auto` in `train` and are supported by its objective."""
    given: dict[str, float | str] = {
        **train.model_dump(),
        **train.confidence.model_dump(),
        FOLD_IN_REGULARIZATION: train.fold_in.regularization,
        FOLD_IN_ITEM_EXPONENT: train.fold_in.item_exponent,
    }
    names = point.keys() if objective_of(train) == "weighted" else point.keys() & {FOLD_IN_REGULARIZATION}
    return {name: point[name] for name in point if name in names and given[name] == "auto"}


def fold_in_values(
    point: Point, given: FoldInConfig, regularization: float, item_exponent: float
) -> tuple[float, float]:
    """Return the regularization and the item exponent of the fold-in.

    `regularization` and `item_exponent` are the values of the training. Numbers in `given` take precedence over
    `point`. Without a value in `point`, the value of the training is used.
    """
    return (
        or_auto(given.regularization, point.get(FOLD_IN_REGULARIZATION, 1.0) * regularization),
        or_auto(given.item_exponent, point.get(FOLD_IN_ITEM_EXPONENT, 1.0) * item_exponent),
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
    searched = {
        "regularization": (FOLD_IN_REGULARIZATION, train.regularization),
        "item_exponent": (FOLD_IN_ITEM_EXPONENT, confidence.item_exponent),
    }
    values = {
        key: rounded(point[name] * of, digits)
        for key, (name, of) in searched.items()
        if name in point and not isinstance(of, str)
    }
    return train.fold_in.model_copy(update=values)
