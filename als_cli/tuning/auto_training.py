"""A training of `auto` on all validation sets, one iteration at a time, and the mean of its validation metric.

Fold-in hyperparameters and demand change the metric without another training, so their searches are cheap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from als_cli.als.demand import DemandRule, demand, item_weights
from als_cli.als.engine import Factors
from als_cli.als.native import FixedItems, NativeEngine
from als_cli.als.recipe import Recipe
from als_cli.arrays import Float32Array, Float64Array
from als_cli.config.train import TrainConfig
from als_cli.evaluation.fit import demand_ranker, mean_metric
from als_cli.splitting.division import EvaluationSets
from als_cli.tuning.parameters import demand_rule, recipe_for, with_fold_in
from als_cli.tuning.point import (
    DEMAND_KEYS,
    FOLD_IN_NAMES,
    Point,
    apply_point,
    demand_of,
    fold_in_values,
    half_life_of,
    open_values,
)


@dataclass(eq=False)
class Demands:
    """The demand for the items of a training set, for several half-lives."""

    sets: EvaluationSets
    _known: dict[float | None, Float64Array] = field(default_factory=dict)

    def weights(self, rule: DemandRule) -> Float32Array | None:
        """Return the weights (I,) of the items under `rule`, None if it is neutral."""
        if rule.is_neutral:
            return None
        recent = self._demand(rule.half_life if rule.exponent else None)
        long_run = self._demand(rule.long_run_half_life if rule.long_run_exponent else None)
        return item_weights(rule, recent, long_run)

    def _demand(self, half_life: float | None) -> Float64Array:
        if half_life not in self._known:
            training = self.sets.training
            self._known[half_life] = demand(training.matrix, training.times, half_life)
        return self._known[half_life]


class Training:
    """A training on each validation set, one iteration at a time, and the mean of the metric."""

    def __init__(
        self,
        given: TrainConfig,
        demands: Sequence[Demands],
        start: Point,
        factors: int,
        limit: int,
        threads: int,
    ) -> None:
        loss = {name: value for name, value in start.items() if name not in (*FOLD_IN_NAMES, *DEMAND_KEYS)}
        self._given = given
        self._demands = demands
        self._open = {**open_values(given, loss), "factors": factors}
        self._recipes = [
            recipe_for(
                one.sets.training.matrix,
                apply_point(given, self._open, one.sets.training.matrix).model_copy(
                    update={"iterations": limit}
                ),
                threads,
            )
            for one in demands
        ]
        self._factors = [
            _factors(one.sets, recipe) for one, recipe in zip(demands, self._recipes, strict=True)
        ]
        self._done = 0
        self.fits: list[_Fit] = []
        """The models after the last iteration."""

    @property
    def recipe(self) -> Recipe:
        """The recipe of the training on the newest validation set."""
        return self._recipes[0]

    def advance(self, number: int) -> None:
        """Train up to iteration `number`.

        Raises
        ------
        TrainingError
            The factors are not finite.
        """
        found: list[Factors] = []
        for factors in self._factors:
            for _ in range(number - self._done):
                last = next(factors)
            found.append(last)
        self._done = number
        self.fits = [
            _Fit(one, recipe, factors)
            for one, recipe, factors in zip(self._demands, self._recipes, found, strict=True)
        ]

    def score(self, point: Point) -> float:
        """Return the metric with the fold-in hyperparameters and the demand of `point`."""
        given = self._given
        rule = demand_rule(demand_of(given.demand, open_values(given, point)))
        return float(np.mean([fit.value(point, given, rule) for fit in self.fits]))

    def numbers(self, point: Point, iterations: int) -> TrainConfig:
        """Return section `train` of this training with numbers for `iterations`, `fold_in` and `demand`."""
        train = apply_point(self._given, self._open, self._demands[0].sets.training.matrix)
        regularization, item_exponent, half_life = _fold_in_of(point, train, self.recipe)
        fold_in = {
            "regularization": regularization,
            "item_exponent": item_exponent,
            "half_life": half_life_of(float("inf") if half_life is None else half_life),
        }
        return train.model_copy(
            update={
                "iterations": iterations,
                "fold_in": train.fold_in.model_copy(update=fold_in),
                "demand": demand_of(train.demand, open_values(train, point)),
            }
        )


@dataclass(eq=False)
class _Fit:
    """A model of one training set, and the fold-in of its test users with given hyperparameters."""

    demands: Demands
    recipe: Recipe
    factors: Factors
    _folded_in: tuple[tuple[float, float, float | None], Float32Array] | None = None
    """The last fold-in: its hyperparameters, and the users in the eigenbasis of the items."""

    @cached_property
    def items(self) -> FixedItems:
        """The item factors."""
        return FixedItems(self.factors.items, self.recipe.settings.threads)

    @cached_property
    def ranked_items(self) -> Float32Array:
        """The item factors in their eigenbasis, (I, f)."""
        return self.items.factors

    def value(self, point: Point, given: TrainConfig, rule: DemandRule) -> float:
        """Return the metric of `given` for users folded in with the hyperparameters of `point`, under `rule`."""
        sets = self.demands.sets
        users = self._users(_fold_in_of(point, given, self.recipe))
        weights = self.demands.weights(rule)
        ranker = demand_ranker("als", users, self.ranked_items, weights, _ruled(self.recipe, rule))
        return mean_metric(ranker, sets, given.metric)

    def _users(self, values: tuple[float, float, float | None]) -> Float32Array:
        if self._folded_in is None or self._folded_in[0] != values:
            sets, holdout = self.demands.sets, self.demands.sets.holdout
            recipe = with_fold_in(self.recipe, sets.training.matrix, *values)
            problem = recipe.fold_in_problem(holdout.test_set.history, holdout.test_set.times)
            start = self.factors.users[holdout.user_rows]
            self._folded_in = values, self.items.users(*problem, start=start)
        return self._folded_in[1]


def _ruled(recipe: Recipe, rule: DemandRule) -> Recipe:
    return replace(recipe, demand=rule)


def _factors(sets: EvaluationSets, recipe: Recipe) -> Iterator[Factors]:
    return NativeEngine().iterate(recipe.confidences(sets.training.matrix), recipe.settings)


def _fold_in_of(point: Point, given: TrainConfig, recipe: Recipe) -> tuple[float, float, float | None]:
    return fold_in_values(
        point, given.fold_in, recipe.settings.regularization, recipe.confidence.item_exponent
    )
