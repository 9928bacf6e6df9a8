"""Early stopping of a training of `auto`, and the selection of its number of iterations."""

from collections.abc import Sequence

MAXIMUM_TRIAL_ITERATIONS = 12
MANY_FACTORS = 256
"""With more factors, training stops after one iteration without improvement, because each takes long."""
_EQUALLY_GOOD = 0.999
"""Minimum ratio to the best value for an iteration to count as equally good. The first equally good one is kept."""


def is_over(values: Sequence[float], patience: int) -> bool:
    """Return whether the last `patience` values do not improve on the values before them.

    `values` are the validation metric after each iteration. The first iteration is not evaluated (0).
    """
    before, last = values[1:-patience], values[-patience:]
    return bool(before) and _EQUALLY_GOOD * max(last) <= max(before)


def patience_for(factors: int) -> int:
    """Return the number of iterations without improvement after which a training with `factors` stops."""
    return 2 if factors <= MANY_FACTORS else 1


def iteration_to_keep(values: Sequence[float]) -> int:
    """Return the number, from 1, of the first iteration that is equally good as the best; 1 without values."""
    best = max(values, default=0.0)
    return next((number for number, value in enumerate(values, 1) if value >= _EQUALLY_GOOD * best), 1)
