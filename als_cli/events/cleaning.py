"""Write raw events to two files, clean events and rejected rows, and count every row."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.errors import DataError, refusals_at
from als_cli.events.checks import CLEAN_EVENT_COLUMNS, Reading, checked, clean_events, rejected_rows
from als_cli.events.ids import common_type
from als_cli.events.later import check_any_left
from als_cli.events.probe import Probed, types_of, unlisted
from als_cli.events.quarantine import check_bad_fraction, count_reasons, too_many
from als_cli.events.time_patterns import time_hint
from als_cli.events.times import UNIT_NAMES, plausible_unit
from als_cli.tables.scan import reading

log = logging.getLogger(__name__)

_GROUP_ROWS = 250_000
"""Rows of a row group. It is fixed, so that the bytes of the file do not depend on the number of threads."""
_MAPPED_COLUMNS = ("user_id", "item_id", "timestamp", "type", "value")


@dataclass(frozen=True)
class Cleaned:
    """The number of rows read, kept, dropped and rejected."""

    rows: int
    """Rows read."""
    later: int
    """Events after `events.as_of`."""
    kept: int
    """Clean events."""
    dropped: dict[str, int]
    """Rows that the config drops, per cause: where, unlisted_type, negative, duplicate."""
    rejected: dict[str, int]
    """Bad rows per reason."""


def write_clean_events(
    probed: Sequence[Probed],
    config: EventsConfig,
    clock: datetime,
    *,
    clean: Path,
    rejected: Path,
    spool: Path,
) -> Cleaned:
    """Write the Parquet files `clean` and `rejected`, and return the number of rows of each kind.

    `clean` has the columns of :func:`clean_columns`, `rejected` has REJECTED_COLUMNS. Both keep the order of the input. `clock` is the
    time of this run. `spool` is a folder for temporary files.

    Raises
    ------
    DataError
        There are no rows, all events are later than `events.as_of`, the id types of two sources conflict, or there are
        more bad rows than the config allows.
    """
    dropped = {
        "where": sum(file.outside for file in probed),
        "unlisted_type": sum(sum(unlisted(file.types, config).values()) for file in probed),
    }
    rows = sum(file.rows for file in probed)
    later = sum(file.later.events for file in probed if file.later)
    inside = rows - later - sum(dropped.values())
    units = unit_hints(probed, clock)
    check_any_left([file.later for file in probed], rows, config.as_of, units[0] if units else None)
    _check_any(probed, rows - later, inside)
    how = id_types_and_limit(probed, config, clock)
    sources = [checked(file, how, config) for file in probed]
    exact = config.duplicates == "exact"
    first = spool / "with-duplicates.parquet" if exact else clean
    columns = clean_columns(probed)
    # Rows that are equal in every mapped column have equal types.
    compared = (*CLEAN_EVENT_COLUMNS, "type") if exact else columns
    good_rows = pl.concat(clean_events(source, config) for source in sources)
    _write(
        {first: good_rows.select(compared), rejected: pl.concat(rejected_rows(source) for source in sources)}
    )
    bad = count_reasons(rejected)
    hints = {"future_time": units[0]} if units else {}
    if "unreadable_time" in bad and too_many(sum(bad.values()), inside, config):
        hint = time_hint(probed, rejected, how.latest, config.max_bad_fraction)
        hints |= {"unreadable_time": hint} if hint else {}
    check_bad_fraction(bad, inside, rejected, config, hints)
    for unit in units:
        log.warning("timestamps: %s", unit)
    good = _height(first)
    dropped["negative"] = inside - sum(bad.values()) - good
    if exact:
        once = pl.scan_parquet(first, glob=False).unique(_MAPPED_COLUMNS, keep="first", maintain_order=True)
        _write({clean: once.select(columns)})
        dropped["duplicate"] = good - _height(clean)
    kept = good - dropped.get("duplicate", 0)
    return Cleaned(rows, later, kept, {reason: n for reason, n in dropped.items() if n}, bad)


def clean_columns(probed: Sequence[Probed]) -> tuple[str, ...]:
    """Return the names of the columns of the clean events: CLEAN_EVENT_COLUMNS, and `type` if a source maps it."""
    has_types = any("type" in file.dtypes for file in probed)
    return (*CLEAN_EVENT_COLUMNS, "type") if has_types else CLEAN_EVENT_COLUMNS


def _check_any(probed: Sequence[Probed], rows: int, inside: int) -> None:
    if rows == 0:
        files = ", ".join(file.source.file.shown for file in probed[:3]) + (" …" if len(probed) > 3 else "")
        raise DataError(
            f"there are no events: {files} has no rows", hint="check the export that wrote the file"
        )
    if inside == 0:
        found = ", ".join(repr(name) for name in list(types_of(probed))[:5])
        raise DataError(
            f"events.where and events.types drop {'the only row' if rows == 1 else f'all {rows:,} rows'}",
            hint=f"check both keys; event types of the rows that events.where keeps: {found or 'none'}",
        )


def id_types_and_limit(probed: Sequence[Probed], config: EventsConfig, clock: datetime) -> Reading:
    """Return the id types of all sources, and the latest valid time of a run at `clock`.

    Raises
    ------
    DataError
        The id types of two sources conflict.
    """
    return Reading(
        user_type=common_type(config.id_types.user, [file.user for file in probed], side="user"),
        item_type=common_type(config.id_types.item, [file.item for file in probed], side="item"),
        # With as_of there are no later events. Hints still need a limit that all times of the files respect.
        latest=max(config.as_of, clock) if config.as_of else clock + config.future_tolerance,
    )


def unit_hints(probed: Sequence[Probed], clock: datetime) -> list[str]:
    """Return a hint for each source whose epoch times are read in one unit but fit another unit better."""
    hints = []
    for file in probed:
        times = file.later.facts if file.later else file.time
        unit = plausible_unit(times, clock) if times else None
        if file.form in UNIT_NAMES and unit not in (None, file.form):
            hints.append(f"the values look like {UNIT_NAMES[unit]}: set events.timestamp_format: {unit}")
    return hints


def _height(path: Path) -> int:
    return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())


def _write(frames: dict[Path, pl.LazyFrame]) -> None:
    """Write each frame to its path. Common parts of the frames are computed once."""
    sinks = [
        frame.sink_parquet(
            path, compression_level=1, row_group_size=_GROUP_ROWS, maintain_order=True, lazy=True
        )
        for path, frame in frames.items()
    ]
    with reading("the events"), refusals_at(next(iter(frames))):
        pl.collect_all(sinks, engine="streaming")
