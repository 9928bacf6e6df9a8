"""What a table says about users or items: the values of some of its columns by id."""

import logging
from dataclasses import dataclass

import polars as pl

from als_cli.config.evaluate import CohortTable
from als_cli.dataset.interactions import cast_ids, rows_of
from als_cli.errors import ConfigError, DataError
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, column, find_files, reading, scan_table

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attributes:
    """Values by id."""

    path: str
    key: str
    """The config key of the table."""
    ids: pl.Series
    """Ids in the dataset's type, each once."""
    values: dict[str, pl.Series]
    """By column: the value of each id as String, null where there is none or a blank one."""
    examples: str
    """Some ids as they stand in the file, for messages."""

    def of(self, wanted: pl.Series) -> dict[str, list[str | None]]:
        """Return the values of the ids `wanted` by column, None where the table has none.

        Raises
        ------
        DataError
            The table has none of the ids.
        """
        rows = rows_of(self.ids, wanted)
        if not (rows >= 0).any():
            raise DataError(
                f"{self.key}: none of the {len(wanted)} ids to divide stands in {self.path}: "
                f"it has {self.examples}, the dataset has {wanted[0]!r} ({wanted.dtype})",
                hint=f"check {self.key}.column, and events.id_types for the type of ids",
            )
        places = pl.Series(rows).replace(-1, None)
        return {name: values.gather(places).to_list() for name, values in self.values.items()}


def read_attributes(
    config: CohortTable, key: str, id_type: pl.DataType, find: FindFiles = find_files
) -> Attributes:
    """Return the columns `config.by` of a table with one row per id; `key` is its config key, `find` finds its files.

    Of several rows of one id the first counts, and a warning says how many there are. Ids that are none of `id_type`
    are left out.

    Raises
    ------
    ConfigError
        A column does not exist, or holds what is no value to divide by.
    DataError
        The file is missing, empty or unreadable.
    """
    wanted = {f"{key}.column": config.column} | {f"{key}.by": ref for ref in config.by}
    scan = scan_table(config.path, config, Wanted(key, wanted), find=find)
    with reading(config.path, config):
        schema = scan.collect_schema()
    names = schema.names()
    id_name = column(names, config.column, key=f"{key}.column", file=config.path)
    by = [column(names, ref, key=f"{key}.by", file=config.path) for ref in config.by]
    for name in by:
        _check_type(name, schema[name], key, config.path)
    with reading(config.path, config):
        table = scan.select(*dict.fromkeys((id_name, *by))).collect()
    if table.height == 0:
        raise DataError(f"{config.path} has no rows", hint="check how the file was written")
    ids = cast_ids(table[id_name], id_type)
    first = (ids.is_not_null() & ids.is_first_distinct()).arg_true()
    repeated = len(ids) - ids.null_count() - len(first)
    if repeated:
        log.warning("%s: %d rows repeat an id of %r; its first row counts", config.path, repeated, id_name)
    return Attributes(
        path=config.path,
        key=key,
        ids=ids.gather(first),
        values={name: _as_text(table[name].gather(first)) for name in by},
        examples=", ".join(repr(value) for value in table[id_name].head(3)),
    )


def _check_type(name: str, dtype: pl.DataType, key: str, file: str) -> None:
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        raise ConfigError(
            f"{key}.by: column {name!r} of {file} holds {dtype}, which cannot name a cohort",
            hint="use a column of texts, integers, or true and false",
        )


def _as_text(values: pl.Series) -> pl.Series:
    present = values.fill_nan(None) if values.dtype.is_float() else values
    text = cast_ids(present, pl.String()).str.strip_chars()
    return text.set(text == "", None)
