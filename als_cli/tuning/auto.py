"""Values for `auto` in section `train`: hyperparameters selected on a validation set, within a budget.

1. All presets (docs/decisions/0013) are evaluated with few factors. The best presets are evaluated again with more
   factors, because the best preset with few factors is not always the best with many.
2. The number of factors grows while the validation metric improves by a minimum ratio.
3. Each trial selects its number of iterations and its fold-in hyperparameters.

A formula computes the cost of each trial. Elapsed time and the number of threads do not influence the result.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.cost import iteration_seconds, training_bytes
from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.progress import Progress, SilentProgress, Task
from als_cli.splitting.division import EvaluationSets
from als_cli.splitting.validation import Horizon, ValidationRules, smaller, validation_sets
from als_cli.tuning.auto_trial import METRIC, Trial, TrialRunner
from als_cli.tuning.point import FOLD_IN_NAMES, Point, apply_point, open_values
from als_cli.tuning.presets import distinct_starts

_CONTENDERS = 3
"""Presets that are evaluated with `more_factors`. With even more factors, only the best preset is evaluated."""
_MINIMUM_RATIO_TO_BEST = 0.97
"""Minimum ratio to the best value for a preset to be evaluated with more factors."""
_EXPECTED_ITERATIONS = 6
"""Iterations of a training that its expected cost assumes."""
_MINIMUM_GAIN = 1.005
"""Minimum ratio by which another number of factors must improve the metric."""
_MINIMUM_GAIN_FOR_EVEN_MORE = 1.02
"""Minimum ratio of the values with `more_factors` and `few_factors` before even more factors are evaluated."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AutoRules:
    """Numbers of factors that `auto` compares, and the rules for its validation set."""

    minimum_factors: int = 16
    few_factors: int = 64
    more_factors: int = 256
    maximum_factors: int = 1024
    validation: ValidationRules = field(default_factory=ValidationRules)
    seconds_per_iteration: Callable[[csr_matrix, int], float] = iteration_seconds
    """Expected seconds of an iteration, from the matrix (U, I) and the number of factors. A formula, not a measurement."""


class RunsTrials(Protocol):
    """Runs one trial. :class:`als_cli.tuning.auto_trial.TrialRunner` trains; tests use scripted values."""

    def run(self, sets: EvaluationSets, start: Point, factors: int, best_seen: float = 0.0) -> Trial:
        """Return the trial of the point `start` with `factors` on `sets`."""
        ...


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

    def choose(self, train: TrainConfig, clean: pl.LazyFrame, matrix: csr_matrix) -> TrainConfig:
        """Return `train` with numbers for the `auto` settings that a validation set can select, for a training on `matrix`.

        `clean` (CLEAN_EVENT_COLUMNS) are the events of `matrix` (U, I). No other data is read. Presets whose factors
        are not finite are skipped.

        `train` is returned unchanged in these cases. :func:`als_cli.tuning.parameters.recipe_for` then sets defaults.

        * `factors` and `iterations` are numbers, or the engine is `implicit`.
        * Too few users can be evaluated.
        * No list contains a test item.
        """
        if not is_open(train):
            return train
        periods = validation_sets(clean, self.signal, Horizon(), self.rules.validation)
        if not periods:
            log.info("too few users can be evaluated: `auto` settings keep their defaults")
            return train
        with self.progress.task("selecting settings") as task:
            sets = periods[0]
            best = Contest(sets, TrialRunner(train, self.threads), self.rules, task).best(train, matrix)
        if not best.value > 0:
            log.info("no list contains a test item: `auto` settings keep their defaults")
            return train
        log.info("selected on %d users: %s", sets.holdout.test_set.users, best)
        return best.train


