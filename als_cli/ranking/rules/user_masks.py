"""The items that rules hide from single users: seen items, denied items, items of earlier lists."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import Int32Array
from als_cli.dataset.interactions import Interactions
from als_cli.ranking.item_demand import ModelItems
from als_cli.ranking.masks import Masks, either
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.rules.seen_again import SeenPairs, only_left_out, still_left_out


@dataclass(frozen=True)
class ItemsOfUsers:
    """The items that rules hide from B users, and the only items of each user."""

    hidden: Mapping[str, csr_matrix]
    """(B, I) by the name of the rule: `seen`, `user_deny` and `not_shown`. Two rules may hide the same item."""
    allowed: csr_matrix | None
    """(B, I) the only items by `user_allow`. None means all items."""

    @property
    def masks(self) -> Masks:
        """The masks of all rules together."""
        hidden = reduce(either, self.hidden.values()) if self.hidden else None
        return Masks(hidden, self.allowed)


class UserMasks:
    """Masks of blocks of users, by the item rows of a model."""

    def __init__(
        self,
        interactions: Interactions,
        items: ModelItems,
        rules: ListRules,
        as_of: datetime | None,
        scan_events: Callable[[], pl.LazyFrame] | None = None,
    ) -> None:
        """Hide items by `rules`; ages count back from `as_of` (default: the newest event of `interactions`).

        `scan_events` gives the clean events of `interactions`. It is called only if types of events count.

        Raises
        ------
        ArtifactError
            Seen items may come again after some time, but the dataset has events without timestamps, or not the types
            of the events.
        """
        self._items, self._rules = items, rules
        self._left_out: csr_matrix | None = None
        if rules.exclude_seen and rules.seen_again_after is not None:
            seen = SeenPairs(
                interactions.matrix,
                interactions.user_ids,
                interactions.item_ids,
                interactions.times,
                scan_events,
            )
            self._left_out = still_left_out(seen, rules.seen_again_after, as_of or interactions.newest)

    def of(self, user_ids: pl.Series, dataset_rows: Int32Array, history: csr_matrix) -> ItemsOfUsers:
        """Return the items of `user_ids` (B,), whose rows in the dataset and `history` (B, I) are given."""
        rules = self._rules
        hidden = {"seen": self._seen(dataset_rows, history)} if rules.exclude_seen else {}
        for name, items in (("user_deny", rules.user_deny), ("not_shown", rules.shown)):
            if items is not None:
                hidden[name] = items.of(user_ids)
        allow = rules.user_allow
        return ItemsOfUsers(hidden, None if allow is None else allow.of(user_ids))

    def _seen(self, dataset_rows: Int32Array, history: csr_matrix) -> csr_matrix:
        if self._left_out is None:
            return history
        return only_left_out(self._items.histories(self._left_out, dataset_rows))
