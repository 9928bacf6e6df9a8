"""One trial of `auto`: a training with a validation after each iteration, then a search for fold-in hyperparameters."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from als_cli.als.engine import Factors
from als_cli.als.native import FixedItems, NativeEngine
from als_cli.als.recipe import Recipe
from als_cli.arrays import Float32Array
from als_cli.config.train import FoldInConfig, TrainConfig
from als_cli.errors import TrainingError
from als_cli.evaluation.fit import mean_metric
from als_cli.evaluation.rankers import FactorRanker
from als_cli.splitting.division import EvaluationSets
from als_cli.tuning.early_stopping import (
    MANY_FACTORS,
    MAXIMUM_TRIAL_ITERATIONS,
    is_over,
    iteration_to_keep,
    patience_for,
)
from als_cli.tuning.fold_in_search import FoldInSearch
from als_cli.tuning.parameters import recipe_for, with_fold_in
from als_cli.tuning.point import FOLD_IN_NAMES, Point, apply_point, fold_in_values, open_values

METRIC = "ndcg@10"
_MINIMUM_RATIO_FOR_SEARCH = 0.9
"""Minimum ratio to the best value so far for a search for fold-in hyperparameters."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """Evaluated settings and their value."""

    train: TrainConfig
    """Section `train` with numbers for the settings that `auto` selects."""
    point: Point
    """Start of a trial with another number of factors."""
    value: float
    """Mean of METRIC over the users of the validation set."""

    @property
    def factors(self) -> int:
        """Number of factors."""
        return int(self.train.factors)

    def __str__(self) -> str:
        """Return the settings under their config keys, and the value."""
        train, rule, fold_in = self.train, self.train.confidence, self.train.fold_in
        return (
            f"factors {train.factors}, iterations {train.iterations}, regularization {train.regularization}, "
            f"unobserved_weight {train.unobserved_weight}, user_exponent {rule.user_exponent}, "
            f"item_exponent {rule.item_exponent}, fold_in.regularization {fold_in.regularization}, "
            f"fold_in.item_exponent {fold_in.item_exponent}: {METRIC} {self.value:.4f}"
        )


@dataclass(frozen=True, eq=False)
class TrialRunner:
    """Runs trials of section `train`."""

    given: TrainConfig
    threads: int

    def run(self, sets: EvaluationSets, start: Point, factors: int, best_seen: float = 0.0) -> Trial:
        """Return the trial of `start` with `factors` on `sets`. If `iterations` is `auto`, it has the best number.

        Iterations are evaluated with the fold-in hyperparameters of `start`. The search for better ones starts there.
        There is no search if the value is far below `best_seen`.
        """
        matrix = sets.training.matrix
        loss = {name: value for name, value in start.items() if name not in FOLD_IN_NAMES}
        train = apply_point(self.given, {**open_values(self.given, loss), "factors": factors}, matrix)
        limit = MAXIMUM_TRIAL_ITERATIONS if train.iterations == "auto" else train.iterations
        recipe = recipe_for(matrix, train.model_copy(update={"iterations": limit}), self.threads)
        values: list[float] = []
        best, best_fit = 0.0, None
        with contextlib.suppress(TrainingError):
            for fit in self._fits(sets, recipe, limit):
                values.append(0.0 if fit is None else fit.value(start))
                if fit is not None and values[-1] > best:
                    best, best_fit = values[-1], fit
                if self.given.iterations == "auto" and is_over(values, patience_for(factors)):
                    break
        kept = iteration_to_keep(values) if self.given.iterations == "auto" else limit
        point = start
        if best_fit is not None and best > _MINIMUM_RATIO_FOR_SEARCH * best_seen:
            point, best = best_fit.search(factors).best(start, best)
        trial = Trial(_numbers(train, recipe, point, kept), point, best)
        log.info("evaluated: %s", trial)
        return trial

    def _fits(self, sets: EvaluationSets, recipe: Recipe, limit: int) -> Iterator["_Fit | None"]:
        """Yield the fit after each iteration, None for iterations that are not evaluated."""
        iterations = NativeEngine().iterate(recipe.confidences(sets.training.matrix), recipe.settings)
        for number, factors in enumerate(iterations, 1):
            is_evaluated = number == limit or (self.given.iterations == "auto" and number > 1)
            yield _fit_of(sets, self.given.fold_in, recipe, factors) if is_evaluated else None


@dataclass(frozen=True, eq=False)
class _Fit:
    """Item factors after an iteration, and the fold-in of the test users with given hyperparameters."""

    sets: EvaluationSets
    given: FoldInConfig
    recipe: Recipe
    items: FixedItems
    users: Float32Array
    """(T, f) factors of the test users after the iteration."""

    def value(self, point: Point) -> float:
        """Return METRIC for users folded in with the hyperparameters of `point`."""
        recipe = with_fold_in(
            self.recipe, self.sets.training.matrix, *_fold_in_of(point, self.given, self.recipe)
        )
        problem = recipe.fold_in_problem(self.sets.holdout.test_set.history)
        users = self.items.users(*problem, start=self.users)
        ranker = FactorRanker("als", users, self.items.factors, recipe.settings.threads)
        return mean_metric(ranker, self.sets, METRIC)

    def search(self, factors: int) -> FoldInSearch:
        """Return the search for fold-in hyperparameters. With many factors, it keeps the exponent of the start."""
        exponent_matters = bool(self.recipe.confidence.item_exponent) and factors <= MANY_FACTORS
        return FoldInSearch(
            self.value,
            regularization_is_open=self.given.regularization == "auto",
            item_exponent_is_open=self.given.item_exponent == "auto" and exponent_matters,
        )


def _fit_of(sets: EvaluationSets, given: FoldInConfig, recipe: Recipe, factors: Factors) -> _Fit:
    items = FixedItems(factors.items, recipe.settings.threads)
    return _Fit(sets, given, recipe, items, factors.users[sets.holdout.user_rows])


def _fold_in_of(point: Point, given: FoldInConfig, recipe: Recipe) -> tuple[float, float]:
    return fold_in_values(point, given, recipe.settings.regularization, recipe.confidence.item_exponent)


def _numbers(train: TrainConfig, recipe: Recipe, point: Point, iterations: int) -> TrainConfig:
    """Return `train`, which was trained by `recipe`, with numbers for `iterations` and `fold_in`."""
    regularization, item_exponent = _fold_in_of(point, train.fold_in, recipe)
    fold_in = train.fold_in.model_copy(
        update={"regularization": regularization, "item_exponent": item_exponent}
    )
    return train.model_copy(update={"iterations": iterations, "fold_in": fold_in})