class Contest:
    """The trials of `auto` on one validation set."""

    def __init__(self, sets: EvaluationSets, trials: RunsTrials, rules: AutoRules, task: Task) -> None:
        self._whole = sets
        self._fewer_users = smaller(sets, rules.validation)
        self._trials = trials
        self._rules = rules
        self._task = task
        self._spent = 0.0
        self._best_seen = 0.0
        self._even_more_factors = False
        """Whether `more_factors` improved on `few_factors` enough to evaluate even more factors."""

    def best(self, train: TrainConfig, matrix: csr_matrix) -> Trial:
        """Return the best trial within the budget of `train`, with hyperparameters converted for `matrix`."""
        is_open = train.factors == "auto"
        most = min(
            self._rules.maximum_factors if train.factors == "auto" else train.factors,
            *self._whole.training.matrix.shape,  # may have fewer users or items than `train.factors`
            *matrix.shape,
        )
        contenders = self._contenders(train, most)
        if self._fewer_users is not self._whole:  # values are comparable only on the same users
            contenders = self._on_all_users(train, contenders)
        if contenders[0].factors < most and (not is_open or self._even_more_factors):
            contenders = self._with_more_factors(train, contenders, most)
        best = self._with_other_factors(train, contenders[0], most) if is_open else contenders[0]
        loss = {name: value for name, value in best.point.items() if name not in FOLD_IN_NAMES}
        chosen = apply_point(train, open_values(train, loss), matrix)
        found = {"iterations": best.train.iterations, "fold_in": best.train.fold_in}
        if is_open:
            found["factors"] = best.factors
        return replace(best, train=chosen.model_copy(update=found))

    def _contenders(self, train: TrainConfig, most: int) -> list[Trial]:
        """Return the trials of the best presets, best first: all with few factors, or the best of them with more."""
        matrix, rules = self._fewer_users.training.matrix, self._rules
        few, more = (min(factors, most, *matrix.shape) for factors in (rules.few_factors, rules.more_factors))
        tried = self._evaluate(self._fewer_users, distinct_starts(train), few)
        if more == few:
            return tried
        contenders = self._with_more_factors(train, tried, more, self._fewer_users)
        gained = contenders[0].value > tried[0].value * _MINIMUM_GAIN_FOR_EVEN_MORE
        self._even_more_factors = more == rules.more_factors and gained
        return contenders

    def _on_all_users(self, train: TrainConfig, tried: list[Trial]) -> list[Trial]:
        """Return the best of `tried`, evaluated on all users. Return `tried` if the budget does not allow it."""
        factors = tried[0].factors
        if self._affords(train, self._whole.training.matrix, factors, 1):
            return self._evaluate_again(self._whole, tried[:1], factors)
        return tried

    def _with_more_factors(
        self, train: TrainConfig, tried: list[Trial], factors: int, sets: EvaluationSets | None = None
    ) -> list[Trial]:
        """Return the best of `tried` evaluated with `factors`, best first. Return `tried` if they do not improve."""
        sets = sets or self._whole
        count = _CONTENDERS if factors <= self._rules.more_factors else 1
        close = [trial for trial in tried[:count] if trial.value >= _MINIMUM_RATIO_TO_BEST * tried[0].value]
        for contenders in (close, tried[:1]):
            if self._affords(train, sets.training.matrix, factors, len(contenders)):
                with_more = self._evaluate_again(sets, contenders, factors)
                is_open = train.factors == "auto"
                return tried if is_open and self._better(tried[0], with_more) is tried[0] else with_more
        return tried

    def _with_other_factors(self, train: TrainConfig, first: Trial, most: int) -> Trial:
        """Return the best of `first`, one trial with twice its factors, and trials of all presets with fewer factors."""
        few, best = self._rules.few_factors, first
        if first.factors < most and (first.factors <= few or self._even_more_factors):
            factors = min(2 * first.factors, most)
            if self._affords(train, self._whole.training.matrix, factors, 1):
                best = self._better(best, self._evaluate_again(self._whole, [first], factors))
        if best is not first or first.factors > few:
            return best
        starts = distinct_starts(train)
        for factors in _halved(first.factors, self._rules.minimum_factors):
            if not self._affords(train, self._whole.training.matrix, factors, len(starts)):
                break
            fewer = self._better(best, self._evaluate(self._whole, starts, factors))
            if fewer is best:
                break
            best = fewer
        return best

    @staticmethod
    def _better(best: Trial, others: list[Trial]) -> Trial:
        """Return the first of `others` (sorted, best first) if it improves enough on `best`, else `best`."""
        return others[0] if others[0].value > best.value * _MINIMUM_GAIN else best

    def _affords(self, train: TrainConfig, matrix: csr_matrix, factors: int, trials: int) -> bool:
        """Return whether the budget allows `trials` trials on `matrix` and one training on all users. If so, count the trials."""
        whole = self._whole.training.matrix
        if training_bytes(whole, factors) > train.budget.memory * 2**30:
            log.info("train.budget.memory does not allow %d factors", factors)
            return False
        here = trials * _EXPECTED_ITERATIONS * self._rules.seconds_per_iteration(matrix, factors)
        on_all = _EXPECTED_ITERATIONS * self._rules.seconds_per_iteration(whole, factors)
        if self._spent + here + on_all > train.budget.time.total_seconds():
            log.info("train.budget.time does not allow %d trials with %d factors", trials, factors)
            return False
        self._spent += here
        return True

    def _evaluate_again(self, sets: EvaluationSets, trials: list[Trial], factors: int) -> list[Trial]:
        """Return new trials on `sets` with `factors`, best first. Each starts at the point of one of `trials`."""
        return self._evaluate(sets, [trial.point for trial in trials], factors)

    def _evaluate(self, sets: EvaluationSets, starts: list[Point], factors: int) -> list[Trial]:
        """Return a trial from each start with `factors`, best first. Trials with equal values stay in the order of `starts`."""
        trials: list[Trial] = []
        for start in starts:
            best_here = max((trial.value for trial in trials), default=0.0)
            trials.append(self._trials.run(sets, start, factors, best_here))
            self._best_seen = max(self._best_seen, trials[-1].value)
            self._task.advance(note=f"best {METRIC} {self._best_seen:.4f}")
        return sorted(trials, key=lambda trial: -trial.value)


def _halved(factors: int, minimum: int) -> Iterator[int]:
    while factors > minimum:
        factors = max(factors // 2, minimum)
        yield factors
