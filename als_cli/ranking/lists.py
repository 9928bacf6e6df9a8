"""Tables of the lists of a block of users: one row per slot, one row per user, and the shortfall."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from als_cli.ranking.top_n import TopN

ALS, FOLD_IN, POPULAR = "als", "fold_in", "popular"
SOURCES = (ALS, FOLD_IN, POPULAR)
"""Sources of a list: trained factors, factors folded in from the history, the popularity list."""

NO_HISTORY, TOO_FEW_CANDIDATES = "no_history", "too_few_candidates"


@dataclass(frozen=True)
class UserLists:
    """The lists of B users."""

    user_ids: pl.Series
    """(B,) ids."""
    item_ids: pl.Series
    """(I,) ids by item row."""
    top: TopN
    """(B, n) item rows and scores."""
    sources: pl.Series
    """(B,) String, one of SOURCES. Null if the user has no history and there is no fallback."""
    wanted: int | None = None
    """Items asked for, possibly more than there are candidates. None means n."""

    def rows(self) -> pl.DataFrame:
        """Return user_id, rank (Int32, from 1), item_id, score (Float32), source: one row per filled slot."""
        users, slots = np.nonzero(self.top.filled)
        return pl.DataFrame(
            {
                "user_id": self.user_ids.gather(users),
                "rank": pl.Series(slots + 1, dtype=pl.Int32),
                "item_id": self.item_ids.gather(self.top.item_rows[users, slots]),
                "score": pl.Series(self.top.scores[users, slots], dtype=pl.Float32),
                "source": self.sources.gather(users),
            }
        )

    def lists(self) -> pl.DataFrame:
        """Return user_id, item_ids, scores (lists, best first), source: one row per user with a list."""
        return (
            self.rows()
            .group_by("user_id", maintain_order=True)
            .agg(
                pl.col("item_id").alias("item_ids"), pl.col("score").alias("scores"), pl.col("source").first()
            )
        )

    def shortfall(self) -> pl.DataFrame:
        """Return user_id, rows, wanted, reason: one row per user whose list is not full (:func:`shortfall_schema`)."""
        wanted = self.wanted or self.top.item_rows.shape[1]
        counts = pl.DataFrame(
            {
                "user_id": self.user_ids,
                "rows": pl.Series(self.top.filled.sum(axis=1), dtype=pl.Int32),
                "source": self.sources,
            }
        )
        reason = (
            pl.when(pl.col("source").is_null()).then(pl.lit(NO_HISTORY)).otherwise(pl.lit(TOO_FEW_CANDIDATES))
        )
        return counts.filter(pl.col("rows") < wanted).select(
            "user_id", "rows", pl.lit(wanted, pl.Int32).alias("wanted"), reason.alias("reason")
        )


def output_schema(layout: str, user_type: pl.DataType, item_type: pl.DataType) -> pl.Schema:
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
            "source": pl.String(),
        }
    return pl.Schema(columns)


def shortfall_schema(user_type: pl.DataType) -> pl.Schema:
    """Return the columns of :meth:`UserLists.shortfall`."""
    return pl.Schema({"user_id": user_type, "rows": pl.Int32(), "wanted": pl.Int32(), "reason": pl.String()})
