"""When `auto` stops a training, and which of its iterations it keeps."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_ITERATIONS = 12
MANY_FACTORS = 256
"""Above this, evaluating an iteration takes long, so training stops after one iteration without improvement."""
_EQUALLY_GOOD = 0.999
"""Ratio to the best value from which an iteration counts as equally good; the first of them is kept."""


@dataclass(frozen=True)
class EarlyStopping:
    """A rule over the validation metric after each iteration; the first iteration is not evaluated (0)."""

    patience: int
    """Iterations without improvement after which training stops."""

    def is_over(self, values: Sequence[float]) -> bool:
        """Return whether the last `patience` of `values` improve next to nothing on those before."""
        before, last = values[1 : -self.patience], values[-self.patience :]
        return bool(before) and _EQUALLY_GOOD * max(last) <= max(before)


def patience_for(factors: int) -> int:
    """Return the iterations without improvement that a training with `factors` is allowed."""
    return 2 if factors <= MANY_FACTORS else 1


def iteration_to_keep(values: Sequence[float]) -> int:
    """Return the number, from 1, of the first iteration whose value is as good as the best; 1 without values."""
    best = max(values, default=0.0)
    return next((number for number, value in enumerate(values, 1) if value >= _EQUALLY_GOOD * best), 1)
