"""Values for `auto` in section `train`: hyperparameters selected on validation sets, within a budget.

1. All presets (docs/decisions/0013) are trained for a few iterations with few factors, and the best are kept.
2. They are evaluated with few factors, and the best of them with more factors, because the best preset with few factors
   is not always the best with many.
3. The number of factors grows while the validation metric improves by a minimum ratio.
4. Each trial selects its number of iterations, its fold-in hyperparameters and the influence of demand.

A formula computes the cost of each trial. Elapsed time and the number of threads do not influence the result, unless
the machine is much slower than the formula assumes. A warning says so.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.cost import iteration_seconds, ranking_seconds
from als_cli.config.evaluate import AutoSplit, Split, TimeSplit
from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.progress import Progress, SilentProgress
from als_cli.splitting.validation import Horizon, ValidationSets, validation_sets, without_times
from als_cli.tuning.auto_trial import TrialRunner
from als_cli.tuning.compared import ComparedTrial
from als_cli.tuning.contest import AutoRules, Contest
from als_cli.tuning.parameters import check_times
from als_cli.tuning.point import POINT_NAMES, Point, apply_point, open_values

_MAXIMUM_FACTORS, _MAXIMUM_ITERATIONS = 4096, 10_000
"""Limits of a choice that is read from a file."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """Settings that `auto` selected. They do not depend on the size of a matrix, so they serve later datasets too."""

    point: Point
    metric: str
    """The metric that the settings were selected by."""
    value: float
    """Mean of the metric over the validation sets."""
    users: int
    """Number of evaluated users, in all validation sets."""
    periods: int
    """Number of validation sets."""
    compared: tuple[ComparedTrial, ...] = field(default=(), compare=False)
    """What `auto` evaluated. Empty for a choice that is read again, because no result depends on it."""

    def apply(self, train: TrainConfig, matrix: csr_matrix) -> TrainConfig:
        """Return `train` with the selected values for its `auto` settings, converted for a training on `matrix` (U, I)."""
        return apply_point(train, open_values(train, self.point), matrix)

    def to_json(self) -> dict[str, Any]:
        """Return the choice as JSON values. An infinite half-life is null."""
        point = {name: None if value == float("inf") else value for name, value in self.point.items()}
        values = {name: value for name, value in vars(self).items() if name != "compared"}
        return {**values, "point": point}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Choice":
        """Return the choice from the values of :meth:`to_json`."""
        point = {name: float("inf") if value is None else value for name, value in values["point"].items()}
        return cls(**{**values, "point": point})


def checked_choice(choice: Choice) -> Choice:
    """Return `choice`, whose point comes from a file, after a check of its numbers.

    Raises
    ------
    ValueError
        A name is unknown, a value is no number, NaN or negative, or there are too many factors or iterations.
    """
    point = choice.point
    numbers = (*point.values(), choice.value, choice.users, choice.periods)
    if not all(type(number) in (int, float) and number >= 0 for number in numbers):
        raise ValueError("a value of the choice is not a number of at least 0")
    if not point.keys() <= POINT_NAMES:
        raise ValueError("the choice has a setting with an unknown name")
    factors, iterations = point.get("factors", 1), point.get("iterations", 1)
    if not 1 <= factors <= _MAXIMUM_FACTORS or not 1 <= iterations <= _MAXIMUM_ITERATIONS:
        raise ValueError("the factors or iterations of the choice are out of range")
    return choice


def is_open(train: TrainConfig) -> bool:
    """Return whether a validation set selects settings of `train`. Validation needs the ranking kernels."""
    return train.engine == "native" and "auto" in (train.factors, train.iterations)


@dataclass(frozen=True)
class AutoSearch:
    """Selects values for the `auto` settings of section `train`."""

    signal: EventsConfig
    threads: int
    progress: Progress = field(default_factory=SilentProgress)
    rules: AutoRules = field(default_factory=AutoRules)
    horizon: Horizon = field(default_factory=Horizon)

    def choose(self, train: TrainConfig, clean: pl.LazyFrame) -> Choice | None:
        """Return the choice for `train` on `clean` events (CLEAN_EVENT_COLUMNS). No other data is read.

        Presets whose factors are not finite are skipped. There is no choice, so that settings keep their defaults, in
        these cases:

        * `factors` and `iterations` are numbers, or the engine is `implicit`.
        * Too few users can be evaluated.
        * No list contains a test item.

        Raises
        ------
        ConfigError
            `train.horizon` is longer than the time from the oldest to the newest event, or `train` has a half-life but not
            all events have timestamps.
        """
        if not is_open(train):
            return None
        sets = validation_sets(clean, self.signal, self.horizon, self.rules.validation)
        if not sets:
            log.info("too few users can be evaluated: `auto` settings keep their defaults")
            return None
        check_times(train, sets[0].training.times)
        # Random pairs are not later than the training set, so they say nothing about times.
        sets = tuple(one if one.cut_off else without_times(one) for one in sets)
        with self.progress.task("selecting settings") as task:
            contest = Contest(
                train,
                sets,
                TrialRunner(train, self.threads, self.rules.validation.maximum_searched),
                self.rules,
                task,
            )
            best = contest.best()
        if not best.value > 0:
            log.info("no list contains a test item: `auto` settings keep their defaults")
            return None
        users = _users(sets)
        log.info("selected on %d users in %d validation sets: %s", users, len(sets), best)
        point = {**best.point, "factors": best.factors, "iterations": int(best.train.iterations)}
        return Choice(point, train.metric, best.value, users, len(sets), tuple(contest.compared))

    def resolve(self, train: TrainConfig, clean: pl.LazyFrame, matrix: csr_matrix) -> TrainConfig:
        """Return `train` with the settings of :meth:`choose`, for a training on `matrix` (U, I); `train` without a choice.

        :func:`als_cli.tuning.parameters.recipe_for` sets defaults for settings that stay `auto`.
        """
        choice = self.choose(train, clean)
        return train if choice is None else choice.apply(train, matrix)


def horizon_of(train: TrainConfig, split: Split) -> Horizon:
    """Return the length of validation periods for `train`: its `horizon`, or the test period of a `split` by time.

    With another given split, the evaluation does not measure a later period. Then settings do not depend on times,
    unless `train.horizon` is given.
    """
    if train.horizon != "auto":
        return Horizon(train.horizon, is_given=True)
    if isinstance(split, TimeSplit) and isinstance(split.test, timedelta):
        return Horizon(split.test)
    return Horizon(follows_time=isinstance(split, (TimeSplit, AutoSplit)))


def forecast(matrix: csr_matrix, factors: int, iterations: int) -> str:
    """Return a sentence with the expected durations of a training on `matrix` (U, I) and of lists for all users."""
    users, items = matrix.shape
    # The fold-in after the iterations takes about as long as one of them.
    training = (iterations + 1) * iteration_seconds(matrix, factors)
    return (
        f"chosen: {factors} factors; train about {_duration(training)}, "
        f"recommend about {_duration(ranking_seconds(users, items, factors))}"
    )


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def _users(sets: ValidationSets) -> int:
    return sum(one.holdout.test_set.users for one in sets)
