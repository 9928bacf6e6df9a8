"""Files of items, and of pairs of users and items, which rules use."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.config.rules import UserItemsFile
from als_cli.config.source import ColumnRef, TableFormat
from als_cli.dataset.histories import take_histories
from als_cli.dataset.interactions import cast_ids, rows_of
from als_cli.errors import DataError
from als_cli.events.ids import check_id_type
from als_cli.tables.columns import column
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, reading, scan_table


@dataclass(frozen=True)
class UserItems:
    """Items of single users."""

    user_ids: pl.Series
    """(V,) users, sorted by id."""
    matrix: csr_matrix
    """(V, I) an entry for each pair, by the item row of the model."""
    unknown_pairs: int = 0
    """Pairs without an item of the model, or without readable ids."""

    @property
    def pairs(self) -> int:
        """The number of different pairs with an item of the model."""
        return int(self.matrix.nnz)

    def of(self, user_ids: pl.Series) -> csr_matrix:
        """Return the items of `user_ids` (B,): (B, I)."""
        return take_histories(self.matrix, rows_of(self.user_ids, user_ids))


def read_items(
    path: str, ref: ColumnRef, fmt: TableFormat, key: str, id_type: pl.DataType, find: FindFiles
) -> pl.Series:
    """Return the item ids of a file in the order of the file, without duplicates; ids of another type are left out.

    A file without rows gives no ids. Messages name the config `key`.

    Raises
    ------
    DataError
        The file cannot be used, or it has rows, but no id of type `id_type`.
    ConfigError
        The file lacks a column.
    """
    table = _read(path, fmt, {f"{key}.column": ref}, find)
    ids = cast_ids(table[f"{key}.column"], id_type).drop_nulls().unique(maintain_order=True)
    if ids.is_empty() and table.height:
        raise DataError(
            f"{key}.file: {path} has no item id of type {id_type}",
            hint=f"check {key}.column, and the type of ids in events.id_types.item",
        )
    return ids


def read_user_items(
    config: UserItemsFile, key: str, user_type: pl.DataType, item_ids: pl.Series, find: FindFiles
) -> UserItems:
    """Return the pairs of the file of `config` whose items are in `item_ids` (I,), the ids of the model.

    Messages name the config `key`.

    Raises
    ------
    DataError
        The file cannot be used, or it has rows, but no pair of ids of the types of the model.
    ConfigError
        The file lacks a column.
    """
    columns = {f"{key}.user": config.user, f"{key}.item": config.item}
    table = _read(config.file, config, columns, find)
    users = cast_ids(table[f"{key}.user"], user_type)
    items = cast_ids(table[f"{key}.item"], item_ids.dtype)
    if table.height and not (users.is_not_null() & items.is_not_null()).any():
        raise DataError(
            f"{key}.file: {config.file} has no pair of a user id of type {user_type} and an item id of type"
            f" {item_ids.dtype}",
            hint=f"check {key}.user and {key}.item, and the types of ids in events.id_types",
        )
    return user_items(users, items, item_ids)


def user_items(user_ids: pl.Series, wanted: pl.Series, item_ids: pl.Series) -> UserItems:
    """Return the pairs of `user_ids` and `wanted` items, (P,) each; `item_ids` (I,) are the ids of the model.

    Pairs with a null id or an unknown item are left out and counted.
    """
    pairs = pl.DataFrame({"user": user_ids, "row": rows_of(item_ids, wanted)})
    known = pairs.filter(pl.col("user").is_not_null() & (pl.col("row") >= 0)).unique().sort("user", "row")
    users = known["user"].unique(maintain_order=True)
    counts = known.group_by("user", maintain_order=True).len()["len"].to_numpy()
    indptr = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    rows = known["row"].to_numpy().astype(np.int32)
    matrix = csr_matrix((np.ones(len(rows), np.float32), rows, indptr), shape=(len(users), len(item_ids)))
    unknown = pairs.height - pairs.filter(pl.col("user").is_not_null() & (pl.col("row") >= 0)).height
    return UserItems(users, matrix, unknown)


def _read(path: str, fmt: TableFormat, refs: dict[str, ColumnRef], find: FindFiles) -> pl.DataFrame:
    """Return the columns `refs` of the table at `path`, named by their config keys."""
    scan = scan_table(path, fmt, Wanted(next(iter(refs)).rpartition(".")[0], refs), find=find)
    with reading(path, fmt):
        schema = scan.collect_schema()
    names = {key: column(schema.names(), ref, key=key, file=path) for key, ref in refs.items()}
    for name in names.values():
        check_id_type(schema[name], column=name, file=path)
    with reading(path, fmt):
        return scan.select(pl.col(name).alias(key) for key, name in names.items()).collect()
