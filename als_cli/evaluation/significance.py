"""Confidence intervals and p-values of the difference between two methods.

Both are about the mean over users of paired differences: the same users, evaluated on the same test items.

* The interval is the percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13). Users are sampled with
  replacement.
* The p-value is from the sign-flip permutation test. If the methods were interchangeable, the sign of each user's
  difference would be random. The test is about the mean that is reported. Wilcoxon's test would rank the users, and
  ignore the many users for whom both methods miss.

All columns share their resamples. Except for rounding, the result of a metric does not depend on the other metrics.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.threads import blas_limited_to
from als_cli.arrays import Float64Array

RESAMPLES = 2000
"""Number of resamples of the interval, and of sign flips of the test. The minimum p-value is 1 / 2,001."""
LEVEL = 0.95
"""Confidence level of the interval."""
SIGNIFICANCE_LEVEL = 0.05
"""A p-value below it excludes a difference of zero."""

Conclusion = Literal["better", "worse", "not clear"]

CELLS_PER_BLOCK = 1 << 21  # users x resamples: 16 MiB of float64 each for samples, weights and signs
_ROUNDING = 1e-12
"""Maximum rounding error of a sum of differences, as a fraction of the sum of their absolute values."""


@dataclass(frozen=True)
class Differences:
    """Result for M metrics. Each field is (M,) float64."""

    mean: Float64Array
    """Mean difference over users."""
    low: Float64Array
    """Lower end of the interval of the mean difference."""
    high: Float64Array
    """Upper end."""
    p_value: Float64Array
    """Two-sided p-value: the fraction of sign flips whose mean is at least as far from zero."""


def conclusion_of(low: float, high: float, p_value: float) -> Conclusion:
    """Return `better` or `worse` if interval and test both exclude a difference of zero, else `not clear`.

    The interval excludes zero if `low` and `high` are both above it or both below it. The test excludes zero if
    `p_value` is below SIGNIFICANCE_LEVEL. Near the border they can disagree; the difference is then not clear.
    """
    if not p_value < SIGNIFICANCE_LEVEL:
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

    `on_resamples` is called with the number of resamples done, which add up to 2 x `resamples`. The same `seed` gives
    the same bits for any number of threads. Cost: 2 x `resamples` x T random numbers, shared by all columns.
    """
    resampling, flipping = np.random.default_rng(seed).spawn(2)
    mean = differences.mean(axis=0)
    as_far = np.zeros(differences.shape[1], dtype=np.int64)
    reached = np.abs(mean) - _ROUNDING * np.abs(differences).mean(axis=0)
    means = np.empty((resamples, differences.shape[1]))
    # One thread, because the rounding of BLAS depends on the number of threads.
    with blas_limited_to(1):
        for block in _blocks(resamples, len(differences)):
            means[block] = _resampled_means(differences, block.stop - block.start, resampling)
            flipped = _flipped_means(differences, block.stop - block.start, flipping)
            as_far += np.count_nonzero(np.abs(flipped) >= reached, axis=0)
            on_resamples(2 * (block.stop - block.start))
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    # The observed signs count as one of the flips, so that no p-value is zero.
    return Differences(mean, low, high, (as_far + 1) / (resamples + 1))


def resampled_means(
    values: Float64Array | csr_matrix, seed: int, *, resamples: int = RESAMPLES
) -> Float64Array:
    """Return the column means of bootstrap samples of the users, (resamples, M) float64.

    `values` is (T users, M figures), T at least 1. The samples depend on `seed` and T only, so tables with the same
    users can be combined. Cost: `resamples` x T random numbers.
    """
    users, generator = values.shape[0], np.random.default_rng(seed)
    means = np.empty((resamples, values.shape[1]))
    with blas_limited_to(1):
        for block in _blocks(resamples, users):
            means[block] = _resampled_means(values, block.stop - block.start, generator)
    return means


def interval_of(resampled: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return the lower and the upper end of the interval of each column of `resampled`; NaN values are left out."""
    low, high = np.nanquantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def _blocks(resamples: int, users: int) -> Iterator[slice]:
    size = max(1, CELLS_PER_BLOCK // users)
    for start in range(0, resamples, size):
        yield slice(start, min(start + size, resamples))


def _resampled_means(
    differences: Float64Array | csr_matrix, resamples: int, generator: np.random.Generator
) -> Float64Array:
    """Return the column means of `resamples` bootstrap samples of the users, (resamples, M) float64."""
    users = differences.shape[0]
    sampled = generator.integers(users, size=(resamples, users))
    # The number of times that each user is sampled is a weight, so all samples are one matrix product.
    cells = sampled + users * np.arange(resamples)[:, None]
    weights = np.bincount(cells.ravel(), minlength=resamples * users).reshape(resamples, users)
    return np.asarray(weights.astype(np.float64) @ differences / users)


def _flipped_means(differences: Float64Array, resamples: int, generator: np.random.Generator) -> Float64Array:
    """Return the column means for `resamples` random choices of one sign per user, (resamples, M) float64."""
    users = len(differences)
    signs = 1.0 - 2.0 * generator.integers(2, size=(resamples, users), dtype=np.int8)
    return np.asarray(signs @ differences / users)
