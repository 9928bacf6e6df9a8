"""What `auto` stands for in section `train`: settings chosen on a validation part, within a budget.

First the weights of the loss, among points that were each best somewhere (docs/decisions/0013): all with few factors, the
best of them with more, since what suits few factors need not suit many. Then the number of factors, as long as lists
become better; and in each trial the number of iterations and how users are folded in. Nothing depends on the clock or on
the threads: the budget is counted by a formula.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.cost import sweep_seconds, training_bytes
from als_cli.config.train import TrainConfig
from als_cli.progress import Task
from als_cli.splitting.division import EvaluationParts
from als_cli.stages.context import StageContext
from als_cli.tuning.auto_trial import TrialRunner
from als_cli.tuning.presets import METRIC, Start, Trial, distinct_starts, settled_at
from als_cli.tuning.validation import smaller, validation_part

_FEW_FACTORS = 64
_MORE_FACTORS = 256
_MOST_FACTORS = 1024
_FEWEST_FACTORS = 16
_CONTENDERS = 3
"""Points that are tried with `_MORE_FACTORS`; with still more, where a trial takes as long as a training, the best."""
_CLOSE = 0.97
"""Share of the best one's value that keeps a point in the contest."""
_USUAL_SWEEPS = 6
"""Sweeps of a training whose cost is foreseen."""
_GAIN_OF_OTHER_FACTORS = 1.005
"""Ratio of values from which more or fewer factors replace the best so far."""
_GAIN_THAT_PROMISES_MORE = 1.02
"""Ratio of values with `_MORE_FACTORS` and with `_FEW_FACTORS` from which still more factors are tried."""

log = logging.getLogger(__name__)


def selected(
    context: StageContext, train: TrainConfig, clean: pl.LazyFrame, matrix: csr_matrix
) -> TrainConfig:
    """Return `train` with numbers for all `auto` that a validation part can choose, to be trained on `matrix` (U, I).

    `clean` (CLEAN_EVENT_COLUMNS) are the events of `matrix`: nothing else is looked at. Where `factors` and
    `iterations` are numbers there is nothing to choose; nor with engine `implicit`, nor where too few users can be
    judged: then `train` comes back as it is, and :func:`als_cli.tuning.parameters.recipe_for` has its rules.

    Points whose factors are not finite are passed over; where no list holds a test item, `train` comes back too.
    """
    if not is_open(train):
        return train
    parts = validation_part(context, clean)
    if parts is None:
        log.info("too few users can be judged: settings that are auto are not chosen by validation")
        return train
    with context.progress.task("choosing settings") as task:
        best = _Search(parts, TrialRunner(train, context.threads), task).best(train, matrix)
    if not best.value > 0:
        log.info("no list holds what was bought next: settings that are auto are not chosen by validation")
        return train
    log.info("chosen: %s (of %d users)", best, parts.holdout.part.users)
    return best.train


def is_open(train: TrainConfig) -> bool:
    """Return whether `train` leaves settings to be chosen by validation, which ranks."""
    return train.engine == "native" and "auto" in (train.factors, train.iterations)


