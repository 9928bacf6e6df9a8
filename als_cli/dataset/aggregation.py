"""Aggregation of clean events into interactions: decay, sums per pair, minimum counts.

The result is byte-identical for any order of the events and any number of threads: ids are sorted before they become
rows, and strengths are added in fixed point.
"""

import math
from datetime import datetime

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import Float32Array, Int32Array, Int64Array
from als_cli.config.events import EventsConfig
from als_cli.dataset.interactions import Interactions
from als_cli.errors import DataError
from als_cli.events.net_pairs import Extremes, extremes_of, net_pairs
from als_cli.events.signal import decay

_KEY_BASE = 1 << 32
PAIR_SIGNAL = {"half_life", "duplicates", "min_user_interactions", "min_item_interactions", "as_of"}
"""Keys of section `events` that determine the pairs and their strengths once events are clean."""


def aggregate(
    clean: pl.LazyFrame, signal: EventsConfig, now: datetime | None = None, *, apply_minimums: bool = True
) -> Interactions:
    """Return the interactions of `clean` events (CLEAN_EVENT_COLUMNS): one strength per user-item pair.

    The weight of an event halves with every `signal.half_life` before `now` (default: the time of the newest event).
    Events after `now` count in full. `signal.duplicates` determines how the events of a pair combine. With `exact`,
    clean events have no equal rows. :func:`~als_cli.events.net_pairs.net_pairs` determines which pairs exist. With
    `apply_minimums`, users and items below their minimum are then removed until nothing changes. If no pair is left,
    the result has no users and no items.

    Raises
    ------
    DataError
        A weight exceeds the range of float64, or a strength the range of float32.
    """
    extremes = extremes_of(clean)
    if not math.isfinite(extremes.largest_weight):
        raise DataError(
            "the weight of an event is too large for a 64-bit float",
            hint="lower events.types, or set events.value_cap or value_transform: log1p",
        )
    users = _sorted_ids(clean, "user_id")
    items = _sorted_ids(clean, "item_id")
    pairs = _pairs(_encoded(clean, users, items), signal, extremes, now or extremes.newest)
    keys = pairs["key"].to_numpy()
    user_rows, item_rows = keys >> 32, keys & (_KEY_BASE - 1)
    if apply_minimums:
        kept = _core(user_rows, item_rows, signal.min_user_interactions, signal.min_item_interactions)
        pairs, user_rows, item_rows = pairs[kept], user_rows[kept], item_rows[kept]
    user_table, user_rows = _side(pairs, user_rows, users)
    item_table, item_rows = _side(pairs, item_rows, items)
    matrix = _matrix(
        user_rows, item_rows, pairs["strength"].to_numpy(), (user_table.height, item_table.height)
    )
    newest = user_table["last_time"].max()
    return Interactions(user_table, item_table, matrix, newest, _times(pairs, matrix))  # type: ignore[arg-type]


def check_size(interactions: Interactions, signal: EventsConfig) -> None:
    """Return when `interactions` have at least two users and two items.

    Raises
    ------
    DataError
        There are fewer.
    """
    users, items = interactions.matrix.shape
    has_minimums = max(signal.min_user_interactions, signal.min_item_interactions) > 1
    if users == 0:
        hint = "no user-item pair has a positive sum: check events.types, values and events.negative"
        if has_minimums:
            hint = "lower events.min_user_interactions and events.min_item_interactions"
        if signal.as_of and signal.half_life:
            hint += "; if events.as_of is many half-lives after the newest event, all weights are zero"
        raise DataError("no interactions are left", hint=hint)
    for side, count, ids in (("user", users, interactions.user_ids), ("item", items, interactions.item_ids)):
        if count == 1:
            raise DataError(
                f"only one {side} is left ({ids[0]!r}); at least two are needed",
                hint=f"check events.columns.{side}"
                + (" and the minimum interactions" if has_minimums else ""),
            )


def _sorted_ids(clean: pl.LazyFrame, name: str) -> pl.Series:
    return clean.select(pl.col(name).unique()).collect(engine="streaming")[name].sort()


def _encoded(clean: pl.LazyFrame, users: pl.Series, items: pl.Series) -> pl.LazyFrame:
    """Return `clean` with `key`, Int64: user_row in the upper 32 bits, item_row in the lower 32 bits."""
    user_rows = users.to_frame().lazy().with_row_index("user_row")
    item_rows = items.to_frame().lazy().with_row_index("item_row")
    key = pl.col("user_row").cast(pl.Int64) * _KEY_BASE + pl.col("item_row")
    encoded = clean.join(user_rows, on="user_id").join(item_rows, on="item_id")
    return encoded.select(key.alias("key"), "timestamp", "weight", "value")


def _pairs(
    events: pl.LazyFrame, signal: EventsConfig, extremes: Extremes, now: datetime | None
) -> pl.DataFrame:
    """Return key, strength (Float32, positive), events (UInt32), first_time, last_time per pair, sorted by key."""
    decayed = events.with_columns(pl.col("weight") * decay(signal, now))
    table = net_pairs(decayed, ["key"], signal.duplicates, extremes).collect(engine="streaming")
    if table["strength"].is_infinite().any():
        raise DataError(
            "the strength of a pair is too large for a 32-bit float",
            hint="set events.value_cap, or value_transform: log1p",
        )
    return table.sort("key")


def _core(user_rows: Int64Array, item_rows: Int64Array, min_user: int, min_item: int) -> Int64Array:
    """Return the positions of the pairs that are left when users and items below their minimum are removed repeatedly."""
    kept = np.arange(user_rows.size)
    while kept.size:
        users, items = user_rows[kept], item_rows[kept]
        enough = (np.bincount(users) >= min_user)[users] & (np.bincount(items) >= min_item)[items]
        if enough.all():
            break
        kept = kept[enough]
    return kept


def _side(pairs: pl.DataFrame, rows: Int64Array, ids: pl.Series) -> tuple[pl.DataFrame, Int32Array]:
    """Return the id table of one side (see Interactions), and the row of each pair in it, int32."""
    table = (
        pairs.lazy()
        .with_columns(row=rows)
        .group_by("row")
        .agg(
            pl.len().cast(pl.UInt32).alias("interactions"),
            pl.col("events").sum().cast(pl.UInt32),
            pl.col("first_time").min(),
            pl.col("last_time").max(),
        )
        .sort("row")
        .collect()
    )
    new_row = np.zeros(ids.len(), dtype=np.int32)
    new_row[table["row"].to_numpy()] = np.arange(table.height, dtype=np.int32)
    return table.select(ids.gather(table["row"]), pl.exclude("row")), new_row[rows]


def _times(pairs: pl.DataFrame, matrix: csr_matrix) -> csr_matrix | None:
    """Return the newest time of each pair in the sparsity of `matrix`. None if a pair has an event without a timestamp."""
    if pairs["first_time"].null_count():
        return None
    newest = pairs["last_time"].dt.epoch("us").to_numpy()
    return csr_matrix((newest, matrix.indices, matrix.indptr), shape=matrix.shape)


def _matrix(
    user_rows: Int32Array, item_rows: Int32Array, strength: Float32Array, shape: tuple[int, int]
) -> csr_matrix:
    indptr = np.zeros(shape[0] + 1, dtype=np.int64)
    np.cumsum(np.bincount(user_rows, minlength=shape[0]), out=indptr[1:])
    matrix = csr_matrix((strength, item_rows, indptr), shape=shape)
    matrix.has_sorted_indices = True  # pairs are sorted by key
    return matrix
