"""`events.query`: the events as the result of an SQL query over the files."""

import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from als_cli.config.query import EVENTS_TABLE, loses_order
from als_cli.errors import ConfigError, DataError, refusals_at
from als_cli.tables.broken import condensed, is_failed_cast
from als_cli.tables.scan import TableFile, reading

RESULT = "events.query"
"""The name of the result in messages and reports, in place of a file."""
_KEY = "events.query"
_CAST_HINT = (
    "use try_cast, which gives null for this value, or strptime(x, '%d.%m.%Y') for a time in another format"
)
_LOCATION = re.compile(r"Location\((\d+),(\d+)\)")
_DUMP = re.compile(r":? \w+\(\w* ?\{.*|,? found \w+\(.*|:? \w+\((?:Identifier|Value|Compound).*", re.DOTALL)
_MISTAKES = (
    *(pl.exceptions.ColumnNotFoundError, pl.exceptions.SQLInterfaceError, pl.exceptions.SQLSyntaxError),
    *(pl.exceptions.SchemaError, pl.exceptions.DuplicateError, pl.exceptions.InvalidOperationError),
    *(pl.exceptions.StructFieldNotFoundError, pl.exceptions.ShapeError),
)
"""Errors of polars whose cause is the query and not the data."""


def run_query(query: str, tables: Mapping[str, pl.LazyFrame], spool: Path) -> tuple[TableFile, pl.LazyFrame]:
    """Return the file with the result of `query` over `tables`, which is written into the folder `spool`, and its scan.

    The query runs once. So the numbers of the rows of the result are the same in every later pass. The result is
    sorted by all its columns if the order of its rows is not determined.

    Raises
    ------
    ConfigError
        The query is no SQL, or names a table or column that does not exist. The message has the position.
    DataError
        A cast fails, or a file cannot be read.
    """
    result = _parsed(query, tables)
    if loses_order(query):
        names = [name for name, dtype in result.collect_schema().items() if not dtype.is_nested()]
        result = result.sort(names, nulls_last=True) if names else result
    path = spool / "query.parquet"
    try:
        with refusals_at(path):
            result.sink_parquet(path, compression_level=1, maintain_order=True, engine="streaming")
    except _MISTAKES as mistake:
        raise _error(mistake, tables) from mistake
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as broken:
        is_format = "format to parse" in str(broken)
        hint = _CAST_HINT if is_format else "check the files of events.source and events.tables"
        raise DataError(f"{_KEY} fails: {condensed(broken)}", hint=hint) from broken
    with reading(RESULT):
        return TableFile(RESULT, path), pl.scan_parquet(path, glob=False)


def _parsed(query: str, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    try:
        with pl.SQLContext(frames=tables, eager=False, register_globals=False) as sql:
            result = sql.execute(query)
        result.collect_schema()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError) as mistake:
        raise _error(mistake, tables) from mistake
    return result


def _error(mistake: BaseException, tables: Mapping[str, pl.LazyFrame]) -> ConfigError | DataError:
    if is_failed_cast(mistake):
        return DataError(
            f"{_KEY} fails: {condensed(mistake)}",
            hint=_CAST_HINT,
        )
    return ConfigError(f"{_KEY} cannot be used: {_said(mistake)}", hint=_hint(str(mistake), tables))


def _said(mistake: BaseException) -> str:
    """Return the message of polars in one line, with the position, and without its dump of the parsed query."""
    place = _LOCATION.search(str(mistake))
    said = condensed(mistake).removeprefix("sql parser error: ")
    if place is not None:
        said = f"{_DUMP.sub('', said)} at line {place[1]}, column {place[2]}"
    said = said.replace("valid columns: [", "its columns are [")
    return said[:1].lower() + said[1:]


def _hint(message: str, tables: Mapping[str, pl.LazyFrame]) -> str:
    if "dot-notation" in message or "array expression" in message or "field access" in message:
        return (
            "join a list to its row first, then name its fields: "
            "select i.item_id from events cross join unnest(items) as i"
        )
    if "relation" in message and "not found" in message:
        further = ", ".join(name for name in tables if name != EVENTS_TABLE)
        return f"the tables are {EVENTS_TABLE}{', ' + further if further else ''}; events.tables adds more"
    return "docs/init.md describes the queries; `als check` runs them on the first rows"
