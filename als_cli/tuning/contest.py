"""The trials of `auto`: which presets and numbers of factors are compared, in which order, within the budget."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from scipy.sparse import csr_matrix

from als_cli.als.cost import iteration_seconds, ranking_seconds, training_bytes
from als_cli.config.train import TrainConfig
from als_cli.progress import Task
from als_cli.splitting.validation import ValidationRules, ValidationSets, smaller
from als_cli.tuning.auto_trial import Trial
from als_cli.tuning.point import Point
from als_cli.tuning.presets import distinct_starts

_CONTENDERS = 3
"""Presets that are evaluated with `more_factors`. With even more factors, only the best preset is evaluated."""
_MINIMUM_RATIO_TO_BEST = 0.97
"""Minimum ratio to the best value for a preset to be evaluated with more factors."""
_EXPECTED_ITERATIONS = 4
"""Iterations of a training that its expected cost assumes."""
_EXPECTED_EVALUATIONS = 8
"""Evaluations of a trial that its expected cost assumes."""
_MINIMUM_GAIN = 1.005
"""Minimum ratio by which another number of factors must improve the metric."""
_MINIMUM_GAIN_FOR_EVEN_MORE = 1.02
"""Minimum ratio of the values with `more_factors` and `few_factors` before even more factors are evaluated."""
_SLOW_MACHINE = 2.0
"""Ratio of the elapsed to the expected seconds above which the elapsed time counts against the budget."""
_NOTABLE = 0.25
"""Fraction of the budget below which the elapsed time never counts."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AutoRules:
    """Numbers of factors that `auto` compares, and the rules for its validation sets."""

    minimum_factors: int = 16
    few_factors: int = 64
    more_factors: int = 256
    maximum_factors: int = 1024
    validation: ValidationRules = field(default_factory=ValidationRules)
    seconds_per_iteration: Callable[[csr_matrix, int], float] = iteration_seconds
    """Expected seconds of an iteration, from the matrix (U, I) and the number of factors. A formula, not a measurement."""
    clock: Callable[[], float] = time.monotonic


class RunsTrials(Protocol):
    """Runs trials. :class:`als_cli.tuning.auto_trial.TrialRunner` trains; tests use scripted values."""

    def screen(self, sets: ValidationSets, starts: Sequence[Point], factors: int) -> list[Point]:
        """Return the best of `starts` after few iterations, best first."""
        ...

    def run(self, sets: ValidationSets, start: Point, factors: int, best_seen: float = 0.0) -> Trial:
        """Return the trial of the point `start` with `factors` on `sets`."""
        ...


