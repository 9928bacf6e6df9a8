"""Tables of the lists of a block of users: one row per slot, one row per user, and the shortfall."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from als_cli.arrays import BoolArray, Int8Array
from als_cli.ranking.reasons import Reasons
from als_cli.ranking.top_n import TopN

SOURCES = ("als", "fold_in", "segment_popular", "recent_popular", "popular", "pinned", "promoted", "explore")
"""Sources of a slot: trained factors, factors folded in from the history, popular items, items that a rule chose, and items sampled at random."""
FALLBACK_SOURCES = SOURCES[2:5]
CHOSEN_SOURCES = SOURCES[5:]
NO_SOURCE = -1

NO_HISTORY, TOO_FEW_CANDIDATES = "no_history", "too_few_candidates"
LIMITS, MINIMUM_SCORE, NOT_ALLOWED = "limits", "minimum_score", "not_allowed"


@dataclass(frozen=True)
class UserLists:
    """The lists of B users."""

    user_ids: pl.Series
    """(B,) ids."""
    item_ids: pl.Series
    """(I,) ids by item row."""
    top: TopN
    """(B, n) item rows and scores."""
    sources: Int8Array
    """(B, n) position in SOURCES of the source of each slot, NO_SOURCE for empty slots."""
    reasons: pl.Series
    """(B,) String: why the list is not full. It does not matter for full lists."""
    touched: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Users, slots and items that each rule touched, by the name of the rule."""
    because: Reasons | None = None
    """The reasons of all slots; None if lists have no reasons."""
    wanted: int | None = None
    """Items asked for, possibly more than there are candidates. None means n."""

    @property
    def main_sources(self) -> Int8Array:
        """(B,) position in SOURCES of the source of each list: that of its first slot that no rule chose, or else of its first slot."""
        chosen = np.isin(self.sources, [SOURCES.index(name) for name in CHOSEN_SOURCES])
        first = np.argmax(self.top.filled & ~chosen, axis=1)
        return np.asarray(self.sources[np.arange(len(first)), first], np.int8)

    @property
    def by_model(self) -> BoolArray:
        """(B, n) whether the model filled the slot."""
        return np.asarray(np.isin(self.sources, [SOURCES.index(name) for name in ("als", "fold_in")]), bool)

    def rows(self) -> pl.DataFrame:
        """Return user_id, rank (Int32, from 1), item_id, score (Float32), source, and the reasons if there are any: one row per filled slot."""
        users, slots = np.nonzero(self.top.filled)
        because = {} if self.because is None else self.because.columns(self.top.filled, self.item_ids)
        return pl.DataFrame(
            {
                "user_id": self.user_ids.gather(users),
                "rank": pl.Series(slots + 1, dtype=pl.Int32),
                "item_id": self.item_ids.gather(self.top.item_rows[users, slots]),
                "score": pl.Series(self.top.scores[users, slots], dtype=pl.Float32),
                "source": pl.Series(SOURCES).gather(self.sources[users, slots].astype(np.uint32)),
                **because,
            }
        )

    def lists(self) -> pl.DataFrame:
        """Return user_id, item_ids, scores, sources and reasons (lists, by rank): one row per user with a list."""
        return (
            self.rows()
            .group_by("user_id", maintain_order=True)
            .agg(
                pl.col("item_id").alias("item_ids"),
                pl.col("score").alias("scores"),
                pl.col("source").alias("sources"),
                *([] if self.because is None else [pl.col("because"), pl.col("because_shares")]),
            )
        )

    def shortfall(self) -> pl.DataFrame:
        """Return user_id, rows, wanted, reason: one row per user whose list is not full (:func:`shortfall_schema`)."""
        wanted = self.wanted or self.top.item_rows.shape[1]
        counts = pl.DataFrame(
            {
                "user_id": self.user_ids,
                "rows": pl.Series(self.top.filled.sum(axis=1), dtype=pl.Int32),
                "wanted": pl.repeat(wanted, len(self.user_ids), dtype=pl.Int32, eager=True),
                "reason": self.reasons,
            }
        )
        return counts.filter(pl.col("rows") < wanted)


def output_schema(
    layout: str, user_type: pl.DataType, item_type: pl.DataType, *, because: bool = False
) -> pl.Schema:
    """Return the columns of :meth:`UserLists.rows` (layout `rows`) or :meth:`UserLists.lists` (layout `lists`)."""
    columns: dict[str, pl.DataType] = {
        "user_id": user_type,
        "rank": pl.Int32(),
        "item_id": item_type,
        "score": pl.Float32(),
        "source": pl.String(),
    }
    if layout == "lists":
        columns = {
            "user_id": user_type,
            "item_ids": pl.List(item_type),
            "scores": pl.List(pl.Float32()),
            "sources": pl.List(pl.String()),
        }
    if because:
        reasons = {"because": pl.List(item_type), "because_shares": pl.List(pl.Float32())}
        columns |= {name: pl.List(kind) if layout == "lists" else kind for name, kind in reasons.items()}
    return pl.Schema(columns)


def shortfall_schema(user_type: pl.DataType) -> pl.Schema:
    """Return the columns of :meth:`UserLists.shortfall`."""
    return pl.Schema({"user_id": user_type, "rows": pl.Int32(), "wanted": pl.Int32(), "reason": pl.String()})
