"""Sources of items for users without history, and for slots that the model cannot fill: popular items."""

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.demand import DemandRule, demand
from als_cli.arrays import BoolArray, Float32Array, Float64Array, Int32Array
from als_cli.config.recommend import FallbackName
from als_cli.dataset.interactions import Interactions
from als_cli.errors import ArtifactError
from als_cli.ranking.item_demand import ModelItems
from als_cli.ranking.rules.fill import RankedItems, SourceScores
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.trained_model import TrainedModel

_HALF_LIFE = timedelta(days=7)


class Fallback:
    """The popular items of all users and of segments, by the item rows of a model."""

    def __init__(
        self,
        interactions: Interactions,
        items: ModelItems,
        model: TrainedModel,
        rules: ListRules,
        rule: DemandRule,
    ) -> None:
        """Take the events from `interactions`, and the half-life from `rules`, or else from the demand `rule`.

        Raises
        ------
        ArtifactError
            `recent_popular` needs times, but the dataset has none.
        """
        self._interactions, self._items, self._model, self._rules = interactions, items, model, rules
        half_life = rules.recent_half_life or _HALF_LIFE
        if rules.recent_half_life is None and rule.exponent and rule.half_life is not None:
            half_life = timedelta(seconds=rule.half_life)
        self._half_life = half_life.total_seconds()
        if "recent_popular" in rules.fallback and interactions.times is None:
            raise ArtifactError(
                "recommend.fallback recent_popular needs times, but the dataset has events without timestamps",
                hint="set events.columns.timestamp and run `als ingest`, or use popular",
            )

    def scored(self, name: FallbackName, user_ids: pl.Series) -> tuple[SourceScores, BoolArray]:
        """Return the scores of source `name` for `user_ids` (B,), and which of these users it has items for."""
        if name == "segment_popular":
            codes, segments = self._segment_codes(user_ids), self._segments
            return SourceScores(_indicators(codes, segments.width), segments), codes >= 0
        users = np.ones((len(user_ids), 1), np.float32)
        items = self._popular if name == "popular" else self._recent
        return SourceScores(users, items), np.ones(len(user_ids), bool)

    def _segment_codes(self, user_ids: pl.Series) -> Int32Array:
        assert self._rules.segments is not None  # noqa: S101 - the config requires segments
        return self._rules.segments.of(user_ids)

    @cached_property
    def _popular(self) -> RankedItems:
        counts = self._model.item_interactions.to_numpy().astype(
            np.float32
        )  # exact up to 2^24 users per item
        return RankedItems(counts[:, None], self._rules.allowed)

    @cached_property
    def _recent(self) -> RankedItems:
        users = demand(self._interactions.matrix, self._interactions.times, self._half_life)
        return RankedItems(self._items.take(users).astype(np.float32)[:, None], self._rules.allowed)

    @cached_property
    def _segments(self) -> RankedItems:
        """Users of each item (row) in each segment (column)."""
        codes = self._segment_codes(self._interactions.user_ids)
        matrix, segments = self._interactions.matrix, self._rules.segments
        assert segments is not None  # noqa: S101 - the config requires segments
        # Without segments, no user is a member of the one column.
        members = csr_matrix(_indicators(codes, max(1, len(segments.names))))
        pairs = csr_matrix(
            (np.ones(matrix.nnz, np.float32), matrix.indices, matrix.indptr), shape=matrix.shape
        )
        counts = np.asarray((members.T @ pairs).todense(), np.float64)
        take: Callable[[Float64Array], Float64Array] = self._items.take
        by_item = np.stack([take(counts[segment]) for segment in range(len(counts))], axis=1)
        return RankedItems(by_item.astype(np.float32), self._rules.allowed)


def _indicators(codes: Int32Array, size: int) -> Float32Array:
    """Return rows (B, size) with a one at the column of each of `codes` (B,); rows of -1 are zero."""
    rows = np.zeros((len(codes), size), np.float32)
    known = np.flatnonzero(codes >= 0)
    rows[known, codes[known]] = 1
    return rows
