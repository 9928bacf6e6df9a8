"""The n best items of each user, exact for any block size and any BLAS. This is the reference implementation.

The stages use `native_top_n`, which gives bit-identical lists and is many times faster.

The score of a pair is its dot product, summed in float64 and rounded to float32. A float32 matrix product finds all
items that may be among the n best. Its rounding error is bounded, so it misses none. Only these items are scored by
the definition and sorted: higher score first, then lower item row. The list of a user therefore depends only on the
user's factors and masks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float32Array, Float64Array, Int32Array, Int64Array
from als_cli.ranking.masks import Masks
from als_cli.ranking.pairs import Pairs, score_pairs

SCORES_AT_A_TIME = 1 << 22
"""16 MiB of float32: scores are still in cache when they are scanned, and memory does not grow with the users."""


@dataclass(frozen=True)
class TopN:
    """The lists of B users, best first."""

    item_rows: Int32Array
    """(B, n) int32, -1 for empty slots."""
    scores: Float32Array
    """(B, n) float32, -inf for empty slots."""

    @property
    def filled(self) -> BoolArray:
        """(B, n), whether a slot has an item. In each list, filled slots come first."""
        return self.item_rows >= 0

    @classmethod
    def unfilled(cls, users: int, n: int) -> "TopN":
        """Return lists of `users` users with `n` empty slots each. Raise a ValueError if `n` is below 1."""
        if n < 1:
            raise ValueError(f"n is {n}, but must be at least 1")
        return cls(np.full((users, n), -1, np.int32), np.full((users, n), -np.inf, np.float32))


def top_n(
    user_factors: Float32Array,
    item_factors: Float32Array,
    n: int,
    *,
    seen: csr_matrix | None = None,
    candidates: csr_matrix | None = None,
    allowed: BoolArray | None = None,
) -> TopN:
    """Return the `n` best items of each user by dot product, (B, n); empty slots as in :class:`TopN`.

    `user_factors` (B, f) and `item_factors` (I, f) are float32. `seen` (B, I) items are left out. Only `candidates`
    (B, I) are ranked. `allowed` (I,) applies to all users. In masks, a stored entry counts, whatever its value. Scores
    that are not finite are not ranked. Cost: one (B, f) x (f, I) product, or the scores of the candidates.

    Raises
    ------
    ValueError
        `n` is below 1, or the shapes do not fit.
    """
    check_factors(user_factors.shape[1], item_factors.shape[1])
    masks = Masks(seen, candidates).checked((len(user_factors), len(item_factors)), allowed)
    columns = None if allowed is None else np.flatnonzero(allowed)
    masks, items = masks.of_items(columns), item_factors if columns is None else item_factors[columns]
    margins = _margins(user_factors, items)
    lists = TopN.unfilled(len(user_factors), n)
    for block in _blocks(len(user_factors), len(items)):
        users, block_masks = user_factors[block], masks.of_users(block)
        if block_masks.candidates is not None:
            pairs = block_masks.candidate_pairs()
        else:
            with np.errstate(invalid="ignore", over="ignore"):
                scores = users @ items.T
            pairs = _survivors(block_masks.hide_seen(scores), n, margins[block])
        _fill(lists, block.start, pairs, score_pairs(users, items, pairs))
    return _with_item_rows(lists, columns)


def top_n_of_scores(
    scores: Float32Array,
    n: int,
    *,
    seen: csr_matrix | None = None,
    candidates: csr_matrix | None = None,
    allowed: BoolArray | None = None,
) -> TopN:
    """Return the `n` best items of each row of `scores` (B, I) float32, which is not changed.

    Masks, tie rule and errors are as in :func:`top_n`.
    """
    masks = Masks(seen, candidates).checked(scores.shape, allowed)
    columns = None if allowed is None else np.flatnonzero(allowed)
    masks = masks.of_items(columns)
    lists = TopN.unfilled(len(scores), n)
    for block in _blocks(*scores.shape):
        block_masks = masks.of_users(block)
        ranked = np.array(scores[block] if columns is None else scores[block][:, columns], np.float32)
        if block_masks.candidates is not None:
            pairs = block_masks.candidate_pairs()
        else:
            pairs = _survivors(block_masks.hide_seen(ranked), n, np.zeros(len(ranked)))
        _fill(lists, block.start, pairs, ranked[pairs.rows, pairs.columns])
    return _with_item_rows(lists, columns)


def check_factors(users: int, items: int) -> None:
    """Raise a ValueError if `users` and `items`, the numbers of factors, differ."""
    if users != items:
        raise ValueError(f"users have {users} factors, but items have {items}")


def norms(factors: Float32Array) -> Float64Array:
    """Return the norm of each row of `factors` (R, f), (R,) float64."""
    return np.asarray(np.sqrt(np.einsum("rf,rf->r", factors, factors, dtype=np.float64)))


def _blocks(users: int, items: int) -> Iterator[slice]:
    size = max(1, SCORES_AT_A_TIME // max(1, items))
    for start in range(0, users, size):
        yield slice(start, min(start + size, users))


def _margins(user_factors: Float32Array, item_factors: Float32Array) -> Float64Array:
    """Return per user the maximum error in the difference of two float32 scores, (B,) float64.

    A dot product of length f, in any summation order, is off by at most gamma_f |x| |y|, gamma_f = f u / (1 - f u),
    u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). The factor 2 is for the two
    scores that are compared. u is doubled to cover the rounding of the final score and of the cut. The last term covers
    underflow.
    """
    f = user_factors.shape[1]
    gamma = (f + 2) * 2.0**-23 / (1 - (f + 2) * 2.0**-23)
    lengths = norms(item_factors)
    longest = float(lengths.max(initial=0.0, where=np.isfinite(lengths)))
    own = norms(user_factors)
    return np.where(own > 0, 2 * gamma * own * longest + f * float(np.finfo(np.float32).tiny), 0.0)


def _survivors(scores: Float32Array, n: int, margins: Float64Array) -> Pairs:
    """Return the pairs whose score is at most the margin of the row below the n-th best score of the row."""
    items = scores.shape[1]
    keep = scores > -np.inf
    if n < items:
        cut = np.partition(scores, items - n, axis=1)[:, items - n]
        lowest = np.nextafter((cut - margins).astype(np.float32), np.float32(-np.inf))
        keep &= scores >= np.where(margins > 0, lowest, cut)[:, None]
        _thin_ties(keep, scores, n, np.flatnonzero((margins == 0) & (keep.sum(axis=1) > n)))
    rows, columns = np.nonzero(keep)
    return Pairs(rows, columns)


def _thin_ties(keep: BoolArray, scores: Float32Array, n: int, rows: Int64Array) -> None:
    """Keep, in place, n items in each of `rows`, whose scores are exact: of ties at the cut, the lowest item rows."""
    for row in rows:
        kept = np.flatnonzero(keep[row])
        cut = scores[row, kept].min()
        tied = kept[scores[row, kept] == cut]
        keep[row, tied[n - (len(kept) - len(tied)) :]] = False


def _fill(lists: TopN, first_user: int, pairs: Pairs, scores: Float32Array) -> None:
    """Write the best of `pairs`, in order, into the lists of their users; `first_user` is the first user of the block."""
    finite = np.flatnonzero(np.isfinite(scores))
    order = finite[np.lexsort((pairs.columns[finite], -scores[finite], pairs.rows[finite]))]
    rows = pairs.rows[order]
    ranks = np.arange(len(rows)) - np.searchsorted(rows, rows, side="left")
    best = ranks < lists.item_rows.shape[1]
    slots = (first_user + rows[best], ranks[best])
    lists.item_rows[slots] = pairs.columns[order[best]]
    lists.scores[slots] = scores[order[best]]


def _with_item_rows(lists: TopN, columns: Int64Array | None) -> TopN:
    # Converts positions among the allowed items to item rows. Both are ascending, so the tie rule holds.
    if columns is None:
        return lists
    rows = np.append(columns, -1).astype(np.int32)[lists.item_rows]
    return TopN(rows, lists.scores)
