"""The configured sources of events: files, columns and raw types."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from als_cli.config.condition import columns_in
from als_cli.config.events import EventsConfig
from als_cli.config.query import EVENTS_TABLE
from als_cli.config.source import SourceConfig, TableFormat
from als_cli.errors import ConfigError
from als_cli.events.query import run_query
from als_cli.tables.columns import MissingColumnError, column
from als_cli.tables.conditions import ROW, mark
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import (
    STDIN,
    FindFiles,
    TableFile,
    find_files,
    reading,
    scan_file,
)

log = logging.getLogger(__name__)

ROLES = ("user", "item", "timestamp", "type", "value", "title")
"""The roles that a column can have."""
_KEPT = "\0kept"


@dataclass(frozen=True)
class Declared:
    """One entry of `events.source`, with the format and columns that it inherits from section `events`."""

    path: str
    fmt: TableFormat
    columns: dict[str, str | int]
    """Column reference per mapped role."""
    columns_key: str
    """Config key of the columns, for messages."""
    section: str
    """Config key of the section that has key `header`, for messages."""
    in_condition: tuple[str, ...] = ()
    """Columns that `events.where` uses."""

    @property
    def wanted(self) -> Wanted:
        """Column references by config key."""
        columns = {f"{self.columns_key}.{role}": ref for role, ref in self.columns.items()}
        return Wanted(self.section, columns, self.in_condition)


@dataclass(frozen=True)
class Source:
    """One file of events with its columns."""

    file: TableFile
    fmt: TableFormat
    columns: dict[str, str]
    """Column name per role."""
    dtypes: dict[str, pl.DataType]
    """Raw type per role."""
    rows: pl.LazyFrame
    """All columns of the file, and the number of each row."""

    def raw(self, where: str | None) -> pl.LazyFrame:
        """Return row (UInt32, from 1), one column of raw type per role, and kept (Boolean): whether `where` is true.

        Raises
        ------
        ConfigError
            `where` cannot be applied to the file.
        """
        if where is None:
            marked = self.rows.with_columns(pl.lit(value=True).alias(_KEPT))
        else:
            marked = mark(self.rows, where, _KEPT, key="events.where", file=self.file.shown)
        roles = [pl.col(name).alias(role) for role, name in self.columns.items()]
        return marked.select(pl.col(ROW).alias("row"), *roles, pl.col(_KEPT).alias("kept"))


def declared_sources(config: EventsConfig) -> tuple[Declared, ...]:
    """Return the entries of `events.source` in order. An entry inherits missing keys from section `events`.

    Raises
    ------
    ConfigError
        Two entries name stdin, or there are tables without a query.
    """
    if config.tables and config.query is None:
        raise ConfigError(
            "events.tables needs events.query", hint="write the query that uses them, or remove events.tables"
        )
    entries = (config.source,) if isinstance(config.source, str) else config.source
    declared = tuple(_declared(config, entry, number) for number, entry in enumerate(entries))
    if sum(entry.path == STDIN for entry in declared) > 1:
        raise ConfigError(
            "events.source names stdin (`-`) more than once",
            hint="stdin can be read only once; remove the other entries",
        )
    return declared


def input_paths(config: EventsConfig) -> tuple[str, ...]:
    """Return the paths of all files that section `events` reads, in the order in which :func:`find_sources` finds them."""
    sources = [source.path for source in declared_sources(config)]
    return (*sources, *(table.path for table in config.further_tables.values()))


def find_sources(
    config: EventsConfig,
    stdin: BinaryIO,
    spool: Path,
    find: FindFiles = find_files,
    *,
    first_rows: int | None = None,
) -> tuple[Source, ...]:
    """Return one source per file, in the order of the config. The files of a glob are sorted. `find` finds the files.

    With `events.query`, its result is the only source. `first_rows` limits the rows of each file.

    Raises
    ------
    ConfigError
        A file has no column of that name, or a key of section `events` needs a column that is not mapped. Or
        `events.query` cannot be used.
    DataError
        A file cannot be read.
    """
    if config.query is not None:
        sources = [_queried(config, config.query, stdin, spool, find, first_rows)]
    else:
        sources = _read(config, stdin, spool, find, first_rows)
    _check_required_columns(config, sources)
    for name, count in Counter(source.file.name for source in sources).items():
        if count > 1:
            log.warning("%s is read %d times because several entries of events.source name it", name, count)
    return tuple(sources)


def _read(
    config: EventsConfig, stdin: BinaryIO, spool: Path, find: FindFiles, first_rows: int | None
) -> list[Source]:
    sources: list[Source] = []
    for entry in declared_sources(config):
        for file in find(entry.path, stdin=stdin, spool=spool):
            try:
                sources.append(_source(file, entry, spool, first_rows))
            except MissingColumnError as misfit:
                raise _with_columns_hint(misfit, entry, sources) from misfit
    return sources


def _queried(
    config: EventsConfig, query: str, stdin: BinaryIO, spool: Path, find: FindFiles, first_rows: int | None
) -> Source:
    """Return the result of `query` as a source."""
    declared = declared_sources(config)
    for entry in declared:
        if entry.columns_key != "events.columns":
            raise ConfigError(
                f"{entry.columns_key} has no effect with events.query",
                hint="name the columns of the result in events.columns, or leave out events.query",
            )
    formats = {EVENTS_TABLE: [(entry.path, entry.fmt) for entry in declared]}
    formats |= {name: [(table.path, table)] for name, table in config.further_tables.items()}
    tables = {}
    for name, entries in formats.items():
        rows = first_rows if name == EVENTS_TABLE else None
        scans = [
            _first(scan_file(file, fmt, spool=spool), rows)
            for path, fmt in entries
            for file in find(path, stdin=stdin if name == EVENTS_TABLE else None, spool=spool)
        ]
        # Files of several years may have different columns. A query names the columns that it needs.
        tables[name] = pl.concat(scans, how="diagonal_relaxed")
    file, frame = run_query(query, tables, spool)
    return _with_roles(file, replace(declared[0], fmt=TableFormat()), frame)


def _first(frame: pl.LazyFrame, rows: int | None) -> pl.LazyFrame:
    return frame if rows is None else frame.head(rows)


def _with_columns_hint(
    misfit: MissingColumnError, declared: Declared, before: Sequence[Source]
) -> ConfigError:
    """Return `misfit` with a hint to map columns per file, if an earlier file has the same columns."""
    if declared.columns_key != "events.columns" or not before:
        return misfit
    where = f"{{path: {declared.path}, columns: {{…}}}}"
    hint = (
        f"{misfit.hint}; {before[0].file.shown} has this column: for files with different columns, "
        f"write {where} in events.source"
    )
    return ConfigError(misfit.message, hint=hint)


def _declared(config: EventsConfig, entry: str | SourceConfig, number: int) -> Declared:
    # Take only keys that the config sets, because numbered columns need an explicit `header`.
    shape = _shape(config)
    columns, key, section, path = config.columns, "events.columns", "events", entry
    if isinstance(entry, SourceConfig):
        shape |= _shape(entry)
        section, path = f"events.source[{number}]", entry.path
        if entry.columns is not None:
            columns, key = entry.columns, f"{section}.columns"
    refs = {role: ref for role in ROLES if (ref := getattr(columns, role)) is not None}
    return Declared(str(path), TableFormat(**shape), refs, key, section, columns_in(config.where))


def _shape(declared: TableFormat) -> dict[str, Any]:
    named = TableFormat.model_fields.keys() & declared.model_fields_set
    return {name: getattr(declared, name) for name in named}


def _source(file: TableFile, declared: Declared, spool: Path, first_rows: int | None) -> Source:
    frame = _first(scan_file(file, declared.fmt, declared.wanted, spool=spool), first_rows)
    return _with_roles(file, declared, frame)


def _with_roles(file: TableFile, declared: Declared, frame: pl.LazyFrame) -> Source:
    """Return the source of `frame`, the rows of `file`, with the columns that `declared` maps."""
    with reading(file.shown, declared.fmt):
        schema = frame.collect_schema()
    columns = {
        role: column(schema.names(), ref, key=f"{declared.columns_key}.{role}", file=file.shown)
        for role, ref in declared.columns.items()
    }
    dtypes = {role: schema[name] for role, name in columns.items()}
    return Source(file, declared.fmt, columns, dtypes, frame.with_row_index(ROW, offset=1))


def _check_required_columns(config: EventsConfig, sources: Sequence[Source]) -> None:
    """Raise a ConfigError if a key of section `events` needs a column that a source does not map."""
    lacking = {
        role: [s.file.shown for s in sources if role not in s.columns] for role in ("timestamp", "type")
    }
    if config.types is not None and lacking["type"]:
        raise ConfigError(
            f"events.types sets weights, but no column of {lacking['type'][0]} is mapped as the type",
            hint="set events.columns.type, or remove events.types",
        )
    if 0 < len(lacking["timestamp"]) < len(sources):
        raise ConfigError(
            f"{lacking['timestamp'][0]} has no timestamp column while other sources have one",
            hint="map a timestamp in all sources or in none",
        )
    needs_time = {
        "as_of": config.as_of is not None,
        "half_life": config.half_life is not None,
        "duplicates: last": config.duplicates == "last",
    }
    for key, needed in needs_time.items():
        if needed and lacking["timestamp"]:
            raise ConfigError(
                f"events.{key} needs the times of the events",
                hint="set events.columns.timestamp to the column of times",
            )
