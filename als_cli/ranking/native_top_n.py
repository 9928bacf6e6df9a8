"""The n best items of each user, compiled. The lists are bit-identical to `top_n`, and computed many times faster.

Items are sorted by decreasing norm of their factors, so that high scores come first. |x| |y| bounds the score. Once
the bound is below the n-th best score, all later items are skipped, and the result stays exact.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.threads import Workers, available_threads
from als_cli.arrays import BoolArray, Float32Array
from als_cli.ranking.kernel_data import (
    PANEL,
    CandidateRows,
    PackedAudience,
    PackedItems,
    PackedLists,
    PackedUsers,
    frozen,
    packed_limits,
    scratch_for,
)
from als_cli.ranking.kernel_entries import rank_candidates, rank_users
from als_cli.ranking.masks import Masks
from als_cli.ranking.top_n import TopN, check_factors, norms

_USERS_TOGETHER = 256
_NO_MASKS = Masks()
_NO_LIMITS = packed_limits(np.empty((0, 0), np.int32), np.empty((0, 0), np.int32), exchanges=False)
_ROUND_UP = 1 + 2.0**-20


@dataclass(frozen=True)
class ItemIndex:
    """The items in the layout for ranking. Build the index once for many blocks of users."""

    shape: tuple[int, int]
    """(I, f)."""
    catalogue: PackedItems

    def factors(self) -> Float32Array:
        """Return a copy of the factors (I, f), zeros for rows that are not in the index."""
        rows, order = np.zeros(self.shape, np.float32), self.catalogue.order
        rows[order] = self.catalogue.factors.reshape(-1, self.shape[1])[: len(order)]
        return rows


def item_index(item_factors: Float32Array, allowed: BoolArray | None = None) -> ItemIndex:
    """Return the index of the `allowed` (I,) rows of `item_factors` (I, f). It holds two copies of these rows."""
    if allowed is not None and allowed.shape != (len(item_factors),):
        raise ValueError(f"allowed is {allowed.shape}, expected {(len(item_factors),)}")
    items = np.ascontiguousarray(item_factors, np.float32)
    lengths = _lengths(items)
    columns = np.arange(len(items)) if allowed is None else np.flatnonzero(allowed)
    order = columns[np.argsort(-lengths[columns], kind="stable")].astype(np.int32)
    panels = -(-len(order) // PANEL)
    laid_out = np.zeros((panels * PANEL, items.shape[1]), np.float32)
    laid_out[: len(order)] = items[order]
    positions = np.full(len(items), -1, np.int32)
    positions[order] = np.arange(len(order), dtype=np.int32)
    by_factor = laid_out.reshape(panels, PANEL, items.shape[1]).transpose(0, 2, 1)
    catalogue = PackedItems(
        frozen(laid_out.reshape(-1)),
        frozen(np.ascontiguousarray(by_factor).reshape(-1)),
        frozen(lengths[order[::PANEL]]),
        frozen(order),
        frozen(positions),
    )
    return ItemIndex((len(items), items.shape[1]), catalogue)


def top_n_of(
    index: ItemIndex,
    user_factors: Float32Array,
    n: int,
    masks: Masks = _NO_MASKS,
    *,
    threads: int | None = None,
) -> TopN:
    """Return the `n` best items of `index` for each user, (B, n); masks and ties as in :func:`als_cli.ranking.top_n.top_n`.

    The result does not depend on the number of `threads` (None means all) or on the blocks of users.

    Raises
    ------
    ValueError
        `n` is below 1, or the shapes do not fit.
    """
    check_factors(user_factors.shape[1], index.shape[1])
    users = len(user_factors)
    masks.checked((users, index.shape[0]), None)
    top = TopN.unfilled(users, n)
    lists = PackedLists(top.item_rows, top.scores, np.zeros(users, np.int64))
    work = _ranking(index, _audience(user_factors, masks), masks.candidates, lists)
    with Workers(available_threads() if threads is None else threads) as workers:
        workers.map(work, range(0, users, _USERS_TOGETHER))
    return top


def warm_up() -> None:
    """Load the kernels, and compile them if they are not cached. Call it in a thread while data loads."""
    rank_users.load()


def _ranking(
    index: ItemIndex,
    audience: PackedAudience,
    candidates: csr_matrix | None,
    lists: PackedLists,
) -> Callable[[int], None]:
    """Return the function that fills the lists of _USERS_TOGETHER users from a given user on."""
    users = len(lists.filled)
    if candidates is None:

        def rank(first: int) -> None:
            end = min(first + _USERS_TOGETHER, users)
            scratch = scratch_for(end - first, index.shape[1])
            rank_users(first, end, audience, index.catalogue, lists, scratch)

        return rank
    own = CandidateRows(
        frozen(candidates.indptr.astype(np.int64)), frozen(candidates.indices.astype(np.int32))
    )
    return lambda first: rank_candidates(
        first, min(first + _USERS_TOGETHER, users), audience, index.catalogue, lists, own
    )


def _audience(user_factors: Float32Array, masks: Masks) -> PackedAudience:
    seen, users = masks.seen, np.ascontiguousarray(user_factors, np.float32)
    if seen is None:
        indptr, indices = np.zeros(len(users) + 1, np.int64), np.empty(0, np.int32)
    else:
        ordered = seen if seen.has_sorted_indices else seen.sorted_indices()
        indptr, indices = ordered.indptr.astype(np.int64), ordered.indices.astype(np.int32)
    packed = PackedUsers(frozen(users.reshape(-1)), frozen(_lengths(users)), frozen(indptr), frozen(indices))
    return PackedAudience(packed, masks.limits or _NO_LIMITS)


def _lengths(factors: Float32Array) -> Float32Array:
    """Return the norm of each row, float32, rounded up; infinity for rows that are not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths: Float32Array = (norms(factors) * _ROUND_UP).astype(np.float32)
    lengths[~np.isfinite(lengths)] = np.inf
    return lengths
