"""Ids that start with a text, for completion in a shell."""

from pathlib import Path

import polars as pl


def ids_starting_with(table: Path, column: str, start: str, limit: int) -> list[str]:
    """Return ids in the sorted Parquet file `table` that start with `start`, as text: the first `limit` of them.

    If there are more, the first and the last one in the order of text are returned too. So the ids that are returned
    have the same common start as all ids.
    """
    ids = pl.scan_parquet(table, glob=False).select(column)
    name = pl.col(column)
    is_text = ids.collect_schema()[column] == pl.String
    if not is_text:
        ids = ids.select(name.cast(pl.String))
    elif start:
        ids = ids.filter(name >= start)  # the statistics of row groups exclude most ids
    matching = ids.filter(name.str.starts_with(start)) if start else ids
    found: list[str] = matching.head(limit).collect().to_series().to_list()
    if len(found) == limit:
        ends = matching.tail(1) if is_text else matching.select(pl.concat([name.min(), name.max()]))
        found = list(dict.fromkeys([*found, *ends.collect().to_series().to_list()]))
    return found
