"""The first rows of a source, parsed and checked as `als ingest` does it."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.events.checks import REASONS, checked, clean_events, raw_text, rejected_rows
from als_cli.events.cleaning import id_types_and_limit, unit_hints
from als_cli.events.probe import Probed, probe
from als_cli.events.sources import Source
from als_cli.events.time_patterns import time_hint
from als_cli.events.times import UTC_MICROSECONDS, within_calendar
from als_cli.tables.scan import reading

PARSED = {
    "user": "user_id",
    "item": "item_id",
    "timestamp": "time",
    "type": "type",
    "value": "number",
    "title": "title",
}
"""The parsed column of each role."""


@dataclass(frozen=True)
class FirstRows:
    """The first rows of one source."""

    probed: Probed
    rows: pl.DataFrame
    """Two columns per role, String: `raw ROLE`, and `parsed ROLE`, which is null where a value cannot be parsed."""
    parsed_types: Mapping[str, pl.DataType]
    """The type of the parsed values of each role."""
    clean: pl.DataFrame
    """The clean events (CLEAN_EVENT_COLUMNS)."""
    rejected: pl.DataFrame
    """The rejected rows (REJECTED_COLUMNS)."""
    hints: Mapping[str, str]
    """A hint per reason, for reasons whose cause is known."""


def first_rows(
    source: Source, config: EventsConfig, clock: datetime, spool: Path, shared: Collection[str]
) -> FirstRows:
    """Return the rows of `source`, which are few, parsed and checked. `spool` is a folder for temporary files.

    `shared` are the roles whose columns have the same name in all sources, so that `events.where` can name them.

    Raises
    ------
    AlsError
        The rows cannot be read, or a key of section `events` does not fit them.
    """
    probed = probe(source, config, clock)
    how = id_types_and_limit([probed], config, clock)
    one = checked(probed, how, config)
    roles = [role for role in PARSED if role in one.dtypes]
    raw = [raw_text(role, one.dtypes).alias(f"raw {role}") for role in roles]
    parsed = [_parsed_text(role).alias(f"parsed {role}") for role in roles]
    with reading(source.file.shown, source.fmt):
        rows, clean, rejected = pl.collect_all(
            [one.rows.select(*raw, *parsed), clean_events(one, config), rejected_rows(one)]
        )
    path = spool / "rejected.parquet"
    rejected.write_parquet(path)
    schema = one.rows.collect_schema()
    types = {role: schema[PARSED[role]] for role in roles}
    hints = _hints(probed, rejected, config, how.latest, path)
    hints |= {
        f"null_{'time' if role == 'timestamp' else role}": hint
        for role, hint in _null_hints(probed, rejected, config, shared).items()
    }
    return FirstRows(probed, rows, types, clean, rejected, hints)


def _parsed_text(role: str) -> pl.Expr:
    column = pl.col(PARSED[role])
    if role == "timestamp":
        # polars cannot show times outside the calendar.
        return within_calendar(column, UTC_MICROSECONDS).dt.strftime("%Y-%m-%d %H:%M:%S")
    return column.cast(pl.String)


def _hints(
    probed: Probed, rejected: pl.DataFrame, config: EventsConfig, latest: datetime, path: Path
) -> dict[str, str]:
    """Return the hints for values that cannot be read. `path` is the file of the `rejected` rows."""
    units = unit_hints([probed], latest)
    found: dict[str, str | None] = {}
    for reason in rejected["reason"].unique(maintain_order=True):
        if reason == "unreadable_time":
            found[reason] = time_hint([probed], path, latest, config.max_bad_fraction)
        elif reason == "future_time":
            found[reason] = units[0] if units else "check the clock of the system that wrote the events"
        elif reason == "unknown_type":
            types = rejected.filter(pl.col("reason") == reason)["type"].unique().sort().head(5).to_list()
            found[reason] = (
                f"add {', '.join(map(repr, types))} to events.types, or set events.unlisted_types: drop"
            )
        elif reason == "unreadable_value":
            found[reason] = "set events.columns.value to a column of numbers, or convert it with events.query"
    return {reason: hint for reason, hint in found.items() if hint}


def _null_hints(
    probed: Probed, rejected: pl.DataFrame, config: EventsConfig, shared: Collection[str]
) -> dict[str, str]:
    """Return the hint for rows without a value of a role, by role."""
    fraction = math.ceil(100 * rejected.height / max(1, probed.rows)) / 100
    hints = {}
    for role, name in probed.source.columns.items():
        if config.where is None and role in shared:
            quoted = name if name.isidentifier() else '"' + name.replace('"', '""') + '"'
            hints[role] = f"to leave these rows out, set events.where: {quoted} is not null"
        else:
            hints[role] = f"to accept these rows, set events.max_bad_fraction: {fraction:g}"
    return hints


def meanings(rejected: pl.DataFrame) -> Sequence[tuple[str, str, int, int, str]]:
    """Return reason, meaning, number of rows, first row and first raw fields of the rejected rows, by reason."""
    found = []
    for reason, meaning in REASONS.items():
        rows = rejected.filter(pl.col("reason") == reason)
        if rows.height:
            first = rows.row(0, named=True)
            fields = ("user", "item", "timestamp", "type", "value")
            example = ", ".join(f"{name}={first[name]!r}" for name in fields if first[name])
            found.append((reason, meaning, rows.height, int(first["row"]), example or "all fields empty"))
    return found
