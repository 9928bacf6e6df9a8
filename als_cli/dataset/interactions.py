"""Interactions in memory: ids, their rows in the matrix, and the user-item matrix of strengths."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import Int32Array
from als_cli.events.ids import as_id


@dataclass(frozen=True)
class Interactions:
    """Users, items and the strengths of their pairs.

    `users` and `items` are sorted by id, so that row numbers do not depend on the order of the input. Row r of `users`
    is row r of the matrix. Row r of `items` is column r.

    | column | type | value |
    |---|---|---|
    | user_id or item_id | integer or String | |
    | interactions | UInt32 | distinct pairs |
    | events | UInt32 | |
    | first_time, last_time | Datetime[us, UTC] | null without timestamps |
    """

    users: pl.DataFrame
    items: pl.DataFrame
    matrix: csr_matrix
    """(U, I) float32 strengths with sorted int32 indices and without explicit zeros; indptr is int64 on disk."""
    newest: datetime | None
    """Time of the newest event, None without timestamps."""
    times: csr_matrix | None = None
    """(U, I) int64: the time of the newest event of each pair, in microseconds since 1970, with the sparsity of `matrix`. None if an event has no timestamp."""

    @property
    def user_ids(self) -> pl.Series:
        """User ids by row."""
        return self.users["user_id"]

    @property
    def item_ids(self) -> pl.Series:
        """Item ids by row."""
        return self.items["item_id"]


def rows_of(ids: pl.Series, wanted: pl.Series) -> Int32Array:
    """Return the position in `ids` of each of `wanted`, -1 for ids that are not in `ids`; (len(wanted),) int32.

    Raises
    ------
    TypeError
        `ids` and `wanted` have different types. Cast `wanted` first with :func:`cast_ids`.
    """
    if ids.dtype != wanted.dtype:
        raise TypeError(f"ids are {ids.dtype}, wanted ids are {wanted.dtype}")
    index = pl.DataFrame({"id": ids}).with_row_index("row")
    found = pl.DataFrame({"id": wanted}).join(index, on="id", how="left", maintain_order="left")
    rows = found["row"].cast(pl.Int64).fill_null(-1).to_numpy().astype(np.int32)
    return np.ascontiguousarray(rows)


def cast_ids(ids: pl.Series, target: pl.DataType) -> pl.Series:
    """Return `ids` as type `target`, null where an id has no value of this type; 7.0 becomes 7, as in the events."""
    cast = as_id(pl.col("id"), ids.dtype, target).alias(ids.name)
    return ids.to_frame("id").select(cast).to_series()
