"""The search space of `als tune`, from section `tune.space` and the data; and conversions between it and the config."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.recipe import FoldIn, Recipe
from als_cli.config.train import TrainConfig
from als_cli.config.tune import SpaceConfig
from als_cli.tuning.point import Point, apply_point, density, objective_of, regularization_at_one, rounded

Kind = Literal["choice", "count", "even", "log", "log1p"]

_FACTORS = tuple(2**power for power in range(4, 11))
_MAXIMUM_FACTOR_BYTES = 4 << 30
_DIGITS = 4
"""Significant digits of values in the best config. Trials use the same rounded values."""
_REGULARIZATION = {"weighted": (1e-4, 5e-2), "hu2008": (1e-3, 1e2)}


@dataclass(frozen=True)
class Dimension:
    """One hyperparameter of the search space."""

    name: str
    kind: Kind
    values: tuple[float, ...]
    """All values of a choice, ascending. For other kinds, the minimum and the maximum."""

    def to_scale(self, value: float) -> float:
        """Return the value of the space nearest to `value`, on the scale of the sampler."""
        if self.kind == "choice":
            return min(range(len(self.values)), key=lambda index: abs(self.values[index] - value))
        inside = min(max(value, self.values[0]), self.values[-1])
        return math.log1p(inside) if self.kind == "log1p" else inside

    def from_scale(self, sampled: float) -> float:
        """Return the value at `sampled` on the scale of the sampler, rounded and within the bounds."""
        if self.kind == "choice":
            return int(self.values[int(sampled)])
        if self.kind == "count":
            return int(sampled)
        value = math.expm1(sampled) if self.kind == "log1p" else sampled
        return min(max(rounded(value), self.values[0]), self.values[-1])


def search_space(
    train: TrainConfig, space: SpaceConfig, matrices: Sequence[csr_matrix]
) -> tuple[Dimension, ...]:
    """Return the dimensions of the search on the training `matrices` (U, I) of the folds.

    Hyperparameters without influence are left out. With objective hu2008, these are the hyperparameters of the weighted
    objective. With the weighted objective, these are `alpha` if all strengths are equal, and the exponent of a side if
    all its rows have equally many interactions.
    """
    objective = objective_of(train)
    weighted = objective == "weighted"
    bounds = _REGULARIZATION[objective] if space.regularization == "auto" else space.regularization
    dimensions = [
        Dimension("factors", "choice", _factors(space, matrices)),
        Dimension("regularization", "log", bounds),
    ]
    if weighted:
        dimensions.append(Dimension("unobserved_weight", "log", space.unobserved_weight))
        dimensions.append(Dimension("frequency_exponent", "even", space.frequency_exponent))
    if not (weighted and all(_all_equal(matrix.data) for matrix in matrices)):
        dimensions.append(Dimension("alpha", "log1p", space.alpha))
    if weighted and not all(_all_equal(np.diff(matrix.indptr)) for matrix in matrices):
        dimensions.append(Dimension("user_exponent", "even", space.user_exponent))
    if weighted and not all(_all_equal(np.bincount(matrix.indices)) for matrix in matrices):
        dimensions.append(Dimension("item_exponent", "even", space.item_exponent))
        dimensions.append(Dimension("fold_in_item_exponent", "even", space.fold_in_item_exponent))
    dimensions.append(Dimension("fold_in_regularization", "log", space.fold_in_regularization))
    dimensions.append(Dimension("iterations", "count", space.iterations))
    return tuple(dimensions)


def point_of(recipe: Recipe, matrix: csr_matrix, space: Sequence[Dimension]) -> Point:
    """Return the point of `space` nearest to `recipe`, which was made for `matrix` (U, I)."""
    settings, rule = recipe.settings, recipe.confidence
    fold_in = recipe.separate_fold_in or FoldIn(settings.regularization, rule)
    values = {
        "factors": settings.factors,
        "regularization": regularization_at_one(settings, matrix),
        "unobserved_weight": settings.unobserved_weight / density(matrix),
        "frequency_exponent": settings.frequency_exponent,
        "alpha": rule.alpha,
        "user_exponent": rule.user_exponent,
        "item_exponent": rule.item_exponent,
        "fold_in_regularization": _ratio(fold_in.regularization, settings.regularization),
        "fold_in_item_exponent": _ratio(fold_in.confidence.item_exponent, rule.item_exponent),
        "iterations": settings.iterations,
    }
    return {
        dimension.name: dimension.from_scale(dimension.to_scale(values[dimension.name]))
        for dimension in space
    }


def searched_config(train: TrainConfig, point: Point, matrix: csr_matrix) -> TrainConfig:
    """Return `train` with the values of `point`, converted for `matrix` (U, I). No searched setting stays `auto`.

    A tempering exponent that is not in the space, because it has no influence, becomes 0.
    """
    left_out = {
        name: 0.0
        for name in ("user_exponent", "item_exponent")
        if name not in point and getattr(train.confidence, name) == "auto"
    }
    return apply_point(train, {**left_out, **point}, matrix, _DIGITS)


def _factors(space: SpaceConfig, matrices: Sequence[csr_matrix]) -> tuple[float, ...]:
    most = min(min(matrix.shape) for matrix in matrices)
    if space.factors == "auto":
        rows = max(sum(matrix.shape) for matrix in matrices)
        most = max(1, min(most, _MAXIMUM_FACTOR_BYTES // (4 * rows)))
        choices = _FACTORS
    else:
        choices = space.factors
    return tuple(sorted({factors for factors in choices if factors <= most} or {most}))


def _ratio(value: float, of: float) -> float:
    return value / of if of else 1.0


def _all_equal(values: np.ndarray) -> bool:
    return bool(np.all(values == values[0]))
