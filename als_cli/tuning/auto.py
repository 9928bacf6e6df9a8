"""What `auto` stands for in section `train`: hyperparameters selected on a validation set, within a budget.

1. All presets (docs/decisions/0013) are tried with few factors, and the best of them again with more factors, because
   the best preset with few factors is not always the best with many.
2. The number of factors grows while the validation metric improves by a stated ratio.
3. Each trial selects its number of iterations and its fold-in hyperparameters.

A formula counts the budget. Neither the clock nor the number of threads has an influence.
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
from als_cli.tuning.auto_trial import METRIC, Trial, TrialRunner
from als_cli.tuning.point import FOLD_IN_NAMES, Point, apply_point, open_values
from als_cli.tuning.presets import distinct_starts
from als_cli.tuning.validation import ValidationRules, smaller, validation_sets

_CONTENDERS = 3
"""Presets that are tried with `more_factors`. Above that a trial takes as long as a training: only the best is tried."""
_CLOSE = 0.97
"""Ratio to the best value from which a preset is still a contender."""
_EXPECTED_ITERATIONS = 6
"""Iterations of a training, for its expected cost."""
_GAIN_OF_OTHER_FACTORS = 1.005
"""Ratio by which more or fewer factors must improve the metric."""
_GAIN_THAT_PROMISES_MORE = 1.02
"""Ratio by which `more_factors` must have improved on `few_factors` before still more are tried."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AutoRules:
    """Numbers of factors that `auto` compares, and how its validation set is made."""

    fewest_factors: int = 16
    few_factors: int = 64
    more_factors: int = 256
    most_factors: int = 1024
    validation: ValidationRules = field(default_factory=ValidationRules)
    seconds_per_iteration: Callable[[csr_matrix, int], float] = iteration_seconds
    """Expected cost of an iteration on a matrix (U, I) with so many factors; a formula, not a measurement."""


class RunsTrials(Protocol):
    """Runs one trial; :class:`als_cli.tuning.auto_trial.TrialRunner` in production."""

    def run(self, parts: EvaluationSets, start: Point, factors: int, best_seen: float = 0.0) -> Trial:
        """Return the trial of `start` with `factors` on `parts`."""
        ...


def is_open(train: TrainConfig) -> bool:
    """Return whether `train` leaves settings for validation to select, which ranks lists."""
    return train.engine == "native" and "auto" in (train.factors, train.iterations)


@dataclass(frozen=True)
class AutoSearch:
    """Selects settings for section `train`."""

    signal: EventsConfig
    threads: int
    progress: Progress = field(default_factory=SilentProgress)
    rules: AutoRules = field(default_factory=AutoRules)

    def choose(self, train: TrainConfig, clean: pl.LazyFrame, matrix: csr_matrix) -> TrainConfig:
        """Return `train` with numbers for every `auto` that a validation set can select, to be trained on `matrix`.

        `clean` (CLEAN_EVENT_COLUMNS) are the events of `matrix` (U, I); nothing else is read. `train` is returned
        unchanged where `factors` and `iterations` are numbers, with engine `implicit`, where too few users can be
        evaluated, and where no list contains a test item. :func:`als_cli.tuning.parameters.recipe_for` then has the
        defaults. Presets whose factors are not finite are skipped.
        """
        if not is_open(train):
            return train
        parts = validation_sets(clean, self.signal, self.rules.validation)
        if parts is None:
            log.info("too few users can be evaluated: validation selects no `auto` setting")
            return train
        with self.progress.task("choosing settings") as task:
            best = Contest(parts, TrialRunner(train, self.threads), self.rules, task).best(train, matrix)
        if not best.value > 0:
            log.info("no list contains a test item: validation selects no `auto` setting")
            return train
        log.info("chosen: %s (of %d users)", best, parts.holdout.test_set.users)
        return best.train


