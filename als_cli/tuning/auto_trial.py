"""One trial of `auto`: a training with a validation after some iterations, then searches that need no training."""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from als_cli.config.train import TrainConfig
from als_cli.errors import TrainingError
from als_cli.splitting.validation import ValidationSets
from als_cli.tuning.auto_training import Demands, Training
from als_cli.tuning.demand_search import DemandSearch
from als_cli.tuning.early_stopping import (
    EVALUATED_ITERATIONS,
    MANY_FACTORS,
    is_over,
    iteration_to_keep,
    patience_for,
)
from als_cli.tuning.fold_in_search import FoldInSearch
from als_cli.tuning.point import DEMAND_EXPONENT, DEMAND_KEYS, Point

_MIN_RATIO_FOR_SEARCH = 0.97
"""Minimum ratio to the best value so far for a search for fold-in hyperparameters and demand."""
_SCREENED_ITERATIONS = 3
_KEPT = 3
"""Maximum number of presets that screening keeps."""
_MIN_RATIO_OF_KEPT = 0.98
"""Minimum ratio to the best value for a preset to be kept by screening."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """Evaluated settings and their value."""

    train: TrainConfig
    """Section `train` with numbers for the settings that `auto` selects."""
    point: Point
    """Start of a trial with another number of factors."""
    value: float
    """`train.metric`: the mean over the users of a validation set, then over the validation sets."""

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
            f"fold_in.item_exponent {fold_in.item_exponent}, "
            f"fold_in.half_life {fold_in.model_dump(mode='json')['half_life']}, "
            f"demand {train.demand.model_dump(mode='json')}: {train.metric} {self.value:.4f}"
        )


@dataclass(frozen=True, eq=False)
class TrialRunner:
    """Runs trials of section `train`."""

    given: TrainConfig
    threads: int
    _demands: dict[int, Demands] = field(default_factory=dict)
    """The demand of each validation set, by the id of the set, which it keeps alive."""

    def screen(self, sets: ValidationSets, starts: Sequence[Point], factors: int) -> list[Point]:
        """Return the best of `starts` after few iterations, best first. All get the demand that suits one of them."""
        demand_values: dict[str, float] = {}
        values: list[tuple[float, Point]] = []
        for start in starts:
            point: Point = {**start, **demand_values}
            training = self._training(sets, point, factors)
            with contextlib.suppress(TrainingError):
                training.advance(min(_SCREENED_ITERATIONS, self._iterations()[-1]))
                value = training.score(point)
                if not demand_values:
                    point, value = self._demand_search(sets, training).first(point)
                    demand_values = {name: point[name] for name in DEMAND_KEYS}  # of the first start
                values.append((value, point))
                log.info("screened: %s %.4f, %s", self.given.metric, value, _listed(point))
        values.sort(key=lambda one: -one[0])
        best = values[0][0] if values else 0.0
        return [point for value, point in values[:_KEPT] if value >= best * _MIN_RATIO_OF_KEPT]

    def run(self, sets: ValidationSets, start: Point, factors: int, best_seen: float = 0.0) -> Trial:
        """Return the trial of `start` with `factors` on `sets`. If `iterations` is `auto`, it has the best number.

        Iterations are evaluated with the fold-in hyperparameters and the demand of `start`. The searches for better
        ones start there. There is no search if the value is far below `best_seen`.
        """
        training = self._training(sets, start, factors)
        values: list[tuple[int, float]] = []
        best, best_fits = 0.0, None
        with contextlib.suppress(TrainingError):
            for number in self._iterations():
                training.advance(number)
                values.append((number, training.score(start)))
                if values[-1][1] > best:
                    best, best_fits = values[-1][1], training.fits
                if is_over([value for _, value in values], patience_for(factors)):
                    break
        kept = iteration_to_keep(values) if values else self._iterations()[-1]
        point = start
        if best_fits is not None and best > _MIN_RATIO_FOR_SEARCH * best_seen:
            training.fits = best_fits
            point, best = self._search(sets, training, factors, start, best)
        trial = Trial(training.numbers(point, kept), point, best)
        log.info("evaluated: %s", trial)
        return trial

    def _iterations(self) -> Sequence[int]:
        return EVALUATED_ITERATIONS if self.given.iterations == "auto" else (self.given.iterations,)

    def _training(self, sets: ValidationSets, start: Point, factors: int) -> Training:
        for one in sets:
            self._demands.setdefault(id(one), Demands(one))
        demands = [self._demands[id(one)] for one in sets]
        return Training(self.given, demands, start, factors, self._iterations()[-1], self.threads)

    def _search(
        self, sets: ValidationSets, training: Training, factors: int, start: Point, value: float
    ) -> tuple[Point, float]:
        """Return the best fold-in hyperparameters and demand. With many factors, only the regularization is searched."""
        few = factors <= MANY_FACTORS
        given = self.given.fold_in
        exponent_matters = bool(training.recipe.confidence.item_exponent) and few
        is_weighted = training.recipe.settings.objective == "weighted"
        fold_in = FoldInSearch(
            training.score,
            regularization_is_open=given.regularization == "auto",
            item_exponent_is_open=given.item_exponent == "auto" and exponent_matters,
            half_life_is_open=given.half_life == "auto" and is_weighted and few and _span(sets) is not None,
        )
        point, value = fold_in.best(start, value)
        if few:
            search = self._demand_search(sets, training)
            improved = search.improved(point) if DEMAND_EXPONENT in point else search.first(point)
            popularity = search.best_popularity(point)  # the result is never worse than popularity alone
            point, value = max(improved, popularity, key=lambda one: one[1])
        return point, value

    def _demand_search(self, sets: ValidationSets, training: Training) -> DemandSearch:
        return DemandSearch(training.score, _span(sets))


def _span(sets: ValidationSets) -> float | None:
    """Return the seconds from the oldest to the newest time of the newest training set, None without times."""
    times = sets[0].training.times
    return None if times is None else float(times.data.max() - times.data.min()) / 1e6


def _listed(point: Point) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in point.items())