class Contest:
    """The trials of `auto` on the same validation sets."""

    def __init__(
        self, train: TrainConfig, sets: ValidationSets, trials: RunsTrials, rules: AutoRules, task: Task
    ) -> None:
        self._train = train
        self._is_open = train.factors == "auto"
        self._whole = sets
        self._fewer_users = tuple(smaller(one, rules.validation) for one in sets)
        self._trials = trials
        self._rules = rules
        self._task = task
        self._started = rules.clock()
        self._spent = 0.0
        self._best_seen = 0.0
        self._even_more_factors = False
        """Whether `more_factors` improved on `few_factors` enough to evaluate even more factors."""

    def best(self) -> Trial:
        """Return the best trial within the budget."""
        shapes = [side for one in self._whole for side in one.training.matrix.shape]
        wanted = self._rules.maximum_factors if self._train.factors == "auto" else self._train.factors
        most = min(wanted, *shapes)
        contenders = self._contenders(most)
        if any(fewer is not one for fewer, one in zip(self._fewer_users, self._whole, strict=True)):
            contenders = self._on_all_users(contenders)  # values are comparable only on the same users
        if contenders[0].factors < most and (not self._is_open or self._even_more_factors):
            contenders = self._with_more_factors(contenders, most, self._whole)
        return self._with_other_factors(contenders, most) if self._is_open else contenders[0]

    def _contenders(self, most: int) -> list[Trial]:
        """Return the trials of the best presets, best first: all with few factors, or the best of them with more."""
        rules, sets = self._rules, self._fewer_users
        limit = min(min(one.training.matrix.shape) for one in sets)
        few, more = (min(factors, most, limit) for factors in (rules.few_factors, rules.more_factors))
        starts = distinct_starts(self._train)
        if len(starts) > 1 or self._train.iterations == "auto":
            self._spent += self._seconds(sets, few, len(starts))
            starts = self._trials.screen(sets, starts, few) or starts[:1]
        tried = self._evaluate(sets, starts, few)
        if more == few:
            return tried
        contenders = self._with_more_factors(tried, more, sets)
        gained = contenders[0].value > tried[0].value * _MINIMUM_GAIN_FOR_EVEN_MORE
        self._even_more_factors = more == rules.more_factors and gained
        return contenders

    def _on_all_users(self, tried: list[Trial]) -> list[Trial]:
        """Return the best of `tried`, evaluated on all users. Return `tried` if the budget does not allow it."""
        factors = tried[0].factors
        if self._affords(self._whole, factors, 1):
            return self._evaluate_again(self._whole, tried[:1], factors)
        return tried

    def _with_more_factors(self, tried: list[Trial], factors: int, sets: ValidationSets) -> list[Trial]:
        """Return the best of `tried` evaluated with `factors`, best first. Return `tried` if they do not improve."""
        count = _CONTENDERS if factors <= self._rules.more_factors else 1
        close = [trial for trial in tried[:count] if trial.value >= _MINIMUM_RATIO_TO_BEST * tried[0].value]
        for number in sorted({len(close), 1}, reverse=True):
            contenders = close[:number]
            if self._affords(sets, factors, number):
                with_more = self._evaluate_again(sets, contenders, factors)
                return tried if self._is_open and self._better(tried[0], with_more) is tried[0] else with_more
        return tried

    def _with_other_factors(self, contenders: list[Trial], most: int) -> Trial:
        """Return the best of the first contender, a trial with twice its factors, and trials with fewer factors."""
        few, first = self._rules.few_factors, contenders[0]
        best = first
        if first.factors < most and (first.factors <= few or self._even_more_factors):
            factors = min(2 * first.factors, most)
            if self._affords(self._whole, factors, 1):
                best = self._better(best, self._evaluate_again(self._whole, [first], factors))
        if best is not first or first.factors > few:
            return best
        for factors in _halved(first.factors, self._rules.minimum_factors):
            if not self._affords(self._whole, factors, len(contenders)):
                break
            fewer = self._better(best, self._evaluate_again(self._whole, contenders, factors))
            if fewer is best:
                break
            best = fewer
        return best

    @staticmethod
    def _better(best: Trial, others: list[Trial]) -> Trial:
        """Return the first of `others` (sorted, best first) if it improves enough on `best`, else `best`."""
        return others[0] if others[0].value > best.value * _MINIMUM_GAIN else best

    def _affords(self, sets: ValidationSets, factors: int, trials: int) -> bool:
        """Return whether the budget allows `trials` trials on `sets` and one training on all users. If so, count the trials."""
        largest, budget = self._whole[0].training.matrix, self._train.budget
        if training_bytes(largest, factors) > budget.memory * 2**30:
            log.info("train.budget.memory does not allow %d factors", factors)
            return False
        here = self._seconds(sets, factors, trials)
        final = _EXPECTED_ITERATIONS * self._rules.seconds_per_iteration(largest, factors)
        expected, limit = self._spent + here + final, budget.time.total_seconds()
        if expected * self._slowness() > limit:
            level, because = logging.INFO, ""
            if expected <= limit:
                level, because = logging.WARNING, ", because this machine is slow"
            log.log(
                level,
                "train.budget.time does not allow %d trials with %d factors%s",
                trials,
                factors,
                because,
            )
            return False
        self._spent += here
        return True

    def _seconds(self, sets: ValidationSets, factors: int, trials: int) -> float:
        """Return the expected seconds of `trials` trials with `factors` on `sets`."""
        return trials * sum(
            _EXPECTED_ITERATIONS * self._rules.seconds_per_iteration(one.training.matrix, factors)
            + _EXPECTED_EVALUATIONS
            * ranking_seconds(one.holdout.test_set.users, one.training.items.height, factors)
            for one in sets
        )

    def _slowness(self) -> float:
        """Return the ratio of the elapsed to the expected seconds if it is far above 1, otherwise 1.

        Up to that ratio, the result does not depend on the machine.
        """
        elapsed = self._rules.clock() - self._started
        if elapsed < _NOTABLE * self._train.budget.time.total_seconds():
            return 1.0  # small data: compilation and other fixed costs are most of the time
        ratio = elapsed / max(self._spent, 1.0)
        return ratio if ratio > _SLOW_MACHINE else 1.0

    def _evaluate_again(self, sets: ValidationSets, trials: list[Trial], factors: int) -> list[Trial]:
        """Return new trials on `sets` with `factors`, best first. Each starts at the point of one of `trials`."""
        return self._evaluate(sets, [trial.point for trial in trials], factors)

    def _evaluate(self, sets: ValidationSets, starts: list[Point], factors: int) -> list[Trial]:
        """Return a trial from each start with `factors`, best first. Trials with equal values stay in the order of `starts`."""
        trials: list[Trial] = []
        for start in starts:
            best_here = max((trial.value for trial in trials), default=0.0)
            trials.append(self._trials.run(sets, start, factors, best_here))
            self._best_seen = max(self._best_seen, trials[-1].value)
            self._task.advance(note=f"best {self._train.metric} {self._best_seen:.4f}")
        return sorted(trials, key=lambda trial: -trial.value)


def _halved(factors: int, minimum: int) -> Iterator[int]:
    while factors > minimum:
        factors = max(factors // 2, minimum)
        yield factors
