"""Interactions in memory: ids, their matrix rows, and the user-item matrix of strengths."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import Int32Array


@dataclass(frozen=True)
class Interactions:
    """Users, items and the strengths between them.

    `users` and `items` are sorted by id, so that a row number never depends on the order of the input. Row r of
    `users` is matrix row r; columns: user_id (or item_id), interactions (UInt32, distinct pairs), events (UInt32),
    first_time, last_time (Datetime[us, UTC] or null).
    """

    users: pl.DataFrame
    items: pl.DataFrame
    matrix: csr_matrix
    """(U, I) float32 strengths, sorted int32 indices, no explicit zeros; indptr int64 on disk."""
    newest: datetime | None
    """Time of the newest event, None without timestamps."""

    @property
    def user_ids(self) -> pl.Series:
        """Ids by user_row."""
        return self.users["user_id"]

    @property
    def item_ids(self) -> pl.Series:
        """Ids by item_row."""
        return self.items["item_id"]


def rows_of(ids: pl.Series, wanted: pl.Series) -> Int32Array:
    """Return the position of each of `wanted` in `ids`, -1 where it is not there; (len(wanted),) int32.

    Raises
    ------
    TypeError
        The two have different types; cast `wanted` first (`cast_ids`).
    """
    if ids.dtype != wanted.dtype:
        raise TypeError(f"ids are {ids.dtype}, wanted ids are {wanted.dtype}")
    index = pl.DataFrame({"id": ids}).with_row_index("row")
    found = pl.DataFrame({"id": wanted}).join(index, on="id", how="left", maintain_order="left")
    rows = found["row"].cast(pl.Int64).fill_null(-1).to_numpy().astype(np.int32)
    return np.ascontiguousarray(rows)


def cast_ids(ids: pl.Series, target: pl.DataType) -> pl.Series:
    """Return `ids` as `target` type, null where a text is no such id; integral floats count as integers."""
    if ids.dtype == target:
        return ids
    if target == pl.String:
        if ids.dtype.is_float():
            whole = ids.cast(pl.Int64, strict=False)
            return pl.select(
                pl.when(whole == ids).then(whole.cast(pl.String)).otherwise(ids.cast(pl.String))
            ).to_series()
        return ids.cast(pl.String)
    if ids.dtype.is_float():
        whole = ids.cast(target, strict=False)
        return pl.select(pl.when(whole == ids).then(whole)).to_series()
    return ids.cast(target, strict=False)
