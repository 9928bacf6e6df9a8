"""What `auto` stands for in section `train`: settings chosen on a validation part, within a budget.

First the weights of the loss, among points that were each best somewhere (docs/decisions/0013): all with few factors, the
best of them with more, since what suits few factors need not suit many. Then the number of factors, as long as lists
become better; and with each the number of iterations, by looking at the lists after every sweep but the first. Nothing
depends on the clock or on the threads: the budget is counted by a formula.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace

import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.cost import sweep_seconds, training_bytes
from als_cli.als.engine import Factors
from als_cli.als.native import NativeEngine
from als_cli.config.train import TrainConfig
from als_cli.errors import TrainingError
from als_cli.evaluation.protocol import measure
from als_cli.evaluation.rankers import FactorRanker
from als_cli.stages.context import StageContext, Task
from als_cli.stages.evaluation_parts import EvaluationParts
from als_cli.stages.recipes import LossPoint, recipe_for
from als_cli.stages.selection_part import smaller, validation_part
from als_cli.stages.selection_points import METRIC, Trial, distinct_points, settled_at

_FEW_FACTORS = 64
_MORE_FACTORS = 256
_MOST_FACTORS = 1024
_FEWEST_FACTORS = 16
_CONTENDERS = 3
"""Points that are tried with `_MORE_FACTORS`."""
_FINALISTS = 2
"""Points that are tried where a trial takes as long as a training."""
_CLOSE = 0.97
"""Share of the best one's value that keeps a point in the contest."""
_MOST_SWEEPS = 12
_USUAL_SWEEPS = 6
"""Sweeps of a training whose cost is foreseen."""
_BETTER = 1.005
"""What more or fewer factors must gain, as a ratio, to be worth it."""
_AS_GOOD = 0.999
"""Of sweeps whose lists are as good, the first is chosen."""

log = logging.getLogger(__name__)


def selected(
    context: StageContext, train: TrainConfig, clean: pl.LazyFrame, matrix: csr_matrix
) -> TrainConfig:
    """Return `train` with numbers for all `auto` that a validation part can choose, to be trained on `matrix` (U, I).

    `clean` (CLEAN_EVENT_COLUMNS) are the events of `matrix`: nothing else is looked at. Where `factors` and
    `iterations` are numbers there is nothing to choose; nor with engine `implicit`, nor where too few users can be
    judged: then `train` comes back as it is, and :func:`als_cli.stages.recipes.recipe_for` has its rules.

    Points whose factors are not finite are passed over; where no list holds a test item, `train` comes back too.
    """
    if train.engine != "native" or "auto" not in (train.factors, train.iterations):
        return train
    parts = validation_part(context, clean)
    if parts is None:
        log.info("too few users can be judged: settings that are auto are not chosen by validation")
        return train
    with context.progress.task("choosing settings") as task:
        best = _Search(parts, context.threads, task).best(train, matrix)
    if not best.value > 0:
        log.info("no list holds what was bought next: settings that are auto are not chosen by validation")
        return train
    log.info("chosen: %s (of %d users)", best, parts.holdout.part.users)
    return best.train


