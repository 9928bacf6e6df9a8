"""The items that rules hide from single users: seen items, denied items, items of earlier lists."""

from datetime import datetime

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import Int32Array
from als_cli.dataset.interactions import Interactions
from als_cli.errors import ArtifactError
from als_cli.ranking.item_demand import ModelItems
from als_cli.ranking.masks import Masks, either
from als_cli.ranking.rules.list_rules import ListRules


class UserMasks:
    """Masks of blocks of users, by the item rows of a model."""

    def __init__(
        self, interactions: Interactions, items: ModelItems, rules: ListRules, as_of: datetime | None
    ) -> None:
        """Hide items by `rules`; ages count back from `as_of` (default: the newest event of `interactions`).

        Raises
        ------
        ArtifactError
            Seen items may come again after some time, but the dataset has events without timestamps.
        """
        self._interactions, self._items, self._rules = interactions, items, rules
        self._hidden_since: float | None = None
        if rules.exclude_seen and rules.seen_again_after is not None:
            newest = as_of or interactions.newest
            if interactions.times is None or newest is None:
                raise ArtifactError(
                    "recommend.seen_again_after needs times, but the dataset has events without timestamps",
                    hint="set events.columns.timestamp and run `als ingest`",
                )
            self._hidden_since = (newest - rules.seen_again_after).timestamp() * 1e6

    def of(self, user_ids: pl.Series, dataset_rows: Int32Array, history: csr_matrix) -> Masks:
        """Return the masks (B, I) of `user_ids` (B,), whose rows in the dataset and `history` (B, I) are given."""
        hidden = self._seen(dataset_rows, history) if self._rules.exclude_seen else None
        for items in (self._rules.user_deny, self._rules.shown):
            if items is not None:
                denied = items.of(user_ids)
                hidden = denied if hidden is None else either(hidden, denied)
        allow = self._rules.user_allow
        return Masks(hidden, None if allow is None else allow.of(user_ids))

    def _seen(self, dataset_rows: Int32Array, history: csr_matrix) -> csr_matrix:
        if self._hidden_since is None:
            return history
        assert self._interactions.times is not None  # noqa: S101 - checked at the start
        times = self._items.histories(self._interactions.times, dataset_rows)
        kept = times.data > self._hidden_since
        before = np.concatenate([[0], np.cumsum(kept)])
        return csr_matrix(
            (history.data[kept], times.indices[kept], before[times.indptr]), shape=history.shape
        )
