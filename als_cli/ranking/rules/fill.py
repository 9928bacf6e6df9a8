"""Filling of lists under limits: exact, in as few rankings as the limits need.

The lists are those of going through all items in order of score. A ranking gives the next items in this order. An item
that a limit does not allow is never allowed later, so its group is closed to the next ranking, which goes on with the
items of other groups. Each ranking after the first therefore adds an item to each list, or shows that there are no more.

The first ranking also gives items of closed groups, which are left out afterwards. Ranking without limits takes less
time, and few lists need another one.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float32Array, Int32Array, Int64Array
from als_cli.ranking.kernel_data import PackedLists, PackedOffers, frozen
from als_cli.ranking.masks import Masks, with_items
from als_cli.ranking.native_top_n import ItemIndex, item_index, top_n_of
from als_cli.ranking.pairs import Pairs, score_pairs
from als_cli.ranking.rules.limits import LimitState, ListLimits
from als_cli.ranking.rules.selectors import IN_ORDER, Selector, Turn
from als_cli.ranking.top_n import TopN, top_n


class RankedItems:
    """Items in the order of their score, for users with factors."""

    def __init__(self, factors: Float32Array, allowed: BoolArray | None = None) -> None:
        """Rank the `allowed` (I,) items by their `factors` (I, f)."""
        self.factors = factors
        """(I, f)."""
        self._allowed = allowed
        self._only: dict[str, RankedItems] = {}

    @property
    def width(self) -> int:
        """The number of factors f."""
        return int(self.factors.shape[1])

    @property
    def count(self) -> int:
        """The number of items I."""
        return len(self.factors)

    @cached_property
    def _index(self) -> ItemIndex:
        return item_index(self.factors, self._allowed)

    def only(self, rule: str, item_rows: Int32Array) -> "RankedItems":
        """Return the items that are allowed and among `item_rows`, which `rule` chooses; they are kept by this name."""
        if rule not in self._only:
            chosen = np.zeros(self.count, bool)
            chosen[item_rows] = True
            allowed = chosen if self._allowed is None else chosen & self._allowed
            self._only[rule] = RankedItems(self.factors, allowed)
        return self._only[rule]

    def ranked(self, item_rows: Int32Array) -> Int32Array:
        """Return `item_rows` with -1 in place of items that are not ranked. -1 stays."""
        if self._allowed is None:
            return item_rows
        is_ranked = item_rows >= 0
        is_ranked[is_ranked] = self._allowed[item_rows[is_ranked]]
        return np.where(is_ranked, item_rows, np.int32(-1))

    def scores(self, users: Float32Array, item_rows: Int32Array) -> Float32Array:
        """Return the scores of `item_rows` (B, k) for `users` (B, f): (B, k)."""
        count, slots = item_rows.shape
        pairs = Pairs(np.repeat(np.arange(count), slots), item_rows.reshape(-1).astype(np.int64))
        return score_pairs(users, self.factors, pairs).reshape(count, slots)

    def best(self, users: Float32Array, n: int, masks: Masks, threads: int) -> TopN:
        """Return the `n` best items for `users` (B, f), (B, n)."""
        if len(users) == 1 and masks.limits is None:  # gives the same list, and compiles no kernel
            return top_n(
                users,
                self.factors,
                n,
                seen=masks.seen,
                candidates=masks.candidates,
                allowed=self._allowed,
            )
        return top_n_of(self._index, users, n, masks, threads=threads)


@dataclass(frozen=True)
class SourceScores:
    """The scores of one source for B users: the dot products of user factors and item factors."""

    users: Float32Array
    """(B, f)."""
    items: RankedItems


class OpenLists:
    """The lists of B users while items are added to them."""

    def __init__(self, limits: ListLimits, masks: Masks, users: int, slots: int, threads: int) -> None:
        """Begin with empty lists of `slots` slots for `users` users, under `limits` and `masks` (B, I)."""
        self._limits, self._masks, self._threads = limits, masks, threads
        self._state = LimitState(limits, users, slots)
        self._chosen = np.empty((users, 0), np.int32)

    def add(
        self,
        scored: SourceScores,
        wanted: Int64Array,
        minimum: float = -np.inf,
        selector: Selector = IN_ORDER,
    ) -> TopN:
        """Add the best items of `scored`, `wanted` (B,) for each user, and return them: (B, maximum of `wanted`).

        Items below `minimum` are not added. `selector` chooses from the best items. A list has fewer than `wanted` items if
        no more items are allowed.
        """
        lists = TopN.unfilled(len(wanted), max(1, int(wanted.max(initial=1))))
        packed = PackedLists(lists.item_rows, lists.scores, np.zeros(len(wanted), np.int64))
        turn = Turn(self._state, packed, wanted, wanted <= 0, self._threads)
        is_first = True
        while not turn.is_done.all():
            users = np.flatnonzero(~turn.is_done)
            free = int((wanted - packed.filled)[users].max())
            offered = self._offered(scored, users, free, lists, selector, is_first=is_first)
            is_first = False
            if selector is IN_ORDER and not self._limits.columns:
                _put_all(lists, users, offered, wanted, minimum)
                break
            selector.take(
                PackedOffers(offered.item_rows, offered.scores, frozen(users), np.float32(minimum)), turn
            )
        self._chosen = np.concatenate([self._chosen, lists.item_rows], axis=1)
        return lists

    def add_item(self, item_row: int, wanted: BoolArray) -> BoolArray:
        """Add item `item_row` to the lists that want it, `wanted` (B,), and may have it. Return these lists, (B,)."""
        is_hidden = self._masks.hides(item_row, len(wanted)) | (self._chosen == item_row).any(axis=1)
        added: BoolArray = wanted & ~is_hidden & self._state.allows(item_row)
        if added.any():
            self._state.take_one(item_row, added)
            self._keep(item_row, np.flatnonzero(added))
        return added

    def _keep(self, item_row: int, users: Int64Array) -> None:
        """Add item `item_row` to the chosen items of `users`, in an empty place if each of them has one."""
        is_empty = self._chosen[users] < 0
        if self._chosen.shape[1] and is_empty.any(axis=1).all():
            self._chosen[users, is_empty.argmax(axis=1)] = item_row
            return
        column = np.full((len(self._chosen), 1), -1, np.int32)
        column[users] = item_row
        self._chosen = np.concatenate([self._chosen, column], axis=1)

    def _offered(
        self,
        scored: SourceScores,
        users: Int64Array,
        free: int,
        lists: TopN,
        selector: Selector,
        *,
        is_first: bool,
    ) -> TopN:
        """Return the next items for `users` (M,), more than `free` if some may be left out: (M, n)."""
        exchanges = selector is IN_ORDER and self._limits.exchanges
        spare = 0 if exchanges else self._limits.spare(free)
        # Other selectors choose from a pool, in which no place is wasted on items that a limit does not allow.
        is_limited = exchanges or not is_first or selector is not IN_ORDER
        taken = scored.items.ranked(np.concatenate([self._chosen[users], lists.item_rows[users]], axis=1))
        masks = Masks(
            with_items(self._of(self._masks.seen, users), taken, scored.items.count),
            self._of(self._masks.candidates, users),
            self._state.of(users, exchanges=exchanges) if is_limited else None,
        )
        n = max(free + spare, selector.pool)
        return scored.items.best(scored.users[users], n, masks, self._threads)

    def _of(self, mask: csr_matrix | None, users: Int64Array) -> csr_matrix | None:
        return mask if mask is None or len(users) == len(self._chosen) else mask[users]


def _put_all(lists: TopN, users: Int64Array, offered: TopN, wanted: Int64Array, minimum: float) -> None:
    """Put the `offered` items (M, n) of `users` (M,) into `lists`, up to `wanted` (B,) items not below `minimum`."""
    n = offered.item_rows.shape[1]
    kept = (np.arange(n) < wanted[users][:, None]) & (offered.scores >= minimum)
    lists.item_rows[users, :n] = np.where(kept, offered.item_rows, -1)
    lists.scores[users, :n] = np.where(kept, offered.scores, -np.inf)
