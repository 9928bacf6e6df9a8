"""Ids that start with a text, for completion in a shell."""

from pathlib import Path

import polars as pl


def ids_starting_with(table: Path, column: str, start: str, limit: int) -> list[str]:
    """Return ids in the sorted Parquet file `table` that start with `start`, as text: the first `limit` of them.

    If there are more, the last one in the order of text is returned too. So the ids that are returned have the same
    common start as all ids.
    """
    ids = pl.scan_parquet(table, glob=False).select(column)
    text = pl.col(column)
    if ids.collect_schema()[column] != pl.String:
        text = text.cast(pl.String)
        ids = ids.select(text)
    elif start:
        ids = ids.filter(text >= start)  # the statistics of row groups exclude most ids
    matching = ids.filter(pl.col(column).str.starts_with(start))
    found: list[str] = matching.head(limit).collect().to_series().to_list()
    if len(found) == limit:
        bounds = matching.select(pl.col(column).min(), pl.col(column).max().alias("last")).collect().row(0)
        found = list(dict.fromkeys([*found, *bounds]))
    return found
