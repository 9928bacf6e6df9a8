"""The items of earlier published lists, which rule `not_shown` leaves out."""

import logging
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from als_cli.config.source import TableFormat
from als_cli.dataset.interactions import cast_ids
from als_cli.errors import ConfigError
from als_cli.ranking.rules.id_files import UserItems, user_items
from als_cli.ranking.trained_model import TrainedModel
from als_cli.storage.published_lists import lists_of, lists_spool
from als_cli.storage.sinks.list_files import tables_of
from als_cli.storage.sinks.lists_place import lists_place
from als_cli.storage.sinks.target import Target
from als_cli.storage.versions import Place, StoredVersion
from als_cli.tables.scan import reading, scan_table

log = logging.getLogger(__name__)

_UNREADABLE = ("kv", "resp")


def day_of(instant: datetime) -> datetime:
    """Return the midnight at which the UTC day of `instant` began."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def shown_items(
    span: timedelta | None, model: TrainedModel, target: Target, instant: datetime, workspace: Path
) -> UserItems | None:
    """Return the items of `model` in lists at `target` that were made within `span` before the day of `instant`.

    None without `span`, and without such lists. Errors are those of :func:`shown_before`.
    """
    if span is None:
        return None
    with lists_spool(workspace) as spool:
        pairs = shown_before(target, day_of(instant), span, spool)
    if pairs.is_empty():
        return None
    users, items = pairs["user_id"], pairs["item_id"]
    return user_items(
        cast_ids(users, model.user_ids.dtype), cast_ids(items, model.item_ids.dtype), model.item_ids
    )


def shown_before(target: Target, day: datetime, span: timedelta, spool: Path) -> pl.DataFrame:
    """Return user_id and item_id of all slots of lists at `target` that were made for the days before `day`.

    `day` is a midnight in UTC. Lists count if they were made for an instant within `span` before it. Their instant is
    `events.as_of`, or else the time of their run. Later lists do not count, so a run that is repeated on the same day
    gives the same lists. Lists in a database are copied into the folder `spool`.

    Raises
    ------
    ArtifactError
        Another program changed earlier lists.
    ConfigError
        Earlier lists at `target` are not kept, or cannot be read.
    DataError
        Earlier lists cannot be read.
    ResourceError
        The database or the Delta table cannot be read.
    """
    place = lists_place(target)
    if place is None or target.format in _UNREADABLE:
        raise ConfigError(
            f"recommend.rules.not_shown needs earlier lists, but they cannot be read from {target.path} ({target.format})",
            hint="write the lists to Parquet, CSV, NDJSON or Arrow files, to a Delta table or to a database",
        )
    stored = place.stored()
    earlier = [version for version in stored if day - span <= _instant(version) < day]
    if earlier and len(stored) >= target.keep and _instant(stored[-1]) >= day - span:
        log.warning(
            "recommend.rules.not_shown: only %d earlier versions of the lists are on disk, the oldest of %s;"
            " raise recommend.output.keep",
            len(earlier),
            f"{_instant(stored[-1]):%Y-%m-%d}",
        )
    pairs = [frame for version in earlier for frame in _pairs(version, spool)]
    return pl.concat(pairs, how="vertical_relaxed") if pairs else pl.DataFrame()


def _instant(version: StoredVersion) -> datetime:
    return version.manifest.as_of or version.manifest.created


def _pairs(version: StoredVersion, spool: Path) -> list[pl.DataFrame]:
    """Return user_id and item_id of each file or table of `version`. Partitioned lists without rows have no file."""
    if not isinstance(version.place, Place):
        table = lists_of(version, spool).table
        with reading(table.name):
            return [table.frame.select("user_id", "item_id").collect(engine="streaming")]
    if not _is_readable(version):
        log.warning(
            "recommend.rules.not_shown: version %s of the lists is left out, because lists for caches cannot be read",
            version.id,
        )
        return []
    return [_pairs_of_file(path) for path in map(str, tables_of(Path(version.path), version.manifest))]


def _is_readable(version: StoredVersion) -> bool:
    """Return whether the files of `version` are in a format with the columns of lists."""
    output = version.manifest.config.get("recommend", {}).get("output", {})
    is_resp = any(path.suffix == ".resp" for path in tables_of(Path(version.path), version.manifest))
    return not is_resp and output.get("format") not in _UNREADABLE


def _pairs_of_file(path: str) -> pl.DataFrame:
    scan = scan_table(path, TableFormat(), None)
    with reading(path):
        if "item_ids" in scan.collect_schema():
            scan = scan.select("user_id", pl.col("item_ids").alias("item_id")).explode("item_id")
        return scan.select("user_id", "item_id").collect()
