"""Maximal marginal relevance, compiled: from offered items, the next item is the best that differs from those before."""

import numpy as np

from als_cli.als.kernels.compiling import inlined, pasted
from als_cli.arrays import BoolArray, Float32Array, Int64Array
from als_cli.ranking.kernel_data import PackedDiversity, PackedLists, PackedOffers, PackedState
from als_cli.ranking.kernel_limits import may_take, take


@inlined
def _cosine(units: Float32Array, size: int, first: int, second: int) -> np.float32:
    total = np.float32(0.0)
    for k in range(size):
        total += units[first * size + k] * units[second * size + k]
    return total


@pasted
def _penalize(diversity: PackedDiversity, offers: PackedOffers, i: int, count: int, chosen: int) -> None:
    """Raise the penalty of each offer of user i to its cosine with item `chosen`."""
    for j in range(count):
        cosine = _cosine(diversity.units, diversity.size, offers.rows[i, j], chosen)
        diversity.penalties[j] = max(diversity.penalties[j], cosine)


@pasted
def _best(diversity: PackedDiversity, offers: PackedOffers, i: int, count: int) -> int:
    """Return the offer of user i with the largest marginal relevance; the first of equal ones, -1 if none is left."""
    best, best_value = -1, np.float32(-np.inf)
    scale = abs(offers.scores[i, 0])
    for j in range(count):
        if diversity.is_taken[j]:
            continue
        relevance = offers.scores[i, j] / scale if scale > 0 else np.float32(0.0)
        penalty = diversity.penalties[j] if diversity.penalties[j] > -2 else np.float32(0.0)
        value = (np.float32(1.0) - diversity.strength) * relevance - diversity.strength * penalty
        if value > best_value:
            best, best_value = j, value
    return best


def take_diverse(
    offers: PackedOffers,
    state: PackedState,
    lists: PackedLists,
    wanted: Int64Array,
    is_done: BoolArray,
    diversity: PackedDiversity,
) -> None:
    """Append offers to the lists as :func:`als_cli.ranking.kernel_offers.take_offers`, in order of marginal relevance."""
    for i in range(offers.users.shape[0]):
        user, count = offers.users[i], 0
        while count < offers.rows.shape[1] and offers.rows[i, count] >= 0:
            if offers.scores[i, count] < offers.minimum:
                break
            diversity.penalties[count], diversity.is_taken[count] = np.float32(-3.0), 0
            count += 1
        for place in range(lists.filled[user]):
            _penalize(diversity, offers, i, count, lists.rows[user, place])
        while lists.filled[user] < wanted[user]:
            best = _best(diversity, offers, i, count)
            if best < 0:
                break
            diversity.is_taken[best] = 1
            row = offers.rows[i, best]
            if may_take(state, user, row):
                take(state, user, row)
                lists.rows[user, lists.filled[user]] = row
                lists.scores[user, lists.filled[user]] = offers.scores[i, best]
                lists.filled[user] += 1
                _penalize(diversity, offers, i, count, row)
        is_done[user] = lists.filled[user] >= wanted[user] or count < offers.rows.shape[1]
