"""What `auto` stands for in section `train`: settings chosen on a validation part, within a budget.

First the weights of the loss, among points that were each best somewhere (docs/decisions/0013), with few factors; then
the number of factors, doubled as long as lists become better; and with each the number of iterations, by looking at
the lists after every sweep. Nothing depends on the clock or on the threads: the budget is counted by a formula.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

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
from als_cli.stages.recipes import BALANCED, LossPoint, objective_of, recipe_for
from als_cli.stages.selection_part import smaller, validation_part

METRIC = "ndcg@10"
POINTS = (
    BALANCED,
    LossPoint(multiple=16, regularization=0.005, user_exponent=0.0, item_exponent=0.0),
    LossPoint(multiple=16, regularization=0.01, user_exponent=0.25, item_exponent=0.25),
    LossPoint(multiple=32, regularization=0.002, user_exponent=0.0, item_exponent=0.3),
    LossPoint(multiple=96, regularization=0.001, user_exponent=0.0, item_exponent=0.3),
    LossPoint(multiple=32, regularization=0.02, user_exponent=0.25, item_exponent=0.25),
)
"""Where validation parts of public sets had their best lists: sparse and dense, with and without time."""
_FIRST_FACTORS = 64
_MOST_FACTORS = 1024
_FEWEST_FACTORS = 16
_MOST_SWEEPS = 12
_SWEEPS_TO_COMPARE = 6
_USUAL_SWEEPS = 6
"""Sweeps of a training whose cost is foreseen."""
_BETTER = 1.005
"""What twice or half the factors must gain, as a ratio, to be worth it."""
_AS_GOOD = 0.999
"""Of sweeps whose lists are as good, the first is chosen."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """Settings that were tried, and their best iteration."""

    train: TrainConfig
    value: float
    """Mean of `METRIC` over the judged users after the best number of iterations, which `train` names."""

    def __str__(self) -> str:
        """Return the settings, as one may write them into the config, and what they are worth."""
        train, rule = self.train, self.train.confidence
        return (
            f"factors {train.factors}, iterations {train.iterations}, regularization {train.regularization}, "
            f"unobserved_weight {train.unobserved_weight}, user_exponent {rule.user_exponent}, "
            f"item_exponent {rule.item_exponent}: {METRIC} {self.value:.4f}"
        )


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
        self._threads = threads
        self._task = task

    def best(self, train: TrainConfig, matrix: csr_matrix) -> Trial:
        """Return the best trial within the budget of `train`, its numbers made for `matrix`."""
        most = min(
            _MOST_FACTORS if train.factors == "auto" else train.factors,
            *self._whole.training.matrix.shape,
            *matrix.shape,
        )
        # The validation part may have fewer users or items than as many factors as asked for.
        first = min(_FIRST_FACTORS if train.factors == "auto" else train.factors, most)
        point = self._best_point(train, first)
        trial = self._trial(self._whole, _at(train, point, first, self._whole.training.matrix))
        if train.factors == "auto":
            trial = self._climb(train, point, trial, most)
        chosen = _at(train, point, _factors(trial) if train.factors == "auto" else train.factors, matrix)
        return replace(trial, train=chosen.model_copy(update={"iterations": trial.train.iterations}))

    def _best_point(self, train: TrainConfig, factors: int) -> LossPoint:
        """Return the point of the loss with the best lists, the first of equal ones."""
        parts = smaller(self._whole)
        matrix = parts.training.matrix
        factors = min(factors, *matrix.shape)
        points: dict[str, LossPoint] = {}
        for point in POINTS:  # what is a number in the config leaves fewer of them
            points.setdefault(_at(train, point, factors, matrix).model_dump_json(), point)
        if len(points) == 1:
            return POINTS[0]
        values = {
            point: self._trial(parts, _at(train, point, factors, matrix), _SWEEPS_TO_COMPARE).value
            for point in points.values()
        }
        return max(values, key=lambda point: values[point])

    def _climb(self, train: TrainConfig, point: LossPoint, first: Trial, most: int) -> Trial:
        """Return the best trial with more factors than the first, or else with fewer."""
        best, spent = first, 0.0
        matrix = self._whole.training.matrix
        for factors in _doubled(_factors(first), most):
            spent += 2 * _USUAL_SWEEPS * sweep_seconds(matrix, factors)  # here, and on all data
            if spent > train.budget.time.total_seconds():
                log.info("train.budget.time allows no %d factors", factors)
                break
            if training_bytes(matrix, factors) > train.budget.memory * 2**30:
                log.info("train.budget.memory allows no %d factors", factors)
                break
            trial = self._trial(self._whole, _at(train, point, factors, matrix))
            if not trial.value > best.value * _BETTER:
                break
            best = trial
        if best is first:
            for factors in _halved(_factors(first)):
                trial = self._trial(self._whole, _at(train, point, factors, matrix))
                if not trial.value > best.value * _BETTER:
                    break
                best = trial
        return best

    def _trial(self, parts: EvaluationParts, train: TrainConfig, most: int = _MOST_SWEEPS) -> Trial:
        """Return what `train` is worth on `parts`, iterations as they are or, where auto, the best up to `most`."""
        matrix, is_open = parts.training.matrix, train.iterations == "auto"
        sweeps = most if train.iterations == "auto" else train.iterations
        recipe = recipe_for(matrix, train.model_copy(update={"iterations": sweeps}), self._threads)
        values: list[float] = []
        with contextlib.suppress(TrainingError):
            for factors in NativeEngine().sweeps(recipe.confidences(matrix), recipe.settings):
                is_last = len(values) == sweeps - 1
                values.append(self._value(parts, factors) if is_open or is_last else 0.0)
                if is_open and _has_passed_its_best(values):
                    break
        best = max(values, default=0.0)
        number = next((n for n, value in enumerate(values, 1) if value >= _AS_GOOD * best), 1)
        trial = Trial(train.model_copy(update={"iterations": number if is_open else sweeps}), best)
        log.info("tried: %s", trial)
        self._task.advance(note=f"{METRIC} {best:.4f}")
        return trial

    def _value(self, parts: EvaluationParts, factors: Factors) -> float:
        """Return the mean of `METRIC` over the judged users of `parts`."""
        users = factors.users[parts.holdout.user_rows]
        ranker = FactorRanker("als", users, factors.items, self._threads)
        return measure(ranker, parts.holdout.part, (10,)).averages[METRIC]


def _has_passed_its_best(values: list[float]) -> bool:
    """Return whether the last two sweeps brought nothing."""
    return len(values) > 3 and max(values[-2:]) <= max(values[:-2])


def _at(train: TrainConfig, point: LossPoint, factors: int, matrix: csr_matrix) -> TrainConfig:
    """Return `train` with `factors` and with `point` where the loss is auto, made numbers for `matrix`."""
    settled = train.model_copy(update={"factors": factors})
    return point.applied_to(settled, matrix) if objective_of(train) == "weighted" else settled


def _factors(trial: Trial) -> int:
    return int(trial.train.factors)


def _doubled(factors: int, most: int) -> Iterator[int]:
    while factors < most:
        factors = min(2 * factors, most)
        yield factors


def _halved(factors: int) -> Iterator[int]:
    while factors > _FEWEST_FACTORS:
        factors = max(factors // 2, _FEWEST_FACTORS)
        yield factors
