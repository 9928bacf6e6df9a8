"""The search for the fold-in hyperparameters after one training: a climb in steps of two, then other exponents."""

from collections.abc import Callable
from dataclasses import dataclass

from als_cli.tuning.point import FOLD_IN_ITEM_EXPONENT, FOLD_IN_REGULARIZATION, Point

GAIN_OF_ANOTHER_FOLD_IN = 1.002
"""Ratio by which another fold-in must improve the metric. Smaller than for factors: it needs no other training."""
_LOWEST, _HIGHEST = 1 / 16, 16.0
"""Bounds of the fold-in regularization, as multiples of the training's."""
_EXPONENT_FRACTIONS = (1.0, 0.5, 0.0)
"""Fold-in item exponents that are compared, as fractions of the training's."""


@dataclass(frozen=True)
class FoldInSearch:
    """Which fold-in hyperparameters may change, and how a fold-in is scored."""

    score: Callable[[Point], float]
    """From a point to the metric on the validation set."""
    regularization_is_open: bool
    item_exponent_is_open: bool

    def best(self, start: Point, value: float) -> tuple[Point, float]:
        """Return the best fold-in found from `start`, whose score is `value`, and its score."""
        best, value = self._climb(start, value)
        if not self.item_exponent_is_open:
            return best, value
        here = best[FOLD_IN_ITEM_EXPONENT]
        others = [{**best, FOLD_IN_ITEM_EXPONENT: one} for one in _EXPONENT_FRACTIONS if one != here]
        score, other = max(((self.score(one), one) for one in others), key=lambda pair: pair[0])
        return self._climb(other, score) if score > value * GAIN_OF_ANOTHER_FOLD_IN else (best, value)

    def _climb(self, best: Point, value: float) -> tuple[Point, float]:
        """Return the point reached by doubling the regularization, or else halving it, while the score improves."""
        if not self.regularization_is_open:
            return best, value
        start = best
        for step in (2.0, 0.5):
            while _LOWEST <= (multiple := best[FOLD_IN_REGULARIZATION] * step) <= _HIGHEST:
                other = {**best, FOLD_IN_REGULARIZATION: multiple}
                if (score := self.score(other)) <= value * GAIN_OF_ANOTHER_FOLD_IN:
                    break
                best, value = other, score
            if best is not start:
                break
        return best, value
