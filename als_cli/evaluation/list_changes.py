"""The changes between two publications: the new lists of changed users, and the users without a list."""

from typing import Literal

import polars as pl

from als_cli.evaluation.list_overlap import Overlap, has_other_values, is_reordered
from als_cli.reports import Report

ChangedBy = Literal["items", "rows"]
UPSERT, DELETE = "upsert", "delete"


class ListChanges(Report):
    """The table of changes, and the two versions that it leads from and to."""

    file: str
    """Name of the table."""
    by: ChangedBy
    """items: users whose items or order differ; rows: users with any different value."""
    from_version: str | None
    """The version that the changes apply to. None: the table contains all lists, so it replaces everything."""
    to_version: str | None
    """The version that the changes lead to; None if the new lists are not a version."""
    upserts: int
    """Users with a new or a changed list."""
    deletes: int
    """Users who no longer have a list."""
    unchanged: int
    """Users whose list has not changed. They are not in the table."""


def changes_in(block: Overlap, by: ChangedBy, layout: str) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return op and the columns of lists in `layout` (rows or lists), and the numbers of users.

    The whole new list of a user has op `upsert`. A user without a new list has one row with op `delete`, in which all
    columns but user_id are null. Rows are sorted by user_id and rank. The numbers are upserts, deletes and unchanged.
    """
    is_changed = is_reordered() if by == "items" else has_other_values()
    has_list = pl.col("new") > 0
    upserted = block.users.filter(has_list & is_changed)
    deleted = block.users.filter(~has_list)
    rows = block.new.join(upserted, on="user_id", how="semi").sort("user_id", "rank")
    if layout == "lists":
        names = {"item_id": "item_ids", "score": "scores", "source": "sources"}
        kept = [name for name in rows.columns if name not in ("user_id", "rank")]
        rows = rows.group_by("user_id", maintain_order=True).agg(kept).rename(names)
    upserts = rows.select(pl.lit(UPSERT).alias("op"), pl.all())
    deletes = deleted.select(pl.lit(DELETE).alias("op"), "user_id")
    table = pl.concat([upserts, deletes], how="diagonal").sort("user_id", maintain_order=True)
    counts = {
        "upserts": upserted.height,
        "deletes": deleted.height,
        "unchanged": block.users.height - upserted.height - deleted.height,
    }
    return table, counts
