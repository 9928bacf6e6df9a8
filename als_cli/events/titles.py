"""Titles of items from the events themselves, for a job without a catalogue."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.events.checks import checked
from als_cli.events.cleaning import id_types_and_limit
from als_cli.events.probe import Probed
from als_cli.tables.scan import reading

TITLE_COLUMNS = ("item_id", "title")
"""Columns of the file of titles: the item id in its final type, and the title, String."""


def write_titles(probed: Sequence[Probed], config: EventsConfig, clock: datetime, path: Path) -> bool:
    """Write the most frequent title of each item to the Parquet file `path`, sorted by item.

    Rows that are rejected do not count. Among titles that are equally frequent, the first in the alphabet is taken.
    Return False, without a file, if no source has a column of titles. `clock` is the time of this run.
    """
    titled = [file for file in probed if "title" in file.dtypes]
    if not titled:
        return False
    how = id_types_and_limit(probed, config, clock)
    rows = [checked(file, how, config).rows for file in titled]
    good = [one.filter(~pl.col("bad") & pl.col("title").is_not_null()) for one in rows]
    counted = pl.concat(one.select(TITLE_COLUMNS) for one in good).group_by(TITLE_COLUMNS).agg(pl.len())
    ranked = counted.sort("item_id", "len", "title", descending=[False, True, False])
    with reading("the titles of the events"):
        found = ranked.collect(engine="streaming")
    found.unique("item_id", keep="first", maintain_order=True).select(TITLE_COLUMNS).write_parquet(path)
    return True
