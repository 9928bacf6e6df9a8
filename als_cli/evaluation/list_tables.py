"""Top-N lists as tables of one row per slot, which are read block by block of users.

The rows of a list have these columns (LIST_COLUMNS): user_id, rank (Int32, from 1), item_id, score (Float32), source
(String). because (list of ids) and because_shares (list of Float32) follow if the lists have them. score and source are
null if the lists do not have them.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from als_cli.errors import DataError
from als_cli.tables.scan import reading

LIST_COLUMNS = ("user_id", "rank", "item_id", "score", "source")
REASON_COLUMNS = ("because", "because_shares")
ROWS_PER_BLOCK = 250_000
"""Rows of both tables that are in memory at a time."""
TEXT_ROWS_PER_BLOCK = 2_000_000
"""The same for text files, which are read from the start for each block."""
_NAMES_OF_LISTS = {"item_ids": "item_id", "scores": "score", "sources": "source"}


@dataclass(frozen=True)
class ListTable:
    """The lists of one publication."""

    name: str
    """Name for messages."""
    frame: pl.LazyFrame
    """Rows with the columns that the lists have of LIST_COLUMNS and REASON_COLUMNS, ids of any type."""
    user_type: pl.DataType
    item_type: pl.DataType
    has_reasons: bool
    rows_per_block: int = ROWS_PER_BLOCK
    """Rows that are read at a time."""

    def rows(self, users: tuple[object, object] | None = None) -> pl.DataFrame:
        """Return the rows of the users from the first to the last id of `users`; None: of all users.

        Raises
        ------
        DataError
            The lists cannot be read, an id is missing, or the ranks of a user are not 1, 2, 3 and so on.
        """
        frame = self.frame
        if users is not None:
            first, last = (pl.lit(value, self.user_type) for value in users)
            frame = frame.filter(pl.col("user_id").is_between(first, last))
        with reading(self.name):
            rows = frame.collect(engine="streaming")
        self._check(rows)
        return rows

    def counts(self) -> pl.DataFrame:
        """Return user_id and slots (UInt32): one row per user, sorted by user_id."""
        with reading(self.name):
            counts = self.frame.group_by("user_id").agg(pl.len().alias("slots"))
            return counts.sort("user_id").collect(engine="streaming")

    def with_types(self, user_type: pl.DataType, item_type: pl.DataType) -> "ListTable":
        """Return the same lists with ids of other types."""
        if (user_type, item_type) == (self.user_type, self.item_type):
            return self
        ids = [pl.col("user_id").cast(user_type), pl.col("item_id").cast(item_type)]
        if self.has_reasons:
            ids.append(pl.col("because").cast(pl.List(item_type)))
        return replace(self, frame=self.frame.with_columns(ids), user_type=user_type, item_type=item_type)

    def none(self) -> "ListTable":
        """Return a table of the same types without rows."""
        return replace(self, frame=pl.LazyFrame(schema=self.frame.collect_schema()))

    def _check(self, rows: pl.DataFrame) -> None:
        for name in ("user_id", "item_id", "rank"):
            if rows[name].null_count():
                raise DataError(f"{self.name}: column {name} has empty cells", hint="check the lists")
        ranks = rows.group_by("user_id").agg(
            (pl.col("rank").max() != pl.len()).alias("wrong"),
            (pl.col("rank").n_unique() != pl.len()).alias("repeated"),
            (pl.col("item_id").n_unique() != pl.len()).alias("twice"),
        )
        wrong = ranks.filter(pl.any_horizontal("wrong", "repeated", "twice"))
        if wrong.height:
            user = wrong["user_id"].min()
            raise DataError(
                f"{self.name}: the ranks of user {user!r} are not 1, 2, 3 and so on with different items",
                hint="compare whole lists with one row per user and rank",
            )


def list_table(name: str, raw: pl.LazyFrame, rows_per_block: int = ROWS_PER_BLOCK) -> ListTable:
    """Return the lists of `raw`, a table of layout `rows` or `lists` with the columns that `recommend` writes.

    Columns `score`, `source` and the reasons may be absent. Other columns are ignored. Text is cast to numbers.

    Raises
    ------
    DataError
        A column is missing, or the table cannot be read.
    """
    with reading(name):
        schema = raw.collect_schema()
    names = [column for column in _NAMES_OF_LISTS if column in schema]
    if "item_ids" in names:
        ranks = pl.int_ranges(1, pl.col("item_ids").list.len() + 1, dtype=pl.Int32).alias("rank")
        reasons = [column for column in REASON_COLUMNS if column in schema]
        raw = raw.select("user_id", ranks, *names, *reasons).explode("rank", *names, *reasons)
        raw = raw.rename({column: _NAMES_OF_LISTS[column] for column in names}).drop_nulls("rank")
        with reading(name):
            schema = raw.collect_schema()
    _check_columns(name, schema)
    types = {"rank": pl.Int32, "score": pl.Float32, "source": pl.String}
    columns = [
        (pl.col(column) if column in schema else pl.lit(None).alias(column)).cast(types[column])
        if column in types
        else pl.col(column)
        for column in LIST_COLUMNS
    ]
    has_reasons = all(column in schema for column in REASON_COLUMNS)
    if has_reasons:
        shares = pl.col("because_shares").cast(pl.List(pl.Float32))
        # A table without any reason has no type for the ids in it.
        columns += [pl.col("because").cast(pl.List(schema["item_id"])), shares]
    types_of_ids = schema["user_id"], schema["item_id"]
    return ListTable(name, raw.select(columns), *types_of_ids, has_reasons, rows_per_block)


def needed_columns(name: str, columns: Sequence[str]) -> list[str]:
    """Return those of the `columns` of table `name` that lists have, in both layouts.

    Raises
    ------
    DataError
        A column is missing.
    """
    if "item_ids" not in columns:
        _check_columns(name, columns)
    elif "user_id" not in columns:
        raise _no_column(name, "user_id")
    return [one for one in columns if one in (*LIST_COLUMNS, *_NAMES_OF_LISTS, *REASON_COLUMNS)]


def _check_columns(name: str, columns: Container[str]) -> None:
    for column in LIST_COLUMNS[:3]:
        if column not in columns:
            raise _no_column(name, column)


def _no_column(name: str, column: str) -> DataError:
    return DataError(
        f"{name} has no column {column}, so it does not contain lists",
        hint="lists have the columns user_id, rank and item_id, or user_id and item_ids",
    )


def same_types(old: ListTable, new: ListTable) -> tuple[ListTable, ListTable]:
    """Return both tables with ids of one type: their own type if it is the same, otherwise text."""
    users = old.user_type if old.user_type == new.user_type else pl.String()
    items = old.item_type if old.item_type == new.item_type else pl.String()
    return old.with_types(users, items), new.with_types(users, items)


def user_ranges(counts: pl.DataFrame, rows_per_block: int) -> Iterator[tuple[object, object] | None]:
    """Yield the first and the last id of consecutive users that have about `rows_per_block` slots together.

    `counts` has user_id and slots, sorted by user_id. A single block is None: all users.
    """
    blocks = (counts["slots"].cum_sum() - 1) // rows_per_block
    if counts.is_empty() or blocks[-1] == 0:
        yield None
        return
    edges = counts.select("user_id", blocks.alias("block")).group_by("block", maintain_order=True)
    ranges = edges.agg(pl.col("user_id").first(), pl.col("user_id").last().alias("last"))
    yield from ranges.select("user_id", "last").iter_rows()
