"""One trial of `auto`: a training with a validation after some iterations, then searches that need no training."""

import contextlib
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from als_cli.als.cost import training_bytes
from als_cli.als.threads import side_by_side
from als_cli.config.fields import format_duration
from als_cli.config.train import TrainConfig
from als_cli.errors import TrainingError
from als_cli.splitting.division import EvaluationSets
from als_cli.splitting.validation import ValidationSets
from als_cli.tuning.auto_training import Models, Training, ValidationSet
from als_cli.tuning.compared import ComparedTrial, preset_of
from als_cli.tuning.demand_search import DemandSearch
from als_cli.tuning.early_stopping import (
    EVALUATED_ITERATIONS,
    MANY_FACTORS,
    is_behind,
    is_over,
    iteration_to_keep,
    patience_for,
)
from als_cli.tuning.fold_in_search import FoldInSearch
from als_cli.tuning.point import DEMAND_EXPONENT, DEMAND_KEYS, Point

_MIN_RATIO_FOR_SEARCH = 0.985
"""Minimum ratio to the best score so far for a search for fold-in hyperparameters and demand."""
_SCREENED_ITERATIONS = 3
_KEPT = 3
"""Maximum number of presets that screening keeps."""
_MIN_RATIO_OF_KEPT = 0.98
"""Minimum ratio to the best value for a preset to be kept by screening."""

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Trial:
    """Evaluated settings and their value."""

    train: TrainConfig
    """Section `train` with numbers for the settings that `auto` selects."""
    point: Point
    """Start of a trial with another number of factors."""
    value: float
    """`train.metric` of all users: the mean over the users of a validation set, then over the validation sets."""
    score: float = 0.0
    """`train.metric` of the sampled users that searches evaluate."""

    @property
    def factors(self) -> int:
        """Number of factors."""
        return int(self.train.factors)

    def __str__(self) -> str:
        """Return the value, and the settings as words: KEY=VALUE, or SECTION(KEY=VALUE ...)."""
        train, rule = self.train, self.train.confidence
        settings = train.model_dump(include={"factors", "iterations", "regularization", "unobserved_weight"})
        exponents = {"user_exponent": rule.user_exponent, "item_exponent": rule.item_exponent}
        fold_in = train.fold_in.model_dump(
            mode="json", include={"regularization", "item_exponent", "half_life"}
        )
        demand = train.demand.model_dump(mode="json")
        return (
            f"{train.metric} {self.value:.4f}, {_listed(settings | exponents)} "
            f"fold_in({_listed(fold_in)}) demand({_listed(demand)})"
        )


@dataclass(frozen=True)
class _Screened:
    """A point that was screened, and its value."""

    value: float
    point: Point
    iterations: int

    def compared(self, factors: int) -> ComparedTrial:
        return ComparedTrial(
            screening=True,
            all_users=True,
            factors=factors,
            iterations=self.iterations,
            start=preset_of(self.point),
            value=self.value,
        )


