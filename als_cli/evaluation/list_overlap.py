"""Overlap of the old and the new list of each user: Jaccard and rank-biased overlap.

The rank-biased overlap is RBO_EXT of Webber, Moffat & Zobel 2010, "A similarity measure for indefinite rankings", ACM
TOIS 28 (4), equation 32. With the shorter length s, the longer length l, and X(d) items in both lists down to rank d:

    RBO = (1 - p) / p * (sum_{d=1..l} X(d) / d * p^d + sum_{d=s+1..l} X(s) * (d - s) / (s * d) * p^d)
          + ((X(l) - X(s)) / l + X(s) / s) * p^l

An item with the ranks a and b is in X(d) from d = max(a, b) on. So the first sum is a sum over the items in both lists,
of H(l) - H(max(a, b) - 1) with H(n) = sum_{d=1..n} p^d / d.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from als_cli.arrays import Float64Array

PERSISTENCE = 0.9
"""p: with 0.9, the first ten ranks have 86 % of the weight."""
_VALUES = ("score", "source", "because", "because_shares")


@dataclass(frozen=True)
class Overlap:
    """The lists of a block of users, old and new."""

    users: pl.DataFrame
    """user_id, old, new, common, unmoved, equal (Int64: slots of the old list, of the new list, items in both, items with the same rank, slots with all values the same), jaccard, rbo (Float64; null without one of the two lists). Sorted by user_id."""
    pairs: pl.DataFrame
    """Items in both lists of a user: user_id, item_id, and rank, score, source of both lists (suffix `_new`)."""
    old: pl.DataFrame
    """The old rows."""
    new: pl.DataFrame
    """The new rows."""


def overlap(old: pl.DataFrame, new: pl.DataFrame, persistence: float = PERSISTENCE) -> Overlap:
    """Return the overlap of the rows `old` and `new` (LIST_COLUMNS), which have ids of the same types."""
    counts = old.group_by("user_id").agg(pl.len().cast(pl.Int64).alias("old"))
    users = counts.join(
        new.group_by("user_id").agg(pl.len().cast(pl.Int64).alias("new")),
        on="user_id",
        how="full",
        coalesce=True,
    ).with_columns(pl.col("old", "new").fill_null(0))
    pairs = old.join(new, on=["user_id", "item_id"], how="inner", suffix="_new")
    shorter = pl.min_horizontal("old", "new").alias("shorter")
    deeper = pl.max_horizontal("rank", "rank_new")
    depths = pairs.select("user_id", deeper.alias("depth"), _is_unmoved().alias("unmoved"), _is_equal(pairs))
    depths = depths.join(users.select("user_id", shorter), on="user_id", how="left")
    table = _table(_longest(users), persistence)
    before = pl.Series("before", table).gather(depths["depth"] - 1)
    found = (
        depths.with_columns(before)
        .group_by("user_id")
        .agg(
            pl.len().cast(pl.Int64).alias("common"),
            pl.col("unmoved", "equal").sum().cast(pl.Int64),
            (pl.col("depth") <= pl.col("shorter")).sum().cast(pl.Int64).alias("within"),
            pl.col("before").sum(),
        )
    )
    users = users.join(found, on="user_id", how="left").sort("user_id")
    users = users.with_columns(pl.col("common", "unmoved", "equal", "within", "before").fill_null(0))
    has_both = (pl.col("old") > 0) & (pl.col("new") > 0)
    values = users.with_columns(
        pl.when(has_both)
        .then(pl.col("common") / (pl.col("old") + pl.col("new") - pl.col("common")))
        .alias("jaccard"),
        pl.Series("rbo", _rank_biased(users, table, persistence)),
    )
    values = values.with_columns(pl.when(has_both).then("rbo").alias("rbo"))
    return Overlap(values.drop("within", "before"), pairs, old, new)


def _longest(users: pl.DataFrame) -> int:
    """Return the number of slots of the longest list, 0 without lists."""
    return (
        int(users.select(pl.max_horizontal(pl.col("old", "new").max())).fill_null(0).item())
        if users.height
        else 0
    )


def is_reordered() -> pl.Expr:
    """Return whether items or their order differ, for users with both lists."""
    return (pl.col("unmoved") < pl.col("old")) | (pl.col("unmoved") < pl.col("new"))


def has_other_values() -> pl.Expr:
    """Return whether any value of the rows differs, for users with both lists."""
    return (pl.col("equal") < pl.col("old")) | (pl.col("equal") < pl.col("new"))


def _is_unmoved() -> pl.Expr:
    return pl.col("rank") == pl.col("rank_new")


def _is_equal(pairs: pl.DataFrame) -> pl.Expr:
    """Return whether all values of both rows are the same; a column that one side lacks makes them different."""
    same = [
        pl.col(name).eq_missing(pl.col(f"{name}_new"))
        for name in _VALUES
        if name in pairs.columns and f"{name}_new" in pairs.columns
    ]
    reasons = {name for name in pairs.columns if name.startswith("because")}
    if reasons and not any(name.endswith("_new") for name in reasons):
        same.append(pl.lit(value=False))
    return pl.all_horizontal(_is_unmoved(), *same).alias("equal")


def _table(longest: int, persistence: float) -> Float64Array:
    """Return H(n) for n from 0 to `longest`, (longest + 1,) float64."""
    depths = np.arange(1, longest + 1, dtype=np.float64)
    return np.concatenate([[0.0], np.cumsum(persistence**depths / depths)])


def _rank_biased(users: pl.DataFrame, table: Float64Array, p: float) -> Float64Array:
    """Return the rank-biased overlap of each user, (U,) float64; it has no meaning without one of the two lists."""
    old, new, common, within, before = (
        users[name].to_numpy() for name in ("old", "new", "common", "within", "before")
    )
    shorter, longer = np.minimum(old, new), np.maximum(old, new)
    safe, long = np.maximum(shorter, 1), np.maximum(longer, 1)
    found = common * table[longer] - before
    # The second sum: sum of p^d minus s * (H(l) - H(s)), times X(s) / s.
    powers = (p ** (shorter + 1) - p ** (longer + 1)) / (1 - p)
    assumed = within / safe * (powers - shorter * (table[longer] - table[shorter]))
    rest = ((common - within) / long + within / safe) * p**longer
    return np.asarray((1 - p) / p * (found + assumed) + rest, dtype=np.float64)
