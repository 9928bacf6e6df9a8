"""The search for fold-in hyperparameters after a training: regularization, then item exponents, then half-lives."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from als_cli.tuning.point import FOLD_IN_HALF_LIFE, FOLD_IN_ITEM_EXPONENT, FOLD_IN_REGULARIZATION, Point

MINIMUM_GAIN = 1.002
"""Minimum ratio by which other fold-in hyperparameters must improve the metric."""
_LOWEST, _HIGHEST = 1 / 16, 16.0
"""Bounds of the fold-in regularization, as multiples of the training regularization."""
_EXPONENT_FRACTIONS = (1.0, 0.5, 0.0)
"""Fold-in item exponents that are compared, as fractions of the training item exponent."""
_HALF_LIVES = tuple(timedelta(days=days).total_seconds() for days in (365, 180, 60, 14, 3))


@dataclass(frozen=True)
class FoldInSearch:
    """The search, with the fold-in hyperparameters that may change."""

    score: Callable[[Point], float]
    """Returns the validation metric of a point."""
    regularization_is_open: bool
    item_exponent_is_open: bool
    half_life_is_open: bool

    def best(self, start: Point, value: float) -> tuple[Point, float]:
        """Return the best point found and its score; the search starts at `start`, whose score is `value`."""
        best, value = self._with_exponent(*self._climb(start, value))
        return self._with_half_life(best, value) if self.half_life_is_open else (best, value)

    def _with_exponent(self, best: Point, value: float) -> tuple[Point, float]:
        if not self.item_exponent_is_open:
            return best, value
        fractions = [fraction for fraction in _EXPONENT_FRACTIONS if fraction != best[FOLD_IN_ITEM_EXPONENT]]
        others = [{**best, FOLD_IN_ITEM_EXPONENT: fraction} for fraction in fractions]
        score, other = max(((self.score(point), point) for point in others), key=lambda pair: pair[0])
        return self._climb(other, score) if score > value * MINIMUM_GAIN else (best, value)

    def _with_half_life(self, best: Point, value: float) -> tuple[Point, float]:
        """Shorten the half-life while the score improves, at most one step after the first that improves nothing."""
        failures = 0
        for half_life in _HALF_LIVES:
            if half_life >= best.get(FOLD_IN_HALF_LIFE, math.inf):
                continue
            other = {**best, FOLD_IN_HALF_LIFE: half_life}
            if (score := self.score(other)) > value * MINIMUM_GAIN:
                best, value = other, score
            elif (failures := failures + 1) > 1:
                break
        return best, value

    def _climb(self, best: Point, value: float) -> tuple[Point, float]:
        """Double the regularization while the score improves, or else halve it. Return the best point and its score."""
        if not self.regularization_is_open:
            return best, value
        start = best
        for step in (2.0, 0.5):
            while _LOWEST <= (multiple := best[FOLD_IN_REGULARIZATION] * step) <= _HIGHEST:
                other = {**best, FOLD_IN_REGULARIZATION: multiple}
                if (score := self.score(other)) <= value * MINIMUM_GAIN:
                    break
                best, value = other, score
            if best is not start:
                break
        return best, value