@dataclass(frozen=True, eq=False)
class TrialRunner:
    """Runs trials of section `train`."""

    given: TrainConfig
    threads: int
    searched_users: int
    """Maximum number of users that searches evaluate, in all validation sets together."""
    _sets: dict[int, tuple[EvaluationSets, ValidationSet]] = field(default_factory=dict)
    """The validation sets by their ids."""
    _popularity: dict[tuple[int, ...], tuple[Point, float]] = field(default_factory=dict)
    """The rule that ranks by recent popularity alone, and its value, by the ids of validation sets."""

    def screen(
        self, sets: ValidationSets, starts: Sequence[Point], factors: int
    ) -> tuple[list[Point], list[ComparedTrial]]:
        """Return the best of `starts` after few iterations, and all of them with their values, both best first.

        All get the demand that suits the first one.
        """
        screened: list[_Screened] = []
        others = list(starts)
        while others and not screened:
            screened += self._screened(sets, others.pop(0), factors, self.threads, search_demand=True)
        demand = {name: screened[0].point[name] for name in DEMAND_KEYS} if screened else {}
        for found in self._side_by_side(
            lambda start, threads: self._screened(sets, start, factors, threads),
            [{**start, **demand} for start in others],
            sets,
            factors,
        ):
            screened += found
        for one in screened:
            log.info("screened: %s %.4f, %s", self.given.metric, one.value, _listed(one.point))
        screened.sort(key=lambda one: -one.value)
        best = screened[0].value if screened else 0.0
        kept = [one.point for one in screened[:_KEPT] if one.value >= best * _MIN_RATIO_OF_KEPT]
        return kept, [one.compared(factors) for one in screened]

    def run(
        self, sets: ValidationSets, starts: Sequence[Point], factors: int, best_score: float = 0.0
    ) -> list[Trial]:
        """Return the trials of `starts` with `factors` on `sets`. If `iterations` is `auto`, they have the best number.

        Iterations are evaluated with the fold-in hyperparameters and the demand of the start. The searches for better
        ones start there. With a score far below `best_score`, the best score of other trials, a training stops early, and
        there is no search.
        """
        trials = self._side_by_side(
            lambda start, threads: self._trial(sets, start, factors, best_score, threads),
            starts,
            sets,
            factors,
        )
        for trial in trials:
            log.info("evaluated: %s", trial)
        return trials

    def _side_by_side(
        self, work: Callable[[Point, int], T], starts: Sequence[Point], sets: ValidationSets, factors: int
    ) -> list[T]:
        """Return the results of `work` for each start and its threads. As many run at once as the memory allows."""
        needed = sum(training_bytes(one.training.matrix, factors) for one in sets)
        at_once = max(1, int(self.given.budget.memory * 2**30 // max(needed, 1)))
        return side_by_side(work, starts, self.threads, at_once)

    def _screened(
        self,
        sets: ValidationSets,
        point: Point,
        factors: int,
        threads: int,
        *,
        search_demand: bool = False,
    ) -> list["_Screened"]:
        """Return `point` and its value after few iterations, nothing if its factors are not finite."""
        iterations = min(_SCREENED_ITERATIONS, self._iterations(point, factors)[-1])
        with (
            contextlib.suppress(TrainingError),
            self._training(sets, point, factors, threads, [iterations]) as training,
        ):
            models = training.advance()
            if search_demand:
                point, _ = DemandSearch(models.score, _span(sets)).first(point)
            return [_Screened(models.value(point), point, iterations)]
        return []

    def _trial(
        self, sets: ValidationSets, start: Point, factors: int, best_score: float, threads: int
    ) -> Trial:
        numbers = self._iterations(start, factors)
        scores: list[tuple[int, float]] = []
        best, best_models = 0.0, None
        training = self._training(sets, start, factors, threads, numbers)
        with training, contextlib.suppress(TrainingError):
            for number in numbers:
                models = training.advance()
                scores.append((number, models.score(start)))
                if scores[-1][1] > best:
                    best, best_models = scores[-1][1], models
                so_far = [score for _, score in scores]
                if is_over(so_far, patience_for(factors)) or is_behind(
                    so_far, _MIN_RATIO_FOR_SEARCH * best_score
                ):
                    break
        kept = iteration_to_keep(scores) if scores else numbers[-1]
        point, value = start, best
        if best_models is not None:
            if best > _MIN_RATIO_FOR_SEARCH * best_score:
                point, best = self._search(sets, training, best_models, start, best)
            value = best_models.value(point)
        return Trial(training.numbers(point, kept), {**point, "iterations": kept}, value, best)

    def _iterations(self, start: Point, factors: int) -> Sequence[int]:
        """Return the iterations after which the metric is computed."""
        if self.given.iterations != "auto":
            return (self.given.iterations,)
        if factors > MANY_FACTORS and "iterations" in start:
            return (int(start["iterations"]),)
        return EVALUATED_ITERATIONS

    def _training(
        self, sets: ValidationSets, start: Point, factors: int, threads: int, numbers: Sequence[int]
    ) -> Training:
        searched = -(-self.searched_users // len(sets))
        for one in sets:
            if id(one) not in self._sets:
                self._sets[id(one)] = (
                    one,
                    ValidationSet(one.training, *one.holdout.parted(searched, seed=0)),
                )
        prepared = [self._sets[id(one)][1] for one in sets]
        return Training(self.given, prepared, start, factors, numbers, threads)

    def _search(
        self, sets: ValidationSets, training: Training, models: Models, start: Point, value: float
    ) -> tuple[Point, float]:
        """Return the best fold-in hyperparameters and demand. With many factors, only the regularization is searched."""
        few, recipe, given = training.factors <= MANY_FACTORS, training.recipe, self.given.fold_in
        exponent_matters = bool(recipe.confidence.item_exponent) and few
        is_weighted = recipe.settings.objective == "weighted"
        fold_in = FoldInSearch(
            models.score,
            regularization_is_open=given.regularization == "auto",
            item_exponent_is_open=given.item_exponent == "auto" and exponent_matters,
            half_life_is_open=given.half_life == "auto" and is_weighted and few and _span(sets) is not None,
        )
        point, value = fold_in.best(start, value)
        if few:
            search = DemandSearch(models.score, _span(sets))
            improved = search.improved(point) if DEMAND_EXPONENT in point else search.first(point)
            popularity = self._best_popularity(sets, search, point)
            point, value = max(improved, popularity, key=lambda one: one[1])
        return point, value

    def _best_popularity(
        self, sets: ValidationSets, search: DemandSearch, point: Point
    ) -> tuple[Point, float]:
        """Return `point` with popularity alone, and its value. The result of a trial is never worse.

        The value does not depend on the factors, so it is computed once.
        """
        key = tuple(id(one) for one in sets)
        if key not in self._popularity:
            best, value = search.best_popularity(point)
            self._popularity[key] = {name: best[name] for name in DEMAND_KEYS}, value
        demand, value = self._popularity[key]
        return {**point, **demand}, value


def _span(sets: ValidationSets) -> float | None:
    """Return the seconds from the oldest to the newest time of the newest training set, None without times."""
    times = sets[0].training.times
    return None if times is None else float(times.data.max() - times.data.min()) / 1e6


def _listed(settings: Mapping[str, object]) -> str:
    """Return `settings` as words KEY=VALUE. Infinite half-lives, which have no influence, are left out."""
    words = []
    for name, value in settings.items():
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        if name.endswith("half_life") and isinstance(value, float):
            shown = "infinite" if math.isinf(value) else format_duration(timedelta(seconds=round(value)))
        if shown != "infinite":
            words.append(f"{name}={shown}")
    return " ".join(words)
