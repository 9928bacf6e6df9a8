"""The search space of `als tune`: from section `tune.space` and the data to dimensions, from a point to a config."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.config.train import TrainConfig
from als_cli.config.tune import SpaceConfig
from als_cli.stages.recipes import recipe_for

Point = dict[str, float]
"""A value per dimension, on its own scale: `unobserved_weight` is a multiple of the density."""
Kind = Literal["choice", "count", "log", "log1p"]

_REGULARIZATION = {"weighted": (1e-4, 1e-1), "hu2008": (1e-3, 1e2)}
_DIGITS = 4
"""Significant digits of a drawn number: what was judged is what a person reads in the file."""


@dataclass(frozen=True)
class Dimension:
    """One hyperparameter and its values."""

    name: str
    kind: Kind
    values: tuple[float, ...]
    """All values of a choice, ascending; else the lowest and the highest."""
    untuned: float
    """What the given config has, moved to the nearest value of the space."""

    def to_scale(self, value: float) -> float:
        """Return where `value` lies on the scale that is searched evenly."""
        return math.log1p(value) if self.kind == "log1p" else value

    def from_scale(self, drawn: float) -> float:
        """Return the value at `drawn`, rounded and inside the bounds."""
        if self.kind in ("choice", "count"):
            return int(drawn)
        value = math.expm1(drawn) if self.kind == "log1p" else drawn
        return min(max(float(f"{value:.{_DIGITS}g}"), self.values[0]), self.values[-1])


def search_space(
    train: TrainConfig, space: SpaceConfig, matrices: Sequence[csr_matrix]
) -> tuple[Dimension, ...]:
    """Return what is searched on the training `matrices` (U, I) of the folds.

    Left out is what cannot matter: `unobserved_weight` unless the objective is weighted, alpha where all strengths
    are alike under that objective, iterations where they are `auto`.
    """
    smallest = min(matrices, key=lambda matrix: min(matrix.shape))
    settings = recipe_for(smallest, train, threads=1).settings
    weighted = settings.objective == "weighted"
    bounds = _REGULARIZATION[settings.objective] if space.regularization == "auto" else space.regularization
    dimensions = [
        _dimension("factors", "choice", _factors(space, min(smallest.shape)), settings.factors),
        _dimension("regularization", "log", bounds, settings.regularization),
    ]
    if weighted:
        multiple = settings.unobserved_weight / density(smallest)
        dimensions.append(_dimension("unobserved_weight", "log", space.unobserved_weight, multiple))
    if not (weighted and all(_is_constant(matrix) for matrix in matrices)):
        dimensions.append(_dimension("alpha", "log1p", space.alpha, train.confidence.alpha))
    if train.iterations != "auto":
        dimensions.append(_dimension("iterations", "count", space.iterations, train.iterations))
    return tuple(dimensions)


def tuned(train: TrainConfig, point: Point, matrix: csr_matrix) -> TrainConfig:
    """Return `train` with the values of `point`; the multiple of the density becomes a weight for `matrix`."""
    values: dict[str, object] = {
        name: int(value) if name in ("factors", "iterations") else value
        for name, value in point.items()
        if name != "alpha"
    }
    if "unobserved_weight" in point:
        values["unobserved_weight"] = float(f"{point['unobserved_weight'] * density(matrix):.{_DIGITS}g}")
    if "alpha" in point:
        values["confidence"] = train.confidence.model_copy(update={"alpha": point["alpha"]})
    return train.model_copy(update=values)


def density(matrix: csr_matrix) -> float:
    """Return the share of pairs of `matrix` (U, I) that are stored."""
    return float(matrix.nnz / (matrix.shape[0] * matrix.shape[1]))


def _dimension(name: str, kind: Kind, values: tuple[float, ...], untuned: float) -> Dimension:
    if kind == "choice":
        return Dimension(name, kind, values, min(values, key=lambda value: abs(value - untuned)))
    return Dimension(name, kind, values, min(max(untuned, values[0]), values[-1]))


def _factors(space: SpaceConfig, most: int) -> tuple[float, ...]:
    return tuple(sorted({factors for factors in space.factors if factors <= most} or {most}))


def _is_constant(matrix: csr_matrix) -> bool:
    return bool(np.all(matrix.data == matrix.data[0]))
