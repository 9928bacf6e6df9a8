"""Demand of items: how a model ranks the items that users want now above the items that they wanted in the past.

The score of user u and item i is s_ui = g_i (o + x_u.y_i). The weight g_i = (epsilon + d_i)^gamma / (c + l_i)^delta
depends on the recent demand d_i and the long-run demand l_i (docs/decisions/0016). The score is linear in the user
factors, so weighted item factors and one more dimension give it to every top-N kernel.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.confidence import interactions_per_item
from als_cli.arrays import Float32Array, Float64Array

_EPSILON = 1e-3
"""Recent demand of an item without recent events: one user whose newest event is about ten half-lives old."""
_LONG_RUN_BASE = 1.0
"""Long-run demand of an item without users. It keeps the weight of items with one or two users near that of others."""
_MICROSECONDS = 1e6
_PAIRS_AT_A_TIME = 1 << 20
"""24 MiB of float64: memory does not grow with the number of pairs."""


@dataclass(frozen=True)
class DemandRule:
    """How demand changes the ranking. The default does not change it."""

    half_life: float | None = None
    """Half-life of recent demand in seconds; None: infinite, so all users of an item count the same."""
    exponent: float = 0.0
    """gamma: weight of the recent demand."""
    long_run_half_life: float | None = None
    """Half-life of long-run demand in seconds; None: infinite."""
    long_run_exponent: float = 0.0
    """delta: reduction by the long-run demand."""
    offset: float = 0.0
    """o: score of every item before weighting. The larger it is, the less lists differ between users."""

    @property
    def is_neutral(self) -> bool:
        """Whether all items have the same weight."""
        return self.exponent == 0.0 and self.long_run_exponent == 0.0

    @property
    def needs_times(self) -> bool:
        """Whether the rule depends on the times of events."""
        recent = self.exponent != 0.0 and self.half_life is not None
        return recent or (self.long_run_exponent != 0.0 and self.long_run_half_life is not None)

    def to_json(self) -> dict[str, Any]:
        """Return the rule as JSON values."""
        return asdict(self)


def demand(strength: csr_matrix, times: csr_matrix | None, half_life: float | None) -> Float64Array:
    """Return the decayed number of users of each item (column) of `strength` (B, I): (I,) float64.

    A user counts 2^(-age / `half_life`). The age is the time in seconds between the newest event of the user with the
    item and the newest event of all users; `times` (B, I) has it in microseconds, with the sparsity of `strength`.
    Ratios between items therefore do not depend on the time of the computation, and never become zero by its delay.

    Raises
    ------
    ValueError
        `half_life` is given without `times`.
    """
    if half_life is None:
        return interactions_per_item(strength).astype(np.float64)
    if times is None:
        raise ValueError("a finite half-life needs times")
    if times.nnz == 0:
        return np.zeros(strength.shape[1])
    newest, users = times.data.max(), np.zeros(strength.shape[1])
    for start in range(0, times.nnz, _PAIRS_AT_A_TIME):
        pairs = slice(start, start + _PAIRS_AT_A_TIME)
        ages = (newest - times.data[pairs]) / _MICROSECONDS
        with np.errstate(over="ignore", under="ignore"):
            counts = np.exp2(-ages / half_life)
        users += np.bincount(times.indices[pairs], counts, minlength=len(users))
    return users


def item_weights(rule: DemandRule, recent: Float64Array, long_run: Float64Array) -> Float32Array:
    """Return the weight g_i of each item under `rule`, divided by the maximum weight: (I,) float32 in [0, 1].

    `recent` and `long_run` (I,) are the demand of the items with the two half-lives of `rule`.
    """
    logarithms = rule.exponent * np.log(_EPSILON + recent) - rule.long_run_exponent * np.log(
        _LONG_RUN_BASE + long_run
    )
    weights: Float32Array = np.exp(logarithms - logarithms.max(initial=-np.inf)).astype(np.float32)
    return weights


def recent_and_long_run(
    rule: DemandRule, strength: csr_matrix, times: csr_matrix | None
) -> tuple[Float64Array, Float64Array]:
    """Return the recent and the long-run demand of each item that :func:`item_weights` takes: (I,) float64 each.

    Raises
    ------
    ValueError
        `rule` needs `times`, but they are None.
    """
    recent = demand(strength, times, rule.half_life if rule.exponent else None)
    return recent, demand(strength, times, rule.long_run_half_life if rule.long_run_exponent else None)


def weights_of(rule: DemandRule, strength: csr_matrix, times: csr_matrix | None) -> Float32Array | None:
    """Return the weight of each item from the pairs `strength` (B, I) and their `times`; None if `rule` is neutral.

    Raises
    ------
    ValueError
        `rule` needs `times`, but they are None.
    """
    if rule.is_neutral:
        return None
    return item_weights(rule, *recent_and_long_run(rule, strength, times))


def weighted_items(items: Float32Array, weights: Float32Array | None, offset: float) -> Float32Array:
    """Return the rows that rank items `items` (I, f) by g_i (offset + x.y_i) for the users of :func:`with_offset`.

    They are (I, f) without an offset and (I, f + 1) with one. `weights` None means that all weights are equal.
    """
    if weights is None:
        return items
    factors = items.shape[1]
    weighted = np.empty((len(items), factors + bool(offset)), np.float32)
    np.multiply(items, weights[:, None], out=weighted[:, :factors])
    if offset:
        weighted[:, factors] = np.float32(offset / _user_column(offset)) * weights
    return weighted


def with_offset(users: Float32Array, weights: Float32Array | None, offset: float) -> Float32Array:
    """Return `users` (B, f), with a last column of one number if :func:`weighted_items` adds a column."""
    if weights is None or not offset:
        return users
    column = np.full((len(users), 1), _user_column(offset), np.float32)
    return np.concatenate([users, column], axis=1)


def _user_column(offset: float) -> float:
    """Return the value of the last column of the users. Its product with the column of the items is g_i o.

    It is near the root of `offset`, so that both columns are small beside the factors, or large. The top-N kernel skips
    items by |x| |y|, and a one beside small factors would hide their order. A power of two does not change any score.
    """
    return float(2.0 ** round(math.log2(offset) / 2))
