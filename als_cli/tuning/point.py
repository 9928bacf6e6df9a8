"""From a point of the search to a config, on whatever data: the sample, a fold, the training part.

`unobserved_weight` is searched as a multiple of the density, and `regularization` as what it is where
`frequency_exponent` is 1. A row's ridge is lambda (C + a0 N)^nu (:mod:`als_cli.als.objective`), so another nu asks for
a lambda of another size: the one that leaves the mean ridge of all rows where it is at nu = 1, with the number of
interactions for C.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.confidence import interactions_per_item
from als_cli.als.engine import AlsSettings
from als_cli.config.train import FoldInConfig, TrainConfig

Point = dict[str, float]
"""A value per dimension, on its own scale."""


@dataclass(frozen=True)
class Start:
    """A trial that is not drawn."""

    point: Point
    is_untuned: bool = False
    """Whether to judge the config as it was given, which lies at `point` or near it."""


_DIGITS = 4
_CONFIDENCE = ("alpha", "user_exponent", "item_exponent")


def tuned(train: TrainConfig, point: Point, matrix: csr_matrix) -> TrainConfig:
    """Return `train` with the values of `point`, made numbers for `matrix` (U, I).

    Nothing that is searched stays `auto`: tempering that was left out because it cannot matter is none.
    """
    values: dict[str, object] = {
        "factors": min(int(point["factors"]), *matrix.shape),  # a sample may have fewer users
        "iterations": int(point["iterations"]),
    }
    confidence: dict[str, object] = {
        name: 0.0 for name in _CONFIDENCE if getattr(train.confidence, name) == "auto"
    }
    confidence |= {name: point[name] for name in _CONFIDENCE if name in point}
    values["confidence"] = train.confidence.model_copy(update=confidence)
    values["regularization"] = point["regularization"]
    if "unobserved_weight" in point:
        weight = rounded(point["unobserved_weight"] * density(matrix))
        exponent = point["frequency_exponent"]
        ridge = (
            point["regularization"] * mean_ridge(matrix, weight, 1.0) / mean_ridge(matrix, weight, exponent)
        )
        values |= {
            "unobserved_weight": weight,
            "frequency_exponent": exponent,
            "regularization": rounded(ridge),
        }
    settled = train.model_copy(update=values)
    return settled.model_copy(update={"fold_in": _fold_in(settled, point)})


def _fold_in(train: TrainConfig, point: Point) -> FoldInConfig:
    """Return the fold-in of `point` after a training by `train`, whose hyperparameters are numbers."""
    searched = {
        "regularization": ("fold_in_regularization", train.regularization),
        "item_exponent": ("fold_in_item_exponent", train.confidence.item_exponent),
    }
    values = {
        key: rounded(point[name] * of)
        for key, (name, of) in searched.items()
        if name in point and not isinstance(of, str)
    }
    return train.fold_in.model_copy(update=values)


def regularization_at_one(settings: AlsSettings, matrix: csr_matrix) -> float:
    """Return the searched value that :func:`tuned` would make the regularization of `settings` on `matrix` (U, I)."""
    if settings.objective != "weighted":
        return settings.regularization
    weight = settings.unobserved_weight
    ratio = mean_ridge(matrix, weight, settings.frequency_exponent) / mean_ridge(matrix, weight, 1.0)
    return settings.regularization * ratio


def mean_ridge(matrix: csr_matrix, unobserved_weight: float, exponent: float) -> float:
    """Return the mean over all users and items of (n + a0 N)^nu: interactions n, N rows on the other side."""
    users, items = matrix.shape
    per_user = np.diff(matrix.indptr) + unobserved_weight * items
    per_item = interactions_per_item(matrix) + unobserved_weight * users
    return float(np.mean(np.concatenate([per_user, per_item]) ** exponent))


def density(matrix: csr_matrix) -> float:
    """Return the share of pairs of `matrix` (U, I) that are stored."""
    return float(matrix.nnz / (matrix.shape[0] * matrix.shape[1]))


def rounded(value: float) -> float:
    """Return `value` with as many digits as a person reads in the config: that is what was judged."""
    return float(f"{value:.{_DIGITS}g}")
