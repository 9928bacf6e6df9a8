"""Slots of lists that were shown, by source, rule, rank and reason, and the hits among them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix, hstack

from als_cli.evaluation.hindsight_report import SlotGroup
from als_cli.evaluation.significance import interval_of, resampled_means
from als_cli.ranking.lists import CHOSEN_SOURCES

RANKS = 100
"""Ranks in the report."""
REASONS = 20
"""Reasons in the report."""
GROUPINGS = ("source", "rule", "rank", "reason")


def with_groups(rows: pl.DataFrame, recommend: Mapping[str, Any]) -> pl.DataFrame:
    """Return `rows` of lists with columns rule (String) and reason (id), null where they do not apply.

    `recommend` is the section of the config that the lists were made with.
    """
    rows = rows.with_columns(
        rule_of_slot(recommend),
        pl.col("because").list.first().alias("reason")
        if "because" in rows.columns
        else pl.lit(None).alias("reason"),
    )
    return rows.with_columns(pl.when(pl.col("rank") <= RANKS).then("rank").alias("rank_shown"))


def rule_of_slot(recommend: Mapping[str, Any]) -> pl.Expr:
    """Return the name of the rule that filled a slot; its source if several rules could have; null for other slots.

    A rank that two rules of one kind do not share names its rule, but only in full lists: in others, the items behind
    an empty rank have moved up.
    """
    rules, full = recommend.get("rules", {}), pl.len().over("user_id") == recommend.get("top_n", 0)
    expression = pl.lit(None, pl.String)
    for source in CHOSEN_SOURCES:
        named = [
            (rule.get("name") or f"{source} {k + 1}", rule.get("positions"))
            for k, rule in enumerate(rules.get(source) or ())
            if isinstance(rule, dict)
        ]
        name = pl.lit(named[0][0] if len(named) == 1 else source)
        if len(named) > 1:
            shared = [title for title, positions in named if positions is None]
            rest = pl.when(full).then(pl.lit(shared[0])).otherwise(name) if len(shared) == 1 else name
            for title, positions in named:
                rest = (
                    pl.when(full & pl.col("rank").is_in(positions or [])).then(pl.lit(title)).otherwise(rest)
                )
            name = rest
        expression = pl.when(pl.col("source") == source).then(name).otherwise(expression)
    return expression.alias("rule")


def counted(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return, per grouping, the slots and the hits of each user and group: user, name, shown, hits.

    `rows` has user (row number of the user), hit (Boolean) and the columns of :func:`with_groups`.
    """
    columns = {"source": "source", "rule": "rule", "rank": "rank_shown", "reason": "reason"}
    return {
        grouping: rows.drop_nulls(column)
        .group_by("user", pl.col(column).alias("name"))
        .agg(pl.len().alias("shown"), pl.col("hit").sum().alias("hits"))
        for grouping, column in columns.items()
    }


@dataclass(frozen=True)
class _Counted:
    """The groups of one grouping."""

    totals: pl.DataFrame
    """column (position), name, shown, hits."""
    shown: csr_matrix
    """(users, groups) slots."""
    hits: csr_matrix
    """(users, groups) hits."""


def slot_groups(
    blocks: Sequence[dict[str, pl.DataFrame]], users: int, seed: int
) -> dict[str, tuple[SlotGroup, ...]]:
    """Return the groups of each grouping from the tables of :func:`counted`. `users` is the number of all users.

    Ranks are in order. All other groups are sorted by their number of slots, then by name.
    """
    tables = {name: pl.concat([block[name] for block in blocks]) for name in GROUPINGS}
    groupings = {name: _counted(table, name, users) for name, table in tables.items()}
    # All groups share one set of resamples, which saves time.
    sides = [hstack([getattr(one, side) for one in groupings.values()]) for side in ("shown", "hits")]
    shown, hits = np.hsplit(resampled_means(csr_matrix(hstack(sides)), seed), 2)
    rates = np.divide(hits, shown, out=np.full_like(hits, math.nan), where=shown > 0)
    # A group that no sample contains gets its own rate as interval.
    totals = pl.concat([one.totals.select("shown", "hits") for one in groupings.values()])
    never = np.isnan(rates).all(axis=0)
    rates[:, never] = (totals["hits"] / totals["shown"]).to_numpy()[never]
    low, high = interval_of(rates) if len(totals) else (np.zeros(0), np.zeros(0))
    found, start = dict[str, tuple[SlotGroup, ...]](), 0
    for name, one in groupings.items():
        found[name] = tuple(
            SlotGroup(name=label, shown=count, hits=hit, hit_rate=hit / count, low=low[k], high=high[k])
            for k, (label, count, hit) in enumerate(
                one.totals.select("name", "shown", "hits").iter_rows(), start
            )
        )
        start += one.totals.height
    return found


def _counted(table: pl.DataFrame, grouping: str, users: int) -> _Counted:
    totals = table.group_by("name").agg(pl.col("shown", "hits").sum()).sort("name")
    if grouping != "rank":
        totals = totals.sort("shown", descending=True, maintain_order=True)
    totals = totals.head(REASONS if grouping == "reason" else totals.height).with_row_index("column")
    places = table.join(totals.select("name", "column"), on="name", how="inner")
    rows, columns = places["user"].to_numpy(), places["column"].to_numpy()
    shown, hits = (
        csr_matrix((places[name].to_numpy().astype(np.float64), (rows, columns)), (users, totals.height))
        for name in ("shown", "hits")
    )
    return _Counted(totals, shown, hits)
