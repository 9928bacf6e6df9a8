"""Evaluation of lists that were shown, on the interactions after them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float64Array, Int64Array
from als_cli.dataset.interactions import Interactions, rows_of
from als_cli.evaluation.hindsight_report import HindsightMetric, RelevantItems, SlotGroup
from als_cli.evaluation.list_tables import ListTable, user_ranges
from als_cli.evaluation.metrics import USER_METRICS, hits_of
from als_cli.evaluation.protocol import MAXIMUM_BLOCK
from als_cli.evaluation.rankers import Popular, UsersToRank
from als_cli.evaluation.report import ComparisonReport
from als_cli.evaluation.shown_slots import counted, slot_groups, with_groups
from als_cli.evaluation.significance import compare, interval_of, resampled_means

POPULAR = "popular"
ALL, NEW = "all", "new"
_METRICS = ("hits", *USER_METRICS)


@dataclass(frozen=True)
class Relevant:
    """Relevant items of the evaluated users, under one definition."""

    items: str
    """all or new."""
    pairs: pl.DataFrame
    """user (row number of the evaluated user) and item_id."""


@dataclass(frozen=True)
class Shown:
    """Lists of the E evaluated users beside the relevant items."""

    user_ids: pl.Series
    """(E,) ids, sorted."""
    hits: dict[str, BoolArray]
    """By definition of the relevant items: (E, k) whether each slot is a hit, down to the largest k."""
    groups: dict[str, tuple[SlotGroup, ...]]
    """Slots by source, rule, rank and reason."""


def relevant_items(
    later: Interactions, user_ids: pl.Series, history: pl.DataFrame | None
) -> tuple[Relevant, ...]:
    """Return the relevant items of the users `user_ids`: all pairs of `later`; with `history`, also the new ones.

    `history` has the earlier pairs: user_id and item_id.
    """
    matrix = later.matrix.tocoo()
    pairs = pl.DataFrame(
        {"user_id": later.user_ids.gather(matrix.row), "item_id": later.item_ids.gather(matrix.col)}
    )
    numbered = pl.DataFrame({"user_id": user_ids}).with_row_index("user")
    pairs = pairs.join(numbered, on="user_id", how="inner")
    found = [Relevant(ALL, pairs.select("user", "item_id"))]
    if history is not None:
        new = pairs.join(history, on=["user_id", "item_id"], how="anti")
        found.append(Relevant(NEW, new.select("user", "item_id")))
    return tuple(found)


def shown_hits(
    table: ListTable,
    counts: pl.DataFrame,
    relevant: tuple[Relevant, ...],
    k: int,
    recommend: Mapping[str, Any],
    seed: int,
) -> Shown:
    """Return the hits of the lists `table` for the evaluated users, block by block of users.

    `counts` has user_id and slots of the evaluated users, sorted by user_id. `recommend` is the section of the config
    that the lists were made with. Groups count hits on the first definition in `relevant`.
    """
    users = counts.select("user_id").with_row_index("user")
    hits = {one.items: np.zeros((counts.height, k), dtype=np.bool_) for one in relevant}
    blocks = []
    for between in user_ranges(counts, table.rows_per_block):
        rows = with_groups(table.rows(between), recommend).join(users, on="user_id", how="inner")
        marked = {one.items: _marked(rows, one) for one in relevant}
        for name, slots in marked.items():
            found = slots.filter((pl.col("rank") <= k) & pl.col("hit"))
            hits[name][found["user"].to_numpy(), found["rank"].to_numpy() - 1] = True
        blocks.append(counted(marked[relevant[0].items]))
    return Shown(counts["user_id"], hits, slot_groups(blocks, counts.height, seed))


def popular_hits(
    history: Interactions,
    user_ids: pl.Series,
    relevant: tuple[Relevant, ...],
    k: int,
    *,
    exclude_seen: bool,
    threads: int,
) -> dict[str, BoolArray]:
    """Return the hits that a list of the most popular items of `history` would have had, as :attr:`Shown.hits`.

    With `exclude_seen`, each user's list leaves out the items of their history.
    """
    ranker = Popular(history.matrix, threads)
    rows = rows_of(history.user_ids, user_ids)
    known = csr_matrix(
        (np.ones(int((rows >= 0).sum()), np.float32), (np.flatnonzero(rows >= 0), rows[rows >= 0])),
        shape=(len(user_ids), history.matrix.shape[0]),
    )
    seen = csr_matrix(known @ history.matrix)
    seen.sort_indices()
    tests = {one.items: _matrix(one.pairs, history.item_ids, len(user_ids)) for one in relevant}
    found = {name: np.zeros((len(user_ids), k), dtype=np.bool_) for name in tests}
    for start in range(0, len(user_ids), MAXIMUM_BLOCK):
        block = slice(start, min(start + MAXIMUM_BLOCK, len(user_ids)))
        lists = ranker.rank(UsersToRank(block, seen[block], None, exclude_seen), k)
        for name, test in tests.items():
            hits = hits_of(lists.item_rows, test[block])
            found[name][block, : hits.shape[1]] = hits
    return found


def measured(
    relevant: Relevant,
    hits: BoolArray,
    popular: BoolArray | None,
    at: tuple[int, ...],
    seed: int,
) -> tuple[RelevantItems, pl.DataFrame]:
    """Return the metrics of one definition of relevant items, and the metrics of its users.

    `hits` and `popular` are (E, k). The table has user (row number), k, items, relevant_items and one column per metric.
    """
    counts = np.bincount(relevant.pairs["user"].to_numpy(), minlength=len(hits)).astype(np.int64)
    users = np.flatnonzero(counts)
    names = [f"{name}@{k}" for k in at for name in _METRICS]
    values = _values(hits[users], counts[users], at)
    low, high = interval_of(resampled_means(values, seed)) if len(users) else (np.zeros(0), np.zeros(0))
    others: Float64Array | None = None
    comparisons: tuple[ComparisonReport, ...] = ()
    if popular is not None and len(users):
        others = _values(popular[users], counts[users], at)
        comparisons = _comparisons(names, values - others, seed)
    metrics = tuple(
        HindsightMetric(
            metric=name,
            value=values[:, column].mean(),
            low=low[column],
            high=high[column],
            popular=None if others is None else others[:, column].mean(),
        )
        for column, name in enumerate(names)
        if len(users)
    )
    report = RelevantItems(
        items=relevant.items,
        users=len(users),
        pairs=int(counts.sum()),
        metrics=metrics,
        comparisons=comparisons,
    )
    return report, _per_user(relevant.items, users, counts, values, at)


def _marked(rows: pl.DataFrame, relevant: Relevant) -> pl.DataFrame:
    """Return `rows` with column hit (Boolean): whether the item is relevant."""
    marks = relevant.pairs.with_columns(pl.lit(value=True).alias("hit"))
    joined = rows.join(marks, on=["user", "item_id"], how="left")
    return joined.with_columns(pl.col("hit").fill_null(value=False))


def _values(hits: BoolArray, relevant: Int64Array, at: tuple[int, ...]) -> Float64Array:
    """Return the metrics of each user, (E, k x metrics) float64: by k, then in the order of _METRICS."""
    columns: list[Float64Array] = []
    for k in at:
        columns.append(hits[:, :k].sum(axis=1).astype(np.float64))
        columns += [metric(hits[:, :k], relevant) for metric in USER_METRICS.values()]
    return np.column_stack(columns)


def _comparisons(names: list[str], differences: Float64Array, seed: int) -> tuple[ComparisonReport, ...]:
    found = compare(differences, seed)
    columns = zip(names, found.mean, found.low, found.high, found.p_value, strict=True)
    return tuple(
        ComparisonReport(baseline=POPULAR, metric=name, difference=mean, low=low, high=high, p_value=p_value)
        for name, mean, low, high, p_value in columns
    )


def _per_user(
    items: str, users: Int64Array, counts: Int64Array, values: Float64Array, at: tuple[int, ...]
) -> pl.DataFrame:
    tables = []
    for number, k in enumerate(at):
        first = number * len(_METRICS)
        metrics = {name: values[:, first + column] for column, name in enumerate(_METRICS)}
        tables.append(
            pl.DataFrame(
                {
                    "user": pl.Series(users).cast(pl.UInt32),
                    "relevant_items": counts[users].astype(np.uint32),
                    **metrics,
                }
            ).select("user", pl.lit(items).alias("items"), pl.lit(k, pl.Int32).alias("k"), pl.exclude("user"))
        )
    return pl.concat(tables)


def _matrix(pairs: pl.DataFrame, item_ids: pl.Series, users: int) -> csr_matrix:
    """Return (users, I) ones for `pairs` whose item is in `item_ids`; sorted indices."""
    columns = rows_of(item_ids, pairs["item_id"])
    known = columns >= 0
    rows = pairs["user"].to_numpy()[known]
    matrix = csr_matrix(
        (np.ones(len(rows), np.float32), (rows, columns[known])), shape=(users, len(item_ids))
    )
    matrix.sort_indices()
    return matrix