class Contest:
    """Trials on one validation set."""

    def __init__(self, parts: EvaluationSets, trials: RunsTrials, rules: AutoRules, task: Task) -> None:
        self._whole = parts
        self._fewer_users = smaller(parts, rules.validation)
        self._trials = trials
        self._rules = rules
        self._task = task
        self._spent = 0.0
        self._best_seen = 0.0
        self._more_factors_promise = False
        """Whether factors above `more_factors` may pay: they gain less than `more_factors` gained over few."""

    def best(self, train: TrainConfig, matrix: csr_matrix) -> Trial:
        """Return the best trial within the budget of `train`, with values converted for `matrix`."""
        is_open = train.factors == "auto"
        most = min(
            self._rules.most_factors if train.factors == "auto" else train.factors,
            *self._whole.training.matrix.shape,  # may have fewer users or items than the factors asked for
            *matrix.shape,
        )
        contenders = self._contenders(train, most)
        if self._fewer_users is not self._whole:  # values are comparable on the same users only
            contenders = self._on_all_users(train, contenders)
        if contenders[0].factors < most and (not is_open or self._more_factors_promise):
            contenders = self._with_more_factors(train, contenders, most)
        best = self._with_other_factors(train, contenders[0], most) if is_open else contenders[0]
        loss = {name: value for name, value in best.point.items() if name not in FOLD_IN_NAMES}
        chosen = apply_point(train, open_values(train, loss), matrix)
        found = {"iterations": best.train.iterations, "fold_in": best.train.fold_in}
        if is_open:
            found["factors"] = best.factors
        return replace(best, train=chosen.model_copy(update=found))

    def _contenders(self, train: TrainConfig, most: int) -> list[Trial]:
        """Return the best presets, best first: all with few factors, then the best of them with more."""
        matrix, rules = self._fewer_users.training.matrix, self._rules
        few, more = (min(factors, most, *matrix.shape) for factors in (rules.few_factors, rules.more_factors))
        tried = self._try(self._fewer_users, distinct_starts(train), few)
        if more == few:
            return tried
        contenders = self._with_more_factors(train, tried, more, self._fewer_users)
        gained = contenders[0].value > tried[0].value * _GAIN_THAT_PROMISES_MORE
        self._more_factors_promise = more == rules.more_factors and gained
        return contenders

    def _on_all_users(self, train: TrainConfig, tried: list[Trial]) -> list[Trial]:
        """Return the best of `tried` on the whole validation set; `tried` itself where the budget does not allow it."""
        factors = tried[0].factors
        if self._affords(train, self._whole.training.matrix, factors, 1):
            return self._try_again(self._whole, tried[:1], factors)
        return tried

    def _with_more_factors(
        self, train: TrainConfig, tried: list[Trial], factors: int, parts: EvaluationSets | None = None
    ) -> list[Trial]:
        """Return the contenders among `tried` with `factors`, best first; `tried` itself where that is no better."""
        parts = parts or self._whole
        count = _CONTENDERS if factors <= self._rules.more_factors else 1
        close = [one for one in tried[:count] if one.value >= _CLOSE * tried[0].value]
        for contenders in (close, tried[:1]):
            if self._affords(train, parts.training.matrix, factors, len(contenders)):
                with_more = self._try_again(parts, contenders, factors)
                is_open = train.factors == "auto"
                return tried if is_open and self._better(tried[0], with_more) is tried[0] else with_more
        return tried

    def _with_other_factors(self, train: TrainConfig, first: Trial, most: int) -> Trial:
        """Return the best of `first`, a trial with twice its factors, and trials of all presets with fewer factors."""
        few, best = self._rules.few_factors, first
        if first.factors < most and (first.factors <= few or self._more_factors_promise):
            factors = min(2 * first.factors, most)
            if self._affords(train, self._whole.training.matrix, factors, 1):
                best = self._better(best, self._try_again(self._whole, [first], factors))
        if best is not first or first.factors > few:
            return best
        starts = distinct_starts(train)
        for factors in _halved(first.factors, self._rules.fewest_factors):
            if not self._affords(train, self._whole.training.matrix, factors, len(starts)):
                break
            fewer = self._better(best, self._try(self._whole, starts, factors))
            if fewer is best:
                break
            best = fewer
        return best

    @staticmethod
    def _better(best: Trial, others: list[Trial]) -> Trial:
        """Return the first of `others` (best first) where it improves enough on `best`, else `best`."""
        return others[0] if others[0].value > best.value * _GAIN_OF_OTHER_FACTORS else best

    def _affords(self, train: TrainConfig, matrix: csr_matrix, factors: int, trials: int) -> bool:
        """Return whether the budget allows `trials` on `matrix` and then one training on all; if so, count them."""
        whole = self._whole.training.matrix
        if training_bytes(whole, factors) > train.budget.memory * 2**30:
            log.info("train.budget.memory allows no %d factors", factors)
            return False
        here = trials * _EXPECTED_ITERATIONS * self._rules.seconds_per_iteration(matrix, factors)
        on_all = _EXPECTED_ITERATIONS * self._rules.seconds_per_iteration(whole, factors)
        if self._spent + here + on_all > train.budget.time.total_seconds():
            log.info("train.budget.time allows no %d trials with %d factors", trials, factors)
            return False
        self._spent += here
        return True

    def _try_again(self, parts: EvaluationSets, trials: list[Trial], factors: int) -> list[Trial]:
        """Return new trials on `parts` with `factors`, best first; each begins at the point of one of `trials`."""
        return self._try(parts, [one.point for one in trials], factors)

    def _try(self, parts: EvaluationSets, starts: list[Point], factors: int) -> list[Trial]:
        """Return a trial from each start with `factors`, best first; among equal values the first start wins."""
        trials: list[Trial] = []
        for start in starts:
            best_here = max((one.value for one in trials), default=0.0)
            trials.append(self._trials.run(parts, start, factors, best_here))
            self._best_seen = max(self._best_seen, trials[-1].value)
            self._task.advance(note=f"best {METRIC} {self._best_seen:.4f}")
        return sorted(trials, key=lambda one: -one.value)


def _halved(factors: int, fewest: int) -> Iterator[int]:
    while factors > fewest:
        factors = max(factors // 2, fewest)
        yield factors
