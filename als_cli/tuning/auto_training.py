"""A training of `auto` on all validation sets, one iteration at a time, and the mean of its validation metric.

Fold-in hyperparameters and demand change the metric without another training, so their searches are cheap. Searches
evaluate a sample of the users of each validation set. Different trainings are compared on all users.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.demand import DemandRule, demand, item_weights, weighted_items, with_offset
from als_cli.als.engine import Factors
from als_cli.als.native import FixedItems, NativeEngine
from als_cli.als.recipe import Recipe
from als_cli.als.threads import side_by_side
from als_cli.arrays import Float32Array, Float64Array
from als_cli.config.train import TrainConfig
from als_cli.dataset.interactions import Interactions
from als_cli.evaluation.fit import mean_metric
from als_cli.evaluation.rankers import FactorRanker
from als_cli.ranking.native_top_n import ItemIndex, item_index
from als_cli.splitting.holdout import Holdout
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
class ValidationSet:
    """A validation set, a sample of its users, and the demand for its items with several half-lives."""

    training: Interactions
    sample: Holdout
    """The users that searches evaluate."""
    rest: Holdout | None
    """All other users; None: there are none."""
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
            self._known[half_life] = demand(self.matrix, self.training.times, half_life)
        return self._known[half_life]

    @property
    def matrix(self) -> csr_matrix:
        """The training matrix (U, I)."""
        return self.training.matrix

    def mean(self, sampled: float, others: float) -> float:
        """Return the mean over all users, from the means of the sample and of the rest."""
        size, rest = self.sample.test_set.users, 0 if self.rest is None else self.rest.test_set.users
        return (size * sampled + rest * others) / (size + rest)


class Training:
    """A training of one point on each validation set, a few iterations at a time. Validation sets run side by side.

    Use it in a `with` statement, which frees its threads.
    """

    def __init__(
        self,
        given: TrainConfig,
        sets: Sequence[ValidationSet],
        start: Point,
        factors: int,
        numbers: Sequence[int],
        threads: int,
    ) -> None:
        """Prepare a training of `start` with `factors` that can return the models after each of the `numbers` of iterations."""
        loss = {name: value for name, value in start.items() if name not in (*FOLD_IN_NAMES, *DEMAND_KEYS)}
        self.factors = factors
        self._given = given
        self._sets = sets
        self._open = {**open_values(given, loss), "factors": factors, "iterations": numbers[-1]}
        self._threads = threads
        per_set = -(-threads // min(threads, len(sets)))
        self._recipes = [
            recipe_for(one.matrix, apply_point(given, self._open, one.matrix), per_set) for one in sets
        ]
        self._factors = [
            NativeEngine().iterate(recipe.confidences(one.matrix), recipe.settings, numbers)
            for one, recipe in zip(sets, self._recipes, strict=True)
        ]

    def __enter__(self) -> Self:
        """Return this training."""
        return self

    def __exit__(self, *_: object) -> None:
        """Free the threads and the matrices of the training."""
        for factors in self._factors:
            factors.close()

    @property
    def recipe(self) -> Recipe:
        """The recipe of the training on the newest validation set."""
        return self._recipes[0]

    def advance(self) -> "Models":
        """Train up to the next number of iterations, and return the models.

        Raises
        ------
        TrainingError
            The factors are not finite.
        """
        found = side_by_side(lambda factors, _: next(factors), self._factors, self._threads)
        fits = zip(self._sets, self._recipes, found, strict=True)
        return Models(
            self._given, [_Fit(one, recipe, factors) for one, recipe, factors in fits], self._threads
        )

    def numbers(self, point: Point, iterations: int) -> TrainConfig:
        """Return section `train` of this training with numbers for `iterations`, `fold_in` and `demand`."""
        train = apply_point(self._given, self._open, self._sets[0].matrix)
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
class Models:
    """The models of all validation sets after the same iteration.

    The metric is the mean over the users of a validation set, then over the sets.
    """

    given: TrainConfig
    fits: Sequence["_Fit"]
    threads: int
    _known: dict[tuple[tuple[str, float], ...], list[float]] = field(default_factory=dict)
    """The metric of the sampled users of each validation set, by the points so far."""

    def score(self, point: Point) -> float:
        """Return the metric of the sampled users with the fold-in hyperparameters and the demand of `point`."""
        return float(np.mean(self._sampled(point)))

    def value(self, point: Point) -> float:
        """Return the metric of all users with the fold-in hyperparameters and the demand of `point`."""
        rest = self._values(point, [fit.sets.rest for fit in self.fits])
        return float(
            np.mean(
                [
                    fit.sets.mean(sampled, others)
                    for fit, sampled, others in zip(self.fits, self._sampled(point), rest, strict=True)
                ]
            )
        )

    def _sampled(self, point: Point) -> list[float]:
        key = tuple(sorted(point.items()))
        if key not in self._known:
            self._known[key] = self._values(point, [fit.sets.sample for fit in self.fits])
        return self._known[key]

    def _values(self, point: Point, holdouts: Sequence[Holdout | None]) -> list[float]:
        rule = demand_rule(demand_of(self.given.demand, open_values(self.given, point)))

        def value(pair: tuple[_Fit, Holdout | None], _threads: int) -> float:
            fit, holdout = pair
            return 0.0 if holdout is None else fit.value(point, self.given, rule, holdout)

        return side_by_side(value, list(zip(self.fits, holdouts, strict=True)), self.threads)


@dataclass(eq=False)
class _Fit:
    """A model of one training set, and the fold-in of its test users with given hyperparameters."""

    sets: ValidationSet
    recipe: Recipe
    factors: Factors
    _folded_in: tuple[tuple[float, float, float | None], Holdout, Float32Array] | None = None
    """The last fold-in: its hyperparameters, its users, and their factors in the eigenbasis of the items."""
    _indexed: tuple[DemandRule, ItemIndex] | None = None
    """The items under the last rule of demand."""

    @cached_property
    def items(self) -> FixedItems:
        """The item factors."""
        return FixedItems(self.factors.items, self.recipe.settings.threads)

    @cached_property
    def ranked_items(self) -> Float32Array:
        """The item factors in their eigenbasis, (I, f)."""
        return self.items.factors

    def value(self, point: Point, given: TrainConfig, rule: DemandRule, holdout: Holdout) -> float:
        """Return the metric of `given` for the users of `holdout`, folded in with the values of `point`, under `rule`."""
        users = self._users(_fold_in_of(point, given, self.recipe), holdout)
        weights = self.sets.weights(rule)
        if self._indexed is None or self._indexed[0] != rule:
            self._indexed = rule, item_index(weighted_items(self.ranked_items, weights, rule.offset))
        threads = self.recipe.settings.threads
        ranker = FactorRanker("als", with_offset(users, weights, rule.offset), self._indexed[1], threads)
        return mean_metric(ranker, holdout.test_set, given.metric)

    def _users(self, values: tuple[float, float, float | None], holdout: Holdout) -> Float32Array:
        last = self._folded_in
        if last is None or last[0] != values or last[1] is not holdout:
            recipe = with_fold_in(self.recipe, self.sets.matrix, *values)
            problem = recipe.fold_in_problem(holdout.test_set.history, holdout.test_set.times)
            start = self.factors.users[holdout.user_rows]
            last = self._folded_in = values, holdout, self.items.users(*problem, start=start)
        return last[2]


def _fold_in_of(point: Point, given: TrainConfig, recipe: Recipe) -> tuple[float, float, float | None]:
    return fold_in_values(
        point, given.fold_in, recipe.settings.regularization, recipe.confidence.item_exponent
    )
