"""The users that get a list: all users, recently active users, or the users of a file."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from als_cli.arrays import Int32Array
from als_cli.config.recommend import ActiveUsers, Guests, UsersFile
from als_cli.dataset.interactions import Interactions, cast_ids, rows_of
from als_cli.errors import ConfigError, DataError
from als_cli.events.ids import check_id_type
from als_cli.tables.columns import column
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, find_files, reading, scan_table

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Audience:
    """The users to recommend for, sorted by id, without duplicates."""

    user_ids: pl.Series
    user_rows: Int32Array
    """(len(user_ids),) int32 rows in the dataset, -1 for users without history."""
    unreadable: int = 0
    """Rows of the users file without an id, or with an id that is not of the dataset's type."""


def audience_of(
    wanted: str | ActiveUsers | UsersFile,
    interactions: Interactions,
    as_of: datetime | None = None,
    find: FindFiles = find_files,
) -> Audience:
    """Return the users of config key `recommend.users`; `find` finds the users file.

    A duration `active_since` counts back from `as_of` (default: from the newest event).

    Raises
    ------
    ConfigError
        `active_since` is set, but the events have no timestamps. Or the users file does not have the column.
    DataError
        The users file cannot be used, or no user is left.
    """
    if isinstance(wanted, UsersFile):
        return _listed(wanted, interactions, find)
    if isinstance(wanted, ActiveUsers):
        return _known(interactions, _active(wanted.active_since, interactions, as_of))
    return _known(interactions, interactions.user_ids)


def with_guests(audience: Audience, guests: Guests, interactions: Interactions) -> Audience:
    """Return `audience` with the guests, sorted by id.

    Raises
    ------
    ConfigError
        The id of a guest has another type than user ids, is the id of a user, or occurs twice.
    """
    dtype, hint = interactions.user_ids.dtype, "give guests ids that no user has"
    wanted = [*([] if guests.id is None else [guests.id]), *guests.segments.values()]
    for guest in wanted:
        if isinstance(guest, str) != (dtype == pl.String):
            raise ConfigError(
                f"recommend.guests: {guest!r} is not a user id: user ids are {dtype}", hint=hint
            )
    ids = pl.Series(wanted, dtype=dtype)
    if ids.n_unique() < len(ids):
        raise ConfigError("recommend.guests: an id occurs twice", hint=hint)
    known = ids.filter(rows_of(interactions.user_ids, ids) >= 0)
    if len(known):
        raise ConfigError(f"recommend.guests: {known[0]!r} is the id of a user", hint=hint)
    user_ids = pl.concat([audience.user_ids, ids]).unique().sort()
    return Audience(user_ids, rows_of(interactions.user_ids, user_ids), audience.unreadable)


def _known(interactions: Interactions, user_ids: pl.Series) -> Audience:
    return Audience(user_ids, rows_of(interactions.user_ids, user_ids))


def _active(since: timedelta | datetime, interactions: Interactions, as_of: datetime | None) -> pl.Series:
    if interactions.newest is None:
        raise ConfigError(
            "recommend.users.active_since needs times, but the events have none",
            hint="set events.columns.timestamp and run `als ingest`, or recommend for all users",
        )
    start = since if isinstance(since, datetime) else (as_of or interactions.newest) - since
    active = interactions.users.filter(pl.col("last_time") >= start)["user_id"]
    if active.is_empty():
        raise DataError(
            f"no user was active since {start:%Y-%m-%d %H:%M:%S} UTC; the time of the newest event is"
            f" {interactions.newest:%Y-%m-%d %H:%M:%S}",
            hint="set an earlier recommend.users.active_since, or ingest newer events",
        )
    return active


def _listed(config: UsersFile, interactions: Interactions, find: FindFiles) -> Audience:
    wanted = Wanted("recommend.users", {"recommend.users.column": config.column})
    scan = scan_table(config.file, config, wanted, find=find)
    with reading(config.file, config):
        schema = scan.collect_schema()
        name = column(schema.names(), config.column, key="recommend.users.column", file=config.file)
        check_id_type(schema[name], column=name, file=config.file)
        given = scan.select(name).collect()[name]
    ids = cast_ids(given, interactions.user_ids.dtype)
    user_ids = ids.drop_nulls().unique().sort()
    if given.is_empty():
        raise DataError(f"{config.file} has no rows", hint="check how the file was written")
    if user_ids.is_empty():
        raise DataError(
            f"no value in column {name!r} of {config.file} can be a user id: the file has {given[0]!r}, "
            f"the dataset has {interactions.user_ids[0]!r} ({interactions.user_ids.dtype})",
            hint="check recommend.users.column, and the type of ids in events.id_types.user",
        )
    if ids.null_count():
        log.warning(
            "%s: %d rows have no id of type %s", config.file, ids.null_count(), interactions.user_ids.dtype
        )
    return Audience(user_ids, rows_of(interactions.user_ids, user_ids), ids.null_count())
