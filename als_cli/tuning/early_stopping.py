"""Early stopping of a training of `auto`, and the selection of its number of iterations."""

from collections.abc import Sequence

EVALUATED_ITERATIONS = (2, 3, 4, 6, 8, 10, 12)
"""Iterations after which the validation metric is computed. The last one is the maximum."""
FEW_FACTORS = 128
"""With more factors, training stops after one evaluation without improvement, because each iteration takes long."""
MANY_FACTORS = 256
"""With more factors, the number of iterations is that of the trial with fewer factors."""
_FIRST = 2
"""Number of evaluations before a training may be stopped for being behind another one."""
_EQUALLY_GOOD = 0.999
"""Minimum ratio to the best value for an iteration to count as equally good. The first equally good one is kept."""


def is_behind(values: Sequence[float], best: float) -> bool:
    """Return whether the metric will not reach `best`, even if it improves by twice its last improvement."""
    return len(values) > _FIRST and values[-1] + 2 * max(0.0, values[-1] - values[-2]) < best


def is_over(values: Sequence[float], patience: int) -> bool:
    """Return whether the last `patience` values of the metric do not improve on the values before them."""
    before, last = values[:-patience], values[-patience:]
    return bool(before) and _EQUALLY_GOOD * max(last) <= max(before)


def patience_for(factors: int) -> int:
    """Return the number of evaluations without improvement after which a training with `factors` stops."""
    return 2 if factors <= FEW_FACTORS else 1


def iteration_to_keep(values: Sequence[tuple[int, float]]) -> int:
    """Return the first iteration that is equally good as the best, from pairs of iteration and value."""
    best = max(value for _, value in values)
    return next(number for number, value in values if value >= _EQUALLY_GOOD * best)
