"""Whether a difference between two methods is more than the luck of which users were evaluated.

Both answers are about the mean, over users, of paired differences: the same users, evaluated on the same test items.

* How large: the percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13). Users are drawn with replacement.
* Whether at all: the sign-flip permutation test. If the methods were interchangeable, each user's difference might as
  well have had the other sign. It tests the very mean that is reported, where Wilcoxon's test would rank the users and
  set aside the many for whom both methods miss.

All columns share their resamples, so a metric's answer does not depend on which others are asked for, but for rounding.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from als_cli.arrays import Float64Array

RESAMPLES = 2000
"""Resamples of the interval, and of the test: the smallest p-value is 1 / 2,001."""
LEVEL = 0.95
"""How often the interval holds the true difference."""
LARGEST_P_VALUE = 0.05
"""A p-value below it excludes a difference of zero."""

Conclusion = Literal["better", "worse", "not clear"]

_CELLS_AT_A_TIME = 1 << 21  # users x resamples: 16 MiB of float64 each for draws, weights and signs
_ROUNDING = 1e-12
"""Two sums of the same differences in another order are equal up to this fraction of the sum of their sizes."""


@dataclass(frozen=True)
class Differences:
    """Paired differences of M figures, each field (M,) float64."""

    mean: Float64Array
    """Mean difference over users."""
    low: Float64Array
    """Lower end of the interval of the mean difference."""
    high: Float64Array
    """Upper end."""
    p_value: Float64Array
    """Two-sided: how often flipped signs give a mean at least as far from zero."""


def conclusion_of(low: float, high: float, p_value: float) -> Conclusion:
    """Return what a comparison says: a difference is clear where interval and test both exclude zero.

    The interval does where both ends, `low` and `high`, are on one side of it; the test does where `p_value` is below
    LARGEST_P_VALUE. Close to the border they may disagree: then the difference is not clear.
    """
    if not p_value < LARGEST_P_VALUE:
        return "not clear"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "not clear"


def compare(
    differences: Float64Array,
    seed: int,
    *,
    resamples: int = RESAMPLES,
    on_resamples: Callable[[int], None] = lambda _resamples: None,
) -> Differences:
    """Return mean, interval and p-value of each column of `differences` (T users, M figures), T at least 1.

    `on_resamples` hears how many resamples of the 2 x `resamples` are done. The same `seed` gives the same bits
    whatever the number of threads. Cost: 2 x `resamples` x T draws, shared by all columns.
    """
    resampling, flipping = np.random.default_rng(seed).spawn(2)
    mean = differences.mean(axis=0)
    as_far = np.zeros(differences.shape[1], dtype=np.int64)
    reached = np.abs(mean) - _ROUNDING * np.abs(differences).mean(axis=0)
    means = np.empty((resamples, differences.shape[1]))
    # One thread: BLAS may divide a sum among its threads, and the last bits would follow their number.
    with threadpool_limits(1, "blas"):
        for block in _blocks(resamples, len(differences)):
            means[block] = _resampled_means(differences, block.stop - block.start, resampling)
            flipped = _flipped_means(differences, block.stop - block.start, flipping)
            as_far += np.count_nonzero(np.abs(flipped) >= reached, axis=0)
            on_resamples(2 * (block.stop - block.start))
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    # The signs as they are count as one of the flips, so that no p-value is zero.
    return Differences(mean, low, high, (as_far + 1) / (resamples + 1))


def _blocks(resamples: int, users: int) -> Iterator[slice]:
    size = max(1, _CELLS_AT_A_TIME // users)
    for start in range(0, resamples, size):
        yield slice(start, min(start + size, resamples))


def _resampled_means(
    differences: Float64Array, resamples: int, generator: np.random.Generator
) -> Float64Array:
    """Return the column means of `resamples` draws of as many users with replacement, (resamples, M)."""
    users = len(differences)
    drawn = generator.integers(users, size=(resamples, users))
    # How often each user is drawn is multinomial; weights turn all draws into one matrix product.
    cells = drawn + users * np.arange(resamples)[:, None]
    weights = np.bincount(cells.ravel(), minlength=resamples * users).reshape(resamples, users)
    return np.asarray(weights.astype(np.float64) @ differences / users)


def _flipped_means(differences: Float64Array, resamples: int, generator: np.random.Generator) -> Float64Array:
    """Return the column means under `resamples` draws of one sign per user, (resamples, M)."""
    users = len(differences)
    signs = 1.0 - 2.0 * generator.integers(2, size=(resamples, users), dtype=np.int8)
    return np.asarray(signs @ differences / users)
