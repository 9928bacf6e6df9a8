"""A trial of `auto`, as it is stored beside the choice for people who ask what was compared."""

from als_cli.reports import Report
from als_cli.tuning.auto_trial import Trial
from als_cli.tuning.point import Point


class ComparedTrial(Report):
    """Settings that `auto` evaluated, and their value. Values on all users and on a sample are not comparable."""

    factors: int
    iterations: int
    start: dict[str, float]
    """The preset: weights of the loss on the scales of :mod:`als_cli.tuning.point`."""
    value: float
    """`train.metric`: the mean over the validation sets."""
    all_users: bool
    """Whether all users of the validation sets were evaluated. Otherwise a sample was."""


def compared_trial(trial: Trial, *, all_users: bool) -> ComparedTrial:
    """Return what is stored about `trial`."""
    return ComparedTrial(
        factors=trial.factors,
        iterations=int(trial.train.iterations),
        start=_preset_of(trial.point),
        value=trial.value,
        all_users=all_users,
    )


def _preset_of(point: Point) -> dict[str, float]:
    names = ("unobserved_weight", "regularization", "user_exponent", "item_exponent")
    return {name: float(point[name]) for name in names if name in point}