class _Search:
    """Trials on one validation part."""

    def __init__(self, parts: EvaluationParts, threads: int, task: Task) -> None:
        self._whole = parts
        self._fewer_users = smaller(parts)
        self._threads = threads
        self._task = task
        self._spent = 0.0
        self._best_seen = 0.0

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
        if contenders[0].factors < most and (not is_open or contenders[0].factors == _MORE_FACTORS):
            contenders = self._with_more_factors(train, contenders, most)
        best = self._with_other_factors(train, contenders[0], most) if is_open else contenders[0]
        chosen = settled_at(
            train, best.point, best.factors if train.factors == "auto" else train.factors, matrix
        )
        return replace(best, train=chosen.model_copy(update={"iterations": best.train.iterations}))

    def _contenders(self, train: TrainConfig, most: int) -> list[Trial]:
        """Return the best points of the loss, best first: of all with few factors, those that are best with more."""
        matrix = self._fewer_users.training.matrix
        few, more = (min(factors, most, *matrix.shape) for factors in (_FEW_FACTORS, _MORE_FACTORS))
        tried = self._tried_points(self._fewer_users, train, distinct_points(train), few)
        return tried if more == few else self._with_more_factors(train, tried, more, self._fewer_users)

    def _on_all_users(self, train: TrainConfig, tried: list[Trial]) -> list[Trial]:
        """Return the best of `tried` on the whole validation part, best first; `tried` where that is too dear."""
        factors = tried[0].factors
        for contenders in (tried[:_FINALISTS], tried[:1]):
            if self._affords(train, self._whole.training.matrix, factors, len(contenders)):
                return self._tried(self._whole, train, contenders, factors)
        return tried

    def _with_more_factors(
        self, train: TrainConfig, tried: list[Trial], factors: int, parts: EvaluationParts | None = None
    ) -> list[Trial]:
        """Return what is still worth a trial of `tried` with `factors`, best first; `tried` where that is no better."""
        parts = parts or self._whole
        places = _CONTENDERS if factors <= _MORE_FACTORS else _FINALISTS
        close = [one for one in tried[:places] if one.value >= _CLOSE * tried[0].value]
        for contenders in (close, tried[:1]):
            if self._affords(train, parts.training.matrix, factors, len(contenders)):
                with_more = self._tried(parts, train, contenders, factors)
                is_open = train.factors == "auto"
                return tried if is_open and self._better(tried[0], with_more) is tried[0] else with_more
        return tried

    def _with_other_factors(self, train: TrainConfig, first: Trial, most: int) -> Trial:
        """Return the better of `first` and trials between the rungs, or of all points with fewer factors."""
        best = first
        if first.factors < most:
            factors = min(2 * first.factors, most)
            if self._affords(train, self._whole.training.matrix, factors, 1):
                best = self._better(best, self._tried(self._whole, train, [first], factors))
        if best is not first or first.factors > _FEW_FACTORS:
            return best
        points = distinct_points(train)
        for factors in _halved(first.factors):
            if not self._affords(train, self._whole.training.matrix, factors, len(points)):
                break
            fewer = self._better(best, self._tried_points(self._whole, train, points, factors))
            if fewer is best:
                break
            best = fewer
        return best

    @staticmethod
    def _better(best: Trial, others: list[Trial]) -> Trial:
        """Return the first of `others` (best first) where it gains enough, else `best`."""
        return others[0] if others[0].value > best.value * _BETTER else best

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

    def _tried(
        self, parts: EvaluationParts, train: TrainConfig, trials: list[Trial], factors: int
    ) -> list[Trial]:
        """Return the points of `trials` with `factors`, best first."""
        return self._tried_points(parts, train, [one.point for one in trials], factors)

    def _tried_points(
        self, parts: EvaluationParts, train: TrainConfig, points: list[LossPoint], factors: int
    ) -> list[Trial]:
        """Return a trial of each point with `factors`, best first, of equal ones the first."""
        trials = [self._trial(parts, train, point, factors) for point in points]
        return sorted(trials, key=lambda one: -one.value)

    def _trial(self, parts: EvaluationParts, given: TrainConfig, point: LossPoint, factors: int) -> Trial:
        """Return what `given` is worth on `parts` at `point`, iterations as they are or, where auto, the best."""
        matrix = parts.training.matrix
        train = settled_at(given, point, factors, matrix)
        is_open = train.iterations == "auto"
        sweeps = _MOST_SWEEPS if train.iterations == "auto" else train.iterations
        recipe = recipe_for(matrix, train.model_copy(update={"iterations": sweeps}), self._threads)
        values: list[float] = []
        with contextlib.suppress(TrainingError):
            for swept in NativeEngine().sweeps(recipe.confidences(matrix), recipe.settings):
                is_last, is_first = len(values) == sweeps - 1, not values
                values.append(self._value(parts, swept) if is_last or (is_open and not is_first) else 0.0)
                if is_open and _has_passed_its_best(values):
                    break
        best = max(values, default=0.0)
        number = next((n for n, value in enumerate(values, 1) if value >= _AS_GOOD * best), 1)
        trial = Trial(train.model_copy(update={"iterations": number if is_open else sweeps}), point, best)
        log.info("tried: %s", trial)
        self._best_seen = max(self._best_seen, best)
        self._task.advance(note=f"best {METRIC} {self._best_seen:.4f}")
        return trial

    def _value(self, parts: EvaluationParts, factors: Factors) -> float:
        """Return the mean of `METRIC` over the judged users of `parts`."""
        users = factors.users[parts.holdout.user_rows]
        ranker = FactorRanker("als", users, factors.items, self._threads)
        return measure(ranker, parts.holdout.part, (10,)).averages[METRIC]


def _has_passed_its_best(values: list[float]) -> bool:
    """Return whether the last sweep brought nothing; the first is never the best."""
    return len(values) > 2 and values[-1] <= max(values[:-1])


def _halved(factors: int) -> Iterator[int]:
    while factors > _FEWEST_FACTORS:
        factors = max(factors // 2, _FEWEST_FACTORS)
        yield factors
