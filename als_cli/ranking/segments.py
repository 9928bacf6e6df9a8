"""Segments of users, for example countries: read from a file, and with the guests of each segment."""

import logging
from dataclasses import dataclass

import numpy as np
import polars as pl

from als_cli.arrays import Int32Array
from als_cli.config.recommend import Guests, SegmentsFile
from als_cli.dataset.interactions import cast_ids, rows_of
from als_cli.errors import DataError
from als_cli.events.ids import check_id_type
from als_cli.tables.columns import column
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, reading, scan_table

log = logging.getLogger(__name__)

MAXIMUM_SEGMENTS = 1000
_USER, _COLUMN = "recommend.segments.user", "recommend.segments.column"


@dataclass(frozen=True)
class Segments:
    """The segment of each user."""

    names: pl.Series
    """(S,) String, sorted."""
    user_ids: pl.Series
    """(V,) users with a segment, and guests, without duplicates."""
    codes: Int32Array
    """(V,) position of each user's segment in `names`, -1 for guests of a segment without users."""

    def of(self, user_ids: pl.Series) -> Int32Array:
        """Return the position of the segment of each of `user_ids` (B,), -1 for users without one."""
        return np.append(self.codes, np.int32(-1))[rows_of(self.user_ids, user_ids)]

    def with_guests(self, guests: Guests) -> "Segments":
        """Return the segments, with the guests of each segment as users.

        A guest of a segment without users has no segment, and a warning names the segment.
        """
        names = list(guests.segments)
        positions = rows_of(self.names, pl.Series(names, dtype=pl.String))
        empty = [repr(name) for name, position in zip(names, positions, strict=True) if position < 0]
        if empty:
            log.warning(
                "recommend.guests.segments: no user is in segment %s, so the guest gets the list of the next fallback",
                ", ".join(empty),
            )
        ids = pl.Series(list(guests.segments.values()), dtype=self.user_ids.dtype)
        return Segments(self.names, pl.concat([self.user_ids, ids]), np.append(self.codes, positions))


def read_segments(config: SegmentsFile, user_type: pl.DataType, find: FindFiles) -> Segments:
    """Return the segments of users with ids of `user_type`. If a user has several rows, the first one counts.

    A file without rows gives no segments. Log a warning for it, and for users with several segments.

    Raises
    ------
    DataError
        The file cannot be used, it has rows but no user with a segment, or there are more than MAXIMUM_SEGMENTS segments.
    ConfigError
        The file lacks a column.
    """
    wanted = Wanted("recommend.segments", {_USER: config.user, _COLUMN: config.column})
    scan = scan_table(config.file, config, wanted, find=find)
    with reading(config.file, config):
        schema = scan.collect_schema()
    user = column(schema.names(), config.user, key=_USER, file=config.file)
    segment = column(schema.names(), config.column, key=_COLUMN, file=config.file)
    check_id_type(schema[user], column=user, file=config.file)
    with reading(config.file, config):
        table = scan.select(
            pl.col(user).alias("user"), pl.col(segment).cast(pl.String).str.strip_chars().alias("segment")
        ).collect()
    known = pl.DataFrame({"user": cast_ids(table["user"], user_type), "segment": table["segment"]})
    rows = known.filter(pl.col("segment") != "").drop_nulls()
    known = rows.unique("user", keep="first", maintain_order=True)
    _warn_of_several(rows, config.file)
    names = known["segment"].unique().sort()
    if table.is_empty():
        log.warning("recommend.segments.file: %s has no rows, so no user has a segment", config.file)
    elif names.is_empty():
        raise DataError(
            f"recommend.segments.file: {config.file} has no user with a segment",
            hint=f"check {_USER} and {_COLUMN}, and the type of ids in events.id_types.user",
        )
    if len(names) > MAXIMUM_SEGMENTS:
        raise DataError(
            f"{_COLUMN}: column {segment!r} of {config.file} has {len(names):,} different values, more than"
            f" {MAXIMUM_SEGMENTS:,}",
            hint="use a column with larger segments",
        )
    return Segments(names, known["user"], rows_of(names, known["segment"]))


def _warn_of_several(rows: pl.DataFrame, file: str) -> None:
    """Log the number of users that have more than one segment in `rows` (user, segment)."""
    users = rows.unique().group_by("user").len().filter(pl.col("len") > 1).height
    if users:
        log.warning(
            "recommend.segments.file: %s has different segments for %d users; the first row of each user counts",
            file,
            users,
        )
