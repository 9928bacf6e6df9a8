"""The trials of `auto`: which presets and numbers of factors are compared, in which order, within the budget."""

import logging
import operator
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from scipy.sparse import csr_matrix

from als_cli.als.cost import iteration_seconds, ranking_seconds, training_bytes
from als_cli.config.train import TrainConfig
from als_cli.progress import Task
from als_cli.splitting.division import EvaluationSets
from als_cli.splitting.validation import ValidationRules, ValidationSets, smaller
from als_cli.tuning.auto_trial import Trial
from als_cli.tuning.compared import ComparedTrial, preset_of
from als_cli.tuning.early_stopping import MANY_FACTORS
from als_cli.tuning.point import DEMAND_KEYS, FOLD_IN_NAMES, Point
from als_cli.tuning.presets import distinct_starts

_EXPECTED_ITERATIONS = 4
"""Iterations of a training that its expected cost assumes."""
_EXPECTED_EVALUATIONS = 8
"""Evaluations of the sampled users that the expected cost of a trial assumes."""
_EXPECTED_EVALUATIONS_OF_DEMAND = 15
"""Further evaluations of the sampled users by a search for demand, if there are times."""
_MINIMUM_GAIN = 1.005
"""Minimum ratio by which another number of factors must improve the metric."""
_MINIMUM_GAIN_FOR_EVEN_MORE = 1.03
"""Minimum ratio of the values with `more_factors` and `few_factors` before even more factors are evaluated."""
_MINIMUM_GAIN_OF_EVEN_MORE = 1.01
"""Minimum ratio by which even more factors must improve the metric, because training and ranking take longer with them."""
_MINIMUM_RATIO_FOR_TWICE = 0.98
"""Minimum ratio of the values with `more_factors` and `few_factors` before twice `few_factors` are evaluated."""
_MAXIMUM_RATIO_FOR_FEWER = 0.99
"""Ratio of the same values from which on fewer factors are not evaluated, because more do not harm."""
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

    def screen(
        self, sets: ValidationSets, starts: Sequence[Point], factors: int
    ) -> tuple[list[Point], list[ComparedTrial]]:
        """Return the best of `starts` after few iterations, and all of them with their values, both best first."""
        ...

    def run(
        self, sets: ValidationSets, starts: Sequence[Point], factors: int, best_score: float = 0.0
    ) -> list[Trial]:
        """Return the trials of `starts` with `factors` on `sets`. `best_score` is the best score of other trials."""
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
        self.compared: list[ComparedTrial] = []
        """All screened presets and trials, in the order of their evaluation."""
        self._ratio: float | None = None
        """Ratio of the values of the same preset with `more_factors` and `few_factors`, if both are evaluated."""

    def best(self) -> Trial:
        """Return the best trial within the budget."""
        shapes = [side for one in self._whole for side in one.training.matrix.shape]
        wanted = self._rules.maximum_factors if self._train.factors == "auto" else self._train.factors
        most = min(wanted, *shapes)
        contenders = self._contenders(most)
        if any(fewer is not one for fewer, one in zip(self._fewer_users, self._whole, strict=True)):
            # Values are comparable only on the same users.
            contenders = [self._again(contenders[:1], contenders[0].factors) or contenders[0]]
        if contenders[0].factors < most and (not self._is_open or self._gains()):
            contenders = self._with_most(contenders, most)
        return self._with_other_factors(contenders, most) if self._is_open else contenders[0]

    def _contenders(self, most: int) -> list[Trial]:
        """Return trials of the best presets, best first: all with few factors, or all with more.

        The best preset of the screening is evaluated with both. The others start at its fold-in and demand.
        """
        rules, sets = self._rules, self._fewer_users
        limit = min(min(one.training.matrix.shape) for one in sets)
        few, more = (min(factors, most, limit) for factors in (rules.few_factors, rules.more_factors))
        starts = distinct_starts(self._train)
        if len(starts) > 1 or self._train.iterations == "auto":
            self._spent += self._seconds(sets, few, len(starts))
            starts = self._screened(sets, starts, few) or starts[:1]
        [best], others = self._run(sets, starts[:1], few), starts[1:]
        self._spent += self._seconds(sets, few, 1)
        if more > few and self._affords(sets, more, 1):
            [with_more] = self._run(sets, [best.point], more, best.score)
            if best.value and more == rules.more_factors:
                self._ratio = with_more.value / best.value
            if not self._is_open or _better(best, with_more) is with_more:
                afforded = bool(others) and self._affords(sets, more, len(others))
                return self._beside(sets, with_more, others if afforded else [])
        self._spent += self._seconds(sets, few, len(others))
        return self._beside(sets, best, others)

    def _screened(self, sets: ValidationSets, starts: Sequence[Point], factors: int) -> list[Point]:
        kept, screened = self._trials.screen(sets, starts, factors)
        all_users = self._has_all_users(sets)
        self.compared += [one.model_copy(update={"all_users": all_users}) for one in screened]
        return kept

    def _has_all_users(self, sets: ValidationSets) -> bool:
        return all(map(operator.is_, sets, self._whole))

    def _beside(self, sets: ValidationSets, best: Trial, others: Sequence[Point]) -> list[Trial]:
        """Return `best` and trials of `others` with as many factors, best first. They start at its fold-in and demand."""
        searched = {name: best.point[name] for name in (*FOLD_IN_NAMES, *DEMAND_KEYS) if name in best.point}
        points = [{**start, **searched} for start in others]
        trials = self._run(sets, points, best.factors, best.score) if points else []
        return sorted([best, *trials], key=lambda trial: -trial.value)

    def _with_most(self, contenders: list[Trial], most: int) -> list[Trial]:
        """Return the first contender with `most` factors, if it improves and the budget allows it, else `contenders`."""
        trial = self._again(contenders[:1], most)
        if self._is_open:
            trial = _better(contenders[0], trial, _MINIMUM_GAIN_OF_EVEN_MORE)
        return contenders if trial in (None, contenders[0]) else [trial]

    def _again(self, trials: Sequence[Trial], factors: int) -> Trial | None:
        """Return the best of `trials` with `factors` on all users. Return None if the budget does not allow it."""
        if not self._affords(self._whole, factors, len(trials)):
            return None
        again = self._run(self._whole, [trial.point for trial in trials], factors)
        return max(again, key=lambda trial: trial.value)  # the first of equals

    def _with_other_factors(self, contenders: list[Trial], most: int) -> Trial:
        """Return the best of the first contender, a trial with twice its factors, and trials with fewer factors."""
        few, first = self._rules.few_factors, contenders[0]
        best = first
        promising = self._ratio is None or self._ratio >= _MINIMUM_RATIO_FOR_TWICE
        if first.factors < most and (promising if first.factors <= few else self._gains()):
            gain = _MINIMUM_GAIN if first.factors <= few else _MINIMUM_GAIN_OF_EVEN_MORE
            best = _better(first, self._again([first], min(2 * first.factors, most)), gain)
        harmless = self._ratio is not None and self._ratio >= _MAXIMUM_RATIO_FOR_FEWER
        if best is not first or first.factors > few or harmless:
            return best
        for factors in _halved(first.factors, self._rules.minimum_factors):
            fewer = _better(best, self._again(contenders, factors))
            if fewer is best:
                break
            best = fewer
        return best

    def _gains(self) -> bool:
        """Return whether `more_factors` improved on `few_factors` enough to evaluate even more factors."""
        return self._ratio is not None and self._ratio > _MINIMUM_GAIN_FOR_EVEN_MORE

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
        return trials * sum(self._seconds_on(one, len(sets), factors) for one in sets)

    def _seconds_on(self, one: EvaluationSets, sets: int, factors: int) -> float:
        """Return the expected seconds of a trial with `factors` on one of a number of validation sets."""
        evaluated = one.holdout.test_set.users
        searched = min(evaluated, self._rules.validation.maximum_searched / sets)
        searches = _EXPECTED_EVALUATIONS
        if one.training.times is not None and factors <= MANY_FACTORS:
            searches += _EXPECTED_EVALUATIONS_OF_DEMAND
        training = _EXPECTED_ITERATIONS * self._rules.seconds_per_iteration(one.training.matrix, factors)
        rankings = round(searches * searched + evaluated)
        return training + ranking_seconds(rankings, one.training.items.height, factors)

    def _slowness(self) -> float:
        """Return the ratio of the elapsed to the expected seconds if it is far above 1, otherwise 1.

        Up to that ratio, the result does not depend on the machine.
        """
        elapsed = self._rules.clock() - self._started
        if elapsed < _NOTABLE * self._train.budget.time.total_seconds():
            return 1.0  # small data: compilation and other fixed costs are most of the time
        ratio = elapsed / max(self._spent, 1.0)
        return ratio if ratio > _SLOW_MACHINE else 1.0

    def _run(
        self, sets: ValidationSets, starts: Sequence[Point], factors: int, best_score: float = 0.0
    ) -> list[Trial]:
        trials = self._trials.run(sets, starts, factors, best_score)
        for trial in trials:
            self._best_seen = max(self._best_seen, trial.value)
            self.compared.append(
                ComparedTrial(
                    screening=False,
                    all_users=self._has_all_users(sets),
                    factors=trial.factors,
                    iterations=int(trial.train.iterations),
                    start=preset_of(trial.point),
                    value=trial.value,
                )
            )
            self._task.advance(note=f"best {self._train.metric} {self._best_seen:.4f}")
        return trials


def _better(best: Trial, other: Trial | None, minimum_gain: float = _MINIMUM_GAIN) -> Trial:
    """Return `other` if it improves enough on `best`, else `best`."""
    return best if other is None or other.value <= best.value * minimum_gain else other


def _halved(factors: int, minimum: int) -> Iterator[int]:
    while factors > minimum:
        factors = max(factors // 2, minimum)
        yield factors
