"""Comparison of two publications of lists, block by block of users."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from als_cli.arrays import Float64Array
from als_cli.evaluation.list_comparison_report import (
    ComparedUsers,
    DriftReport,
    ItemMove,
    ListChurn,
    ListComparison,
    MovedItems,
    SourceMove,
    Spread,
)
from als_cli.evaluation.list_overlap import PERSISTENCE, Overlap, is_reordered, overlap
from als_cli.evaluation.list_tables import ListTable, same_types, user_ranges

QUANTILES = {"p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}
MOST_MOVED = 5
"""Number of items in the report that gained, and that lost, the most users."""
DRIFT_PAIRS = 20_000_000
"""Maximum number of pairs that the quantiles of the score drift are computed from."""


@dataclass
class _Sums:
    """What is known after some blocks."""

    drift_users: int
    """Every n-th user counts for the quantiles of the score drift."""
    users: list[pl.DataFrame] = field(default_factory=list)
    items: pl.DataFrame | None = None
    sources: pl.DataFrame | None = None
    drift: list[Float64Array] = field(default_factory=list)
    seen_users: int = 0

    def add(self, block: Overlap) -> None:
        """Add the figures of the users of one block."""
        both = block.users.filter((pl.col("old") > 0) & (pl.col("new") > 0))
        self.items = _added(self.items, _items_of(block, both), "item_id")
        self.sources = _added(self.sources, _sources_of(block), "source")
        numbered = both.with_row_index("number", offset=self.seen_users)
        self.seen_users += both.height
        counted = numbered.filter(pl.col("number") % self.drift_users == 0)
        pairs = block.pairs if self.drift_users == 1 else block.pairs.join(counted, on="user_id", how="semi")
        drift = (pairs["score_new"] - pairs["score"]).drop_nulls().drop_nans()
        self.drift.append(drift.to_numpy().astype(np.float32))
        self.users.append(block.users.drop("user_id"))


def compare_lists(
    old: ListTable,
    new: ListTable,
    on_block: Callable[[Overlap], None] = lambda _block: None,
    rows_per_block: int | None = None,
) -> ListComparison:
    """Return the figures of the lists `new` beside the lists `old`; `on_block` gets each block, sorted by user.

    The memory depends on `rows_per_block` (default: that of the tables) and on the number of users and items, not on the number of slots.

    Raises
    ------
    DataError
        The lists cannot be read, or a user has an item or a rank twice.
    """
    old, new = same_types(old, new)
    counts = pl.concat([old.counts(), new.counts()]).group_by("user_id").agg(pl.col("slots").sum())
    pairs = int(counts["slots"].cast(pl.Int64).sum()) // 2
    sums = _Sums(drift_users=1 + pairs // DRIFT_PAIRS)
    size = rows_per_block or max(old.rows_per_block, new.rows_per_block)
    for users in user_ranges(counts.sort("user_id"), size):
        block = overlap(old.rows(users), new.rows(users))
        sums.add(block)
        on_block(block)
    return _comparison(sums)


def _comparison(sums: _Sums) -> ListComparison:
    users = pl.concat(sums.users)
    both = users.filter((pl.col("old") > 0) & (pl.col("new") > 0))
    items, sources = sums.items, sums.sources
    if items is None or sources is None:
        raise ValueError("there is no block")
    changed = both.filter(is_reordered()).height
    other_items = both.filter((pl.col("common") < pl.col("old")) | (pl.col("common") < pl.col("new"))).height
    return ListComparison(
        users=ComparedUsers(
            in_both=both.height,
            only_old=users.filter(pl.col("new") == 0).height,
            only_new=users.filter(pl.col("old") == 0).height,
            changed=changed,
            other_items=other_items,
            other_order=changed - other_items,
        ),
        jaccard=_spread(both["jaccard"].to_numpy()),
        rbo=_spread(both["rbo"].to_numpy()),
        persistence=PERSISTENCE,
        items=_moves(items, both),
        score_drift=_drift(np.concatenate(sums.drift), sampled=sums.drift_users > 1),
        sources=_source_moves(sources),
        churn=_churn(users, both, changed),
    )


def _churn(users: pl.DataFrame, both: pl.DataFrame, changed: int) -> ListChurn | None:
    published = users.filter(pl.col("old") > 0).height
    if published == 0:
        return None
    return ListChurn(
        rbo=float(both["rbo"].sum()) / published,
        jaccard=float(both["jaccard"].sum()) / published,
        changed_users=(changed + published - both.height) / published,
    )


def _items_of(block: Overlap, both: pl.DataFrame) -> pl.DataFrame:
    """Return item_id and, over the block: slots of all old and new lists, users of `both` who gained and lost the item."""
    kept = block.pairs.group_by("item_id").agg(pl.len().cast(pl.Int64).alias("kept"))
    sides = kept
    for side, rows in (("old", block.old), ("new", block.new)):
        counted = rows.group_by("item_id").agg(pl.len().cast(pl.Int64).alias(side))
        common = rows.join(both, on="user_id", how="semi") if both.height < block.users.height else rows
        counted_both = common.group_by("item_id").agg(pl.len().cast(pl.Int64).alias(f"{side}_both"))
        for table in (counted, counted_both):
            sides = sides.join(table, on="item_id", how="full", coalesce=True)
    sides = sides.fill_null(0)
    return sides.select(
        "item_id",
        "old",
        "new",
        (pl.col("new_both") - pl.col("kept")).alias("gained"),
        (pl.col("old_both") - pl.col("kept")).alias("lost"),
    )


def _sources_of(block: Overlap) -> pl.DataFrame:
    """Return source and the slots of the old lists, of the new lists, and of the new lists whose item the old list had."""
    kept = block.pairs.group_by(pl.col("source_new").alias("source")).agg(
        pl.len().cast(pl.Int64).alias("kept")
    )
    for side, rows in (("old", block.old), ("new", block.new)):
        counted = rows.group_by("source").agg(pl.len().cast(pl.Int64).alias(side))
        kept = kept.join(counted, on="source", how="full", coalesce=True, nulls_equal=True)
    return kept.with_columns(pl.col("kept", "old", "new").fill_null(0)).select("source", "old", "new", "kept")


def _added(sums: pl.DataFrame | None, block: pl.DataFrame, by: str) -> pl.DataFrame:
    if sums is None:
        return block
    return pl.concat([sums, block]).group_by(by).agg(pl.all().sum())


def _spread(values: Float64Array) -> Spread | None:
    if len(values) == 0:
        return None
    found = np.quantile(values, list(QUANTILES.values()))
    return Spread(mean=float(values.mean()), **dict(zip(QUANTILES, map(float, found), strict=True)))


def _drift(values: Float64Array, *, sampled: bool) -> DriftReport:
    return DriftReport(pairs=len(values), sampled=sampled, spread=_spread(values.astype(np.float64)))


def _moves(items: pl.DataFrame, both: pl.DataFrame) -> MovedItems:
    gained, lost = (int(items[name].sum()) for name in ("gained", "lost"))
    return MovedItems(
        old=items.filter(pl.col("old") > 0).height,
        new=items.filter(pl.col("new") > 0).height,
        only_old=items.filter(pl.col("new") == 0).height,
        only_new=items.filter(pl.col("old") == 0).height,
        slots_old=int(items["old"].sum()),
        slots_new=int(items["new"].sum()),
        slots_gained=gained,
        slots_lost=lost,
        gained_per_user=gained / both.height if both.height else None,
        most_gained=_most(items, "gained"),
        most_lost=_most(items, "lost"),
    )


def _most(items: pl.DataFrame, column: str) -> tuple[ItemMove, ...]:
    """Return the items that the most users gained or lost. Of equal items, the smaller id comes first."""
    moved = (
        items.filter(pl.col(column) > 0).sort(["item_id"]).sort(column, descending=True, maintain_order=True)
    )
    return tuple(
        ItemMove(item_id=item, users=users)
        for item, users in moved.select("item_id", column).head(MOST_MOVED).iter_rows()
    )


def _source_moves(sources: pl.DataFrame) -> tuple[SourceMove, ...]:
    ordered = sources.sort(["new", "source"], descending=[True, False])
    return tuple(SourceMove(**row) for row in ordered.iter_rows(named=True))
