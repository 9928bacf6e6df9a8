"""Filling of lists under limits: exact, in as few rankings as the limits need.

The lists are those of going through all items in order of score. A ranking gives the next items in this order. An item
that a limit does not allow is never allowed later, so its group is closed to the next ranking, which goes on with the
items of other groups. Each ranking therefore adds an item to each list, or shows that there are no more.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Float32Array, Int64Array
from als_cli.ranking.kernel_data import PackedLists, PackedOffers, frozen
from als_cli.ranking.limits import LimitState, ListLimits
from als_cli.ranking.masks import Masks, with_items
from als_cli.ranking.native_top_n import ItemIndex, top_n_of
from als_cli.ranking.top_n import TopN

_SPARE = 4
"""Minimum number of items that a ranking gives beyond the free slots; half as many as these slots if that is more."""


@dataclass(frozen=True)
class Scored:
    """The scores of one source for B users: the dot products of user factors and item factors."""

    users: Float32Array
    """(B, f)."""
    index: ItemIndex


class OpenLists:
    """The lists of B users while items are added to them."""

    def __init__(self, limits: ListLimits, masks: Masks, users: int, slots: int, threads: int) -> None:
        """Begin with empty lists of `slots` slots for `users` users, under `limits` and `masks` (B, I)."""
        self._limits, self._masks, self._threads = limits, masks, threads
        self._state = LimitState(limits, users, slots)
        self._chosen = np.empty((users, 0), np.int32)

    def add(self, scored: Scored, wanted: Int64Array, minimum: float = -np.inf) -> TopN:
        """Add the best items of `scored`, `wanted` (B,) for each user, and return them: (B, maximum of `wanted`).

        Items below `minimum` are not added. A list has fewer than `wanted` items if no more items are allowed.
        """
        lists = TopN.unfilled(len(wanted), max(1, int(wanted.max(initial=1))))
        packed = PackedLists(lists.item_rows, lists.scores, np.zeros(len(wanted), np.int64))
        is_done = wanted <= 0
        while not is_done.all():
            users = np.flatnonzero(~is_done)
            offered = self._offered(scored, users, int((wanted - packed.filled)[users].max()), lists)
            offers = PackedOffers(offered.item_rows, offered.scores, frozen(users), np.float32(minimum))
            self._state.take(offers, packed, wanted, is_done)
        self._chosen = np.concatenate([self._chosen, lists.item_rows], axis=1)
        return lists

    def _offered(self, scored: Scored, users: Int64Array, free: int, lists: TopN) -> TopN:
        """Return the next items for `users` (M,), more than `free` if limits may leave out some: (M, n)."""
        spare = 0 if self._limits.exchanges or not self._limits.columns else max(_SPARE, free // 2)
        taken = np.concatenate([self._chosen[users], lists.item_rows[users]], axis=1)
        masks = Masks(
            with_items(self._of(self._masks.seen, users), taken, scored.index.shape[0]),
            self._of(self._masks.candidates, users),
            self._state.of(users),
        )
        return top_n_of(scored.index, scored.users[users], free + spare, masks, threads=self._threads)

    def _of(self, mask: csr_matrix | None, users: Int64Array) -> csr_matrix | None:
        return mask if mask is None or len(users) == len(self._chosen) else mask[users]
