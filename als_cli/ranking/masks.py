"""Masks of the items that may be ranked: seen items are left out, and only candidates are ranked."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float32Array, Int32Array, Int64Array
from als_cli.ranking.kernel_data import PackedLimits
from als_cli.ranking.pairs import Pairs, pairs_of, without


@dataclass(frozen=True)
class Masks:
    """Masks over B users and I items. A stored entry counts, whatever its value."""

    seen: csr_matrix | None = None
    """(B, I) items that are left out."""
    candidates: csr_matrix | None = None
    """(B, I) the only items that are ranked. None means all items."""
    limits: PackedLimits | None = None
    """Limits on groups of items, which the compiled top-N applies."""

    def checked(self, shape: tuple[int, ...], allowed: BoolArray | None) -> "Masks":
        """Return the masks. Raise a ValueError if they or `allowed` (I,) do not fit scores of `shape`."""
        for name, mask in (("seen", self.seen), ("candidates", self.candidates)):
            if mask is not None and mask.shape != shape:
                raise ValueError(f"{name} is {mask.shape}, expected {shape}")
        if allowed is not None and allowed.shape != shape[1:]:
            raise ValueError(f"allowed is {allowed.shape}, expected {shape[1:]}")
        return self

    def of_items(self, columns: Int64Array | None) -> "Masks":
        """Return the masks for the items `columns`; None means all items."""
        if columns is None:
            return self
        seen, candidates = (None if m is None else m[:, columns] for m in (self.seen, self.candidates))
        return Masks(seen, candidates)

    def of_users(self, block: slice) -> "Masks":
        """Return the masks of the users in `block`."""
        seen, candidates = (None if m is None else m[block] for m in (self.seen, self.candidates))
        return Masks(seen, candidates)

    def hides(self, item_row: int, users: int) -> BoolArray:
        """Return for which of the B = `users` users item `item_row` is seen, or is not a candidate: (B,)."""
        hidden = np.zeros(users, bool)
        if self.seen is not None:
            hidden |= _has(self.seen, item_row)
        if self.candidates is not None:
            hidden |= ~_has(self.candidates, item_row)
        return hidden

    def candidate_pairs(self) -> Pairs:
        """Return the pairs of candidates that are not seen. The masks must have candidates."""
        if self.candidates is None:
            raise ValueError("without candidates every item may be ranked")
        pairs = pairs_of(self.candidates)
        return pairs if self.seen is None else without(pairs, self.seen)

    def candidate_counts(self, users: int, allowed: BoolArray) -> Int64Array:
        """Return the number of `allowed` (I,) items that may be ranked for each of B = `users` users: (B,)."""
        weights = allowed.astype(np.float64)
        if self.candidates is not None:
            own = self.candidate_pairs()
            return np.bincount(own.rows, weights[own.columns], users).astype(np.int64)
        total = np.full(users, weights.sum(), np.int64)
        if self.seen is None:
            return total
        seen = pairs_of(self.seen)
        return total - np.bincount(seen.rows, weights[seen.columns], users).astype(np.int64)

    def hide_seen(self, scores: Float32Array) -> Float32Array:
        """Return `scores` (B, I), changed in place: -inf for seen items and for scores that are not finite."""
        scores[~np.isfinite(scores)] = -np.inf
        if self.seen is not None:
            pairs = pairs_of(self.seen)
            scores[pairs.rows, pairs.columns] = -np.inf
        return scores


def with_items(mask: csr_matrix | None, item_rows: Int32Array, items: int) -> csr_matrix | None:
    """Return `mask` (B, I) with the additional entries `item_rows` (B, n), -1 for none; None if there are no entries."""
    item_rows = np.sort(item_rows, axis=1)  # the sum of matrices with sorted indices needs no sort
    filled = item_rows >= 0
    if not filled.any():
        return mask
    indptr = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
    added = csr_matrix(
        (np.ones(indptr[-1], np.float32), item_rows[filled], indptr), shape=(len(item_rows), items)
    )
    return added if mask is None else either(mask, added)


def either(first: csr_matrix, second: csr_matrix) -> csr_matrix:
    """Return the mask of all pairs that `first` or `second` (B, I) has, with sorted indices."""
    pairs: csr_matrix = (_marks(first) + _marks(second)).tocsr()
    pairs.sort_indices()
    return pairs


def both(first: csr_matrix, second: csr_matrix) -> csr_matrix:
    """Return the mask of all pairs that `first` and `second` (B, I) have, with sorted indices."""
    pairs: csr_matrix = _marks(first).multiply(_marks(second)).tocsr()
    pairs.sort_indices()
    return pairs


def _marks(mask: csr_matrix) -> csr_matrix:
    # A stored zero marks a pair too, and a sum must not cancel.
    return csr_matrix((np.ones(mask.nnz, np.float32), mask.indices, mask.indptr), shape=mask.shape)


def _has(mask: csr_matrix, item_row: int) -> BoolArray:
    """Return whether each row of `mask` has an entry for item `item_row`."""
    has = np.zeros(mask.shape[0], bool)
    entries = np.flatnonzero(mask.indices == item_row)
    has[np.searchsorted(mask.indptr, entries, side="right") - 1] = True
    return has