class _Search:
    """Trials on one validation part."""

    def __init__(self, parts: EvaluationParts, trials: TrialRunner, task: Task) -> None:
        self._whole = parts
        self._fewer_users = smaller(parts)
        self._trials = trials
        self._task = task
        self._spent = 0.0
        self._best_seen = 0.0
        self._promises_more = False
        """Whether more than `_MORE_FACTORS` may gain something: it is less than these gained over few."""

    def best(self, train: TrainConfig, matrix: csr_matrix) -> Trial:
        """Return the best trial within the budget of `train`, its numbers made for `matrix`."""
        is_open = train.factors == "auto"
        most = min(
            _MOST_FACTORS if train.factors == "auto" else train.factors,
            *self._whole.training.matrix.shape,  # may have fewer users or items than as many factors as asked for
            *matrix.shape,
        )
        contenders = self._contenders(train, most)
        if self._fewer_users is not self._whole:  # what they are worth is to be compared on the same users
            contenders = self._on_all_users(train, contenders)
        if contenders[0].factors < most and (not is_open or self._promises_more):
            contenders = self._with_more_factors(train, contenders, most)
        best = self._with_other_factors(train, contenders[0], most) if is_open else contenders[0]
        chosen = settled_at(
            train, best.start.point, best.factors if train.factors == "auto" else train.factors, matrix
        )
        found = {"iterations": best.train.iterations, "fold_in": best.train.fold_in}
        return replace(best, train=chosen.model_copy(update=found))

    def _contenders(self, train: TrainConfig, most: int) -> list[Trial]:
        """Return the best points of the loss, best first: of all with few factors, those that are best with more."""
        matrix = self._fewer_users.training.matrix
        few, more = (min(factors, most, *matrix.shape) for factors in (_FEW_FACTORS, _MORE_FACTORS))
        tried = self._tried(self._fewer_users, distinct_starts(train), few)
        if more == few:
            return tried
        contenders = self._with_more_factors(train, tried, more, self._fewer_users)
        self._promises_more = (
            more == _MORE_FACTORS and contenders[0].value > tried[0].value * _GAIN_THAT_PROMISES_MORE
        )
        return contenders

    def _on_all_users(self, train: TrainConfig, tried: list[Trial]) -> list[Trial]:
        """Return the best of `tried` on the whole validation part; `tried` where that is too dear."""
        factors = tried[0].factors
        if self._affords(train, self._whole.training.matrix, factors, 1):
            return self._tried_again(self._whole, tried[:1], factors)
        return tried

    def _with_more_factors(
        self, train: TrainConfig, tried: list[Trial], factors: int, parts: EvaluationParts | None = None
    ) -> list[Trial]:
        """Return what is still worth a trial of `tried` with `factors`, best first; `tried` where that is no better."""
        parts = parts or self._whole
        places = _CONTENDERS if factors <= _MORE_FACTORS else 1
        close = [one for one in tried[:places] if one.value >= _CLOSE * tried[0].value]
        for contenders in (close, tried[:1]):
            if self._affords(train, parts.training.matrix, factors, len(contenders)):
                with_more = self._tried_again(parts, contenders, factors)
                is_open = train.factors == "auto"
                return tried if is_open and self._better(tried[0], with_more) is tried[0] else with_more
        return tried

    def _with_other_factors(self, train: TrainConfig, first: Trial, most: int) -> Trial:
        """Return the better of `first` and trials between the rungs, or of all points with fewer factors."""
        best = first
        if first.factors < most and (first.factors <= _FEW_FACTORS or self._promises_more):
            factors = min(2 * first.factors, most)
            if self._affords(train, self._whole.training.matrix, factors, 1):
                best = self._better(best, self._tried_again(self._whole, [first], factors))
        if best is not first or first.factors > _FEW_FACTORS:
            return best
        starts = distinct_starts(train)
        for factors in _halved(first.factors):
            if not self._affords(train, self._whole.training.matrix, factors, len(starts)):
                break
            fewer = self._better(best, self._tried(self._whole, starts, factors))
            if fewer is best:
                break
            best = fewer
        return best

    @staticmethod
    def _better(best: Trial, others: list[Trial]) -> Trial:
        """Return the first of `others` (best first) where it gains enough, else `best`."""
        return others[0] if others[0].value > best.value * _GAIN_OF_OTHER_FACTORS else best

    def _affords(self, train: TrainConfig, matrix: csr_matrix, factors: int, trials: int) -> bool:
        """Return whether so many trials on `matrix`, then a training on all, are within the budget; they count if so."""
        whole = self._whole.training.matrix
        if training_bytes(whole, factors) > train.budget.memory * 2**30:
            log.info("train.budget.memory allows no %d factors", factors)
            return False
        here = trials * _USUAL_SWEEPS * sweep_seconds(matrix, factors)
        on_all = _USUAL_SWEEPS * sweep_seconds(whole, factors)
        if self._spent + here + on_all > train.budget.time.total_seconds():
            log.info("train.budget.time allows no %d trials with %d factors", trials, factors)
            return False
        self._spent += here
        return True

    def _tried_again(self, parts: EvaluationParts, trials: list[Trial], factors: int) -> list[Trial]:
        """Return what `trials` lead to on `parts` with `factors`, best first; they begin where these ended."""
        return self._tried(parts, [one.start for one in trials], factors)

    def _tried(self, parts: EvaluationParts, starts: list[Start], factors: int) -> list[Trial]:
        """Return a trial from each start with `factors`, best first, of equal ones the first."""
        trials: list[Trial] = []
        for start in starts:
            best_here = max((one.value for one in trials), default=0.0)
            trials.append(self._trials.run(parts, start, factors, best_here))
            self._best_seen = max(self._best_seen, trials[-1].value)
            self._task.advance(note=f"best {METRIC} {self._best_seen:.4f}")
        return sorted(trials, key=lambda one: -one.value)


def _halved(factors: int) -> Iterator[int]:
    while factors > _FEWEST_FACTORS:
        factors = max(factors // 2, _FEWEST_FACTORS)
        yield factors
