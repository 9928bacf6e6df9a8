"""Raw events into two files: the clean events and the rejected rows, with every row accounted for."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.errors import DataError, refusals_at
from als_cli.events.checks import CLEAN_EVENT_COLUMNS, Reading, checked, clean_events, rejected_rows
from als_cli.events.ids import common_type
from als_cli.events.probe import Probed, types_of, unlisted
from als_cli.events.quarantine import check_bad_share, count_reasons, too_many
from als_cli.events.time_patterns import time_hint
from als_cli.events.times import UNIT_NAMES, check_format, plausible_unit, time_format
from als_cli.tables.scan import reading

log = logging.getLogger(__name__)

_GROUP_ROWS = 250_000
"""Fixed, so that where row groups end does not depend on threads."""
_MAPPED_COLUMNS = ("user_id", "item_id", "timestamp", "type", "value")


@dataclass(frozen=True)
class Cleaned:
    """What became of every row."""

    rows: int
    """Rows read."""
    kept: int
    """Clean events."""
    dropped: dict[str, int]
    """Rows left out on purpose: where, unlisted_type, negative, duplicate."""
    rejected: dict[str, int]
    """Bad rows per reason."""


def write_clean_events(
    probed: Sequence[Probed], config: EventsConfig, clean: Path, rejected: Path, spool: Path
) -> Cleaned:
    """Return the accounts after writing `clean` (CLEAN_EVENT_COLUMNS) and `rejected` (REJECTED_COLUMNS), Parquet.

    Rows keep the order of the input. `spool` is a folder for temporary files.

    Raises
    ------
    DataError
        No rows, clashing ids, times of an unknown unit, or more bad rows than the config tolerates.
    ConfigError
        `events.timestamp_format` is no format.
    """
    dropped = {
        "where": sum(one.outside for one in probed),
        "unlisted_type": sum(sum(unlisted(one.types, config).values()) for one in probed),
    }
    rows = sum(one.rows for one in probed)
    inside = rows - sum(dropped.values())
    _check_any(probed, rows, inside)
    clock = datetime.now(UTC)
    forms = _time_formats(probed, config, clock)
    how = _how(probed, config, clock)
    sources = [checked(one, form, how, config) for one, form in zip(probed, forms, strict=True)]
    exact = config.duplicates == "exact"
    first = spool / "with-duplicates.parquet" if exact else clean
    columns = (*CLEAN_EVENT_COLUMNS, "type") if exact else CLEAN_EVENT_COLUMNS
    good_rows = pl.concat(clean_events(source, config) for source in sources)
    _write(
        {first: good_rows.select(columns), rejected: pl.concat(rejected_rows(source) for source in sources)}
    )
    bad = count_reasons(rejected)
    units = _unit_hints(probed, forms, clock)
    hints = {"future_time": units[0]} if units else {}
    if "unreadable_time" in bad and too_many(sum(bad.values()), inside, config):
        hint = time_hint(probed, forms, rejected, how.latest, config.max_bad_fraction)
        hints |= {"unreadable_time": hint} if hint else {}
    check_bad_share(bad, inside, rejected, config, hints)
    for unit in units:
        log.warning("timestamps: %s", unit)
    good = _height(first)
    dropped["negative"] = inside - sum(bad.values()) - good
    if exact:
        once = pl.scan_parquet(first).unique(_MAPPED_COLUMNS, keep="first", maintain_order=True)
        _write({clean: once.select(CLEAN_EVENT_COLUMNS)})
        dropped["duplicate"] = good - _height(clean)
    kept = good - dropped.get("duplicate", 0)
    return Cleaned(rows, kept, {reason: n for reason, n in dropped.items() if n}, bad)


def _check_any(probed: Sequence[Probed], rows: int, inside: int) -> None:
    if rows == 0:
        files = ", ".join(one.source.file.shown for one in probed[:3]) + (" …" if len(probed) > 3 else "")
        raise DataError(f"there are no events: {files} has no rows", hint="check how the file was written")
    if inside == 0:
        found = ", ".join(repr(name) for name in list(types_of(probed))[:5])
        raise DataError(
            f"none of the {rows} rows is left after events.where and events.types",
            hint=f"check both; types found inside the condition: {found or 'none'}",
        )


def _how(probed: Sequence[Probed], config: EventsConfig, clock: datetime) -> Reading:
    return Reading(
        user_type=common_type(config.id_types.user, [one.user for one in probed], side="user"),
        item_type=common_type(config.id_types.item, [one.item for one in probed], side="item"),
        latest=(config.now or clock) + config.future_tolerance,
    )


def _time_formats(probed: Sequence[Probed], config: EventsConfig, clock: datetime) -> list[str]:
    check_format(config.timestamp_format)
    return [
        "auto" if one.time is None else time_format(config.timestamp_format, one.time, clock)
        for one in probed
    ]


def _unit_hints(probed: Sequence[Probed], forms: Sequence[str], clock: datetime) -> list[str]:
    """Return a hint for each source whose epochs were read in one unit but look like another."""
    hints = []
    for one, form in zip(probed, forms, strict=True):
        unit = plausible_unit(one.time, clock) if one.time else None
        if form in UNIT_NAMES and unit not in (None, form):
            hints.append(f"the values look like {UNIT_NAMES[unit]}: set events.timestamp_format: {unit}")
    return hints


def _height(path: Path) -> int:
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def _write(frames: dict[Path, pl.LazyFrame]) -> None:
    """Write each frame to its path, in one pass over what they share."""
    sinks = [
        frame.sink_parquet(
            path, compression_level=1, row_group_size=_GROUP_ROWS, maintain_order=True, lazy=True
        )
        for path, frame in frames.items()
    ]
    with reading("the events"), refusals_at(next(iter(frames))):
        pl.collect_all(sinks, engine="streaming")
