"""A trial of `auto`, as it is stored beside the choice for people who ask what was compared."""

from als_cli.reports import Report
from als_cli.tuning.point import Point

_PRESET_NAMES = ("unobserved_weight", "regularization", "user_exponent", "item_exponent")


class ComparedTrial(Report):
    """Settings that `auto` evaluated, and their value.

    Values are comparable if `screening` and `all_users` are equal.
    """

    screening: bool
    """Whether only a few iterations were made, to select the presets that are evaluated further."""
    all_users: bool
    """Whether all users of the validation sets were evaluated. Otherwise a sample was."""
    factors: int
    iterations: int
    start: dict[str, float]
    """The preset: weights of the loss on the scales of :mod:`als_cli.tuning.point`."""
    value: float
    """`train.metric`: the mean over the validation sets."""


def preset_of(point: Point) -> dict[str, float]:
    """Return the values of `point` that a preset has."""
    return {name: float(point[name]) for name in _PRESET_NAMES if name in point}
