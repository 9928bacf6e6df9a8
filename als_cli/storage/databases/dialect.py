"""What differs between databases: names of objects in their catalogues, views, locks, types."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from als_cli.errors import ConfigError
from als_cli.storage.databases.address import DatabaseAddress


@dataclass(frozen=True)
class Dialect:
    """The SQL of one kind of database. Queries have the parameters schema (None: the default) and name, in this order."""

    title: str
    """Name in messages."""
    module: str
    """Module with the function `connect`."""
    extra: str
    """The extra of als-cli that installs the module."""
    relation: str
    """Query of the kind of a table or view; one row if it exists, with VIEW or v for a view."""
    definition: str
    """Query of the SELECT of a view."""
    parameter: Callable[[int], str] = lambda number: f"${number}"
    """Parameter `number` from 1 in a statement."""
    has_schemas: bool = True
    has_arrays: bool = True
    replaces_views: bool = True
    """Whether CREATE OR REPLACE VIEW exists. Otherwise a transaction drops the view and creates it."""
    keeps_view_columns: bool = False
    """Whether a new definition of a view must have all columns of the old one, with their types."""
    needs_index: bool = True
    """Whether queries of one user need an index."""
    waits_for_readers: bool = False
    """Whether a transaction that changes a view waits for the readers of the view."""

    def check_types(self, schema: pl.Schema) -> None:
        """Return when the database can store tables of `schema`.

        Raises
        ------
        ConfigError
            A column has a type that the database lacks.
        """
        for name, dtype in schema.items():
            is_list = isinstance(dtype, pl.List | pl.Array)
            inner = dtype.inner if isinstance(dtype, pl.List | pl.Array) else dtype
            if (is_list and not self.has_arrays) or isinstance(inner, pl.Struct | pl.List | pl.Array):
                raise ConfigError(
                    f"{self.title} cannot store column {name} of the lists, which has type {dtype}",
                    hint="leave the column out, or write the lists to files",
                )


_INFORMATION_SCHEMA = (
    "select table_type from information_schema.tables"
    " where table_schema = coalesce({schema}, current_schema()) and table_name = {name}"
)
_DIALECTS = {
    "postgresql": Dialect(
        title="PostgreSQL",
        module="adbc_driver_postgresql.dbapi",
        extra="postgres",
        relation=(
            "select c.relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = coalesce($1::text, current_schema()) and c.relname = $2::text"
        ),
        definition=(
            "select pg_get_viewdef(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = coalesce($1::text, current_schema()) and c.relname = $2::text and c.relkind = 'v'"
        ),
        keeps_view_columns=True,
        waits_for_readers=True,
    ),
    "duckdb": Dialect(
        title="DuckDB",
        module="adbc_driver_duckdb.dbapi",
        extra="duckdb",
        relation=_INFORMATION_SCHEMA.format(schema="$1::text", name="$2"),
        definition=(
            "select sql from duckdb_views()"
            " where schema_name = coalesce($1::text, current_schema()) and view_name = $2"
        ),
        needs_index=False,
    ),
    "sqlite": Dialect(
        title="SQLite",
        module="adbc_driver_sqlite.dbapi",
        extra="sqlite",
        relation="select upper(type) from sqlite_master where ?1 is null and name = ?2",
        definition="select sql from sqlite_master where ?1 is null and type = 'view' and name = ?2",
        parameter=lambda number: f"?{number}",
        has_schemas=False,
        has_arrays=False,
        replaces_views=False,
    ),
    "other": Dialect(
        title="the database",
        module="adbc_driver_manager.dbapi",
        extra="postgres",
        relation=_INFORMATION_SCHEMA.format(schema="?", name="?"),
        definition=(
            "select view_definition from information_schema.views"
            " where table_schema = coalesce(?, current_schema()) and table_name = ?"
        ),
        parameter=lambda _: "?",
        replaces_views=False,
    ),
}


def dialect_of(address: DatabaseAddress) -> Dialect:
    """Return the dialect of the database at `address`."""
    return _DIALECTS[address.system]


def quoted(*names: str | None) -> str:
    """Return the name of an object as an SQL identifier, with its schema first; None is left out."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names if name)
