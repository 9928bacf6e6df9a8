"""Hyperparameter presets: the points that `auto` compares and that `als tune` starts with."""

from als_cli.config.train import TrainConfig
from als_cli.tuning.point import FOLD_IN_ITEM_EXPONENT, FOLD_IN_REGULARIZATION, Point, open_values


def _preset(multiple: float, regularization: float, user_exponent: float, item_exponent: float) -> Point:
    return {
        "unobserved_weight": multiple,
        "regularization": regularization,
        "user_exponent": user_exponent,
        "item_exponent": item_exponent,
    }


PRESETS = (
    _preset(multiple=96, regularization=0.002, user_exponent=0.2, item_exponent=0.3),
    _preset(multiple=32, regularization=0.005, user_exponent=0.25, item_exponent=0.25),
    _preset(multiple=16, regularization=0.01, user_exponent=0.25, item_exponent=0.25),
    _preset(multiple=20, regularization=0.009, user_exponent=0.5, item_exponent=0.25),
    _preset(multiple=96, regularization=0.001, user_exponent=0.0, item_exponent=0.3),
    _preset(multiple=16, regularization=0.005, user_exponent=0.0, item_exponent=0.0),
    _preset(multiple=32, regularization=0.02, user_exponent=0.25, item_exponent=0.25),
)
"""Each preset had the best validation NDCG@10 on a public data set (docs/decisions/0013)."""

BALANCED = _preset(multiple=24.0, regularization=0.005, user_exponent=0.1, item_exponent=0.1)
"""The defaults without validation. They are near the best on all data sets (docs/decisions/0013)."""

FIRST_FOLD_IN: Point = {FOLD_IN_REGULARIZATION: 1.0, FOLD_IN_ITEM_EXPONENT: 0.5}
"""The fold-in hyperparameters that the first trials start with."""


def distinct_starts(train: TrainConfig) -> list[Point]:
    """Return the presets with FIRST_FOLD_IN, without those that differ only in settings that are numbers in `train`."""
    starts: dict[tuple[tuple[str, float], ...], Point] = {}
    for preset in PRESETS:
        start = {**preset, **FIRST_FOLD_IN}
        starts.setdefault(tuple(sorted(open_values(train, start).items())), start)
    return list(starts.values())
