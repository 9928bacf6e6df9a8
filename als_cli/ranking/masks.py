"""Masks of the items that may be ranked: seen items are left out, and only candidates are ranked."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float32Array, Int64Array
from als_cli.ranking.pairs import Pairs, pairs_of, without


@dataclass(frozen=True)
class Masks:
    """Masks over B users and I items. A stored entry counts, whatever its value."""

    seen: csr_matrix | None
    """(B, I) items that are left out."""
    candidates: csr_matrix | None
    """(B, I) the only items that are ranked. None means all items."""

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
        return Masks(*(None if mask is None else mask[:, columns] for mask in (self.seen, self.candidates)))

    def of_users(self, block: slice) -> "Masks":
        """Return the masks of the users in `block`."""
        return Masks(*(None if mask is None else mask[block] for mask in (self.seen, self.candidates)))

    def candidate_pairs(self) -> Pairs:
        """Return the pairs of candidates that are not seen. The masks must have candidates."""
        if self.candidates is None:
            raise ValueError("without candidates every item may be ranked")
        pairs = pairs_of(self.candidates)
        return pairs if self.seen is None else without(pairs, self.seen)

    def hide_seen(self, scores: Float32Array) -> Float32Array:
        """Return `scores` (B, I), changed in place: -inf for seen items and for scores that are not finite."""
        scores[~np.isfinite(scores)] = -np.inf
        if self.seen is not None:
            pairs = pairs_of(self.seen)
            scores[pairs.rows, pairs.columns] = -np.inf
        return scores
