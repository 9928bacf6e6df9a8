"""Values of users or items from a table, which divide them into cohorts: `evaluate.cohorts`."""

import logging
from dataclasses import dataclass

import polars as pl

from als_cli.config.evaluate import CohortTable
from als_cli.dataset.interactions import cast_ids, rows_of
from als_cli.errors import ConfigError, DataError
from als_cli.events.ids import check_id_type
from als_cli.tables.columns import column
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, find_files, reading, scan_table

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TableValues:
    """Values of the columns of a table, by id."""

    path: str
    key: str
    """The config key of the table."""
    ids: pl.Series
    """(N,) distinct ids of the dataset's type."""
    values: dict[str, pl.Series]
    """For each column, (N,) String values in the order of `ids`; null if a value is missing or blank."""
    examples: str
    """Some ids as they are in the file, for messages."""

    def of(self, wanted: pl.Series) -> dict[str, list[str | None]]:
        """Return for each column the values of the ids `wanted`; None if the table has no value for an id.

        Raises
        ------
        DataError
            The table contains none of the ids.
        """
        rows = rows_of(self.ids, wanted)
        if not (rows >= 0).any():
            raise DataError(
                f"{self.key}: {self.path} contains none of the {len(wanted)} ids of the dataset. "
                f"The table has {self.examples}, the dataset has {wanted[0]!r} ({wanted.dtype})",
                hint=f"check {self.key}.column, and the type of the ids in events.id_types",
            )
        positions = pl.Series(rows).replace(-1, None)
        return {name: values.gather(positions).to_list() for name, values in self.values.items()}


def read_cohort_table(
    config: CohortTable, key: str, id_type: pl.DataType, find: FindFiles = find_files
) -> TableValues:
    """Return the columns `config.by` of a table with one row per id.

    `key` is the config key of the table, `id_type` the type of the dataset's ids. `find` finds the files of the table.
    If an id has several rows, the first row counts, and a warning gives the number of the other rows. Ids that cannot be
    cast to `id_type` are left out.

    Raises
    ------
    ConfigError
        A column does not exist, or its type cannot name cohorts.
    DataError
        The file is missing, empty or unreadable.
    """
    wanted = {f"{key}.column": config.column} | {f"{key}.by": ref for ref in config.by}
    scan = scan_table(config.path, config, Wanted(key, wanted), find=find)
    with reading(config.path, config):
        schema = scan.collect_schema()
    names = schema.names()
    id_name = column(names, config.column, key=f"{key}.column", file=config.path)
    check_id_type(schema[id_name], column=id_name, file=config.path)
    by = [column(names, ref, key=f"{key}.by", file=config.path) for ref in config.by]
    for name in by:
        _check_type(name, schema[name], key, config.path)
    with reading(config.path, config):
        table = scan.select(*dict.fromkeys((id_name, *by))).collect()
    if table.height == 0:
        raise DataError(
            f"{key}: {config.path} has no rows", hint=f"check {key}.path, and how the file was written"
        )
    ids = cast_ids(table[id_name], id_type)
    first = (ids.is_not_null() & ids.is_first_distinct()).arg_true()
    repeated = len(ids) - ids.null_count() - len(first)
    if repeated:
        log.warning(
            "%s: %d rows repeat an id of column %r; the first row of each id counts",
            config.path,
            repeated,
            id_name,
        )
    with reading(config.path, config):
        values = {name: _as_text(table[name].gather(first)) for name in by}
    return TableValues(
        path=config.path,
        key=key,
        ids=ids.gather(first),
        values=values,
        examples=", ".join(repr(value) for value in table[id_name].head(3)),
    )


def _check_type(name: str, dtype: pl.DataType, key: str, file: str) -> None:
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        raise ConfigError(
            f"{key}.by: column {name!r} of {file} has type {dtype}, which cannot name a cohort",
            hint="use a column of texts, integers, or true and false",
        )


def _as_text(values: pl.Series) -> pl.Series:
    present = values.fill_nan(None) if values.dtype.is_float() else values
    text = cast_ids(present, pl.String()).str.strip_chars()
    return text.set(text == "", None)
