"""A connection to a database through ADBC. Its errors become errors of als-cli, without passwords."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import polars as pl
import pyarrow as pa

from als_cli.errors import AlsError, ConfigError, DataError, ResourceError
from als_cli.storage.databases.address import DatabaseAddress
from als_cli.storage.databases.dialect import Dialect, dialect_of
from als_cli.storage.durable import make_folder

_SQLITE_BATCH_ROWS = 65_536
_NO_SUCH_PLACE = re.compile(r'(database|role) ".*" does not exist')
_PREFIX = re.compile(r"^[A-Z_]+: (\[\w+\] )?")


class ViewLockedError(ResourceError):
    """Readers keep a view or a table locked (exit code 7)."""


class TableInUseError(ResourceError):
    """Objects that als-cli did not make depend on a table (exit code 7)."""


class NotAllowedError(ResourceError):
    """The user of the database lacks a right (exit code 7)."""


_UNAVAILABLE = (ResourceError, "the published lists are unchanged; run again when the database works")
_NO_PLACE = (ConfigError, "create it, or change recommend.output.database")
_MEANINGS: dict[str, tuple[type[AlsError], str]] = {
    "55P03": (ViewLockedError, "end the transactions that use the view, or raise lock_timeout"),
    "2BP01": (TableInUseError, "drop the objects that depend on it"),
    "42501": (
        NotAllowedError,
        "als-cli must be allowed to create tables and views in the schema, and own its views",
    ),
    "42P16": (ConfigError, "drop the view, or choose another recommend.output.database.table"),
    "3D000": _NO_PLACE,
    "3F000": _NO_PLACE,
    "22": (DataError, "the database cannot store a value of the lists"),
    "54": (DataError, "a value of the lists is too long for the database, for example an id for an index"),
}
"""Error and hint for each SQLSTATE, or for its first two characters."""


class Database:
    """An open connection. Statements belong to a transaction until :meth:`commit`."""

    def __init__(self, address: DatabaseAddress, connection: Any) -> None:
        self.address = address
        self.dialect: Dialect = dialect_of(address)
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement without result."""
        with self._errors(), self._connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of `query`."""
        with self._errors(), self._connection.cursor() as cursor:
            cursor.execute(query, parameters or None)
            return [tuple(row) for row in cursor.fetchall()]

    @contextmanager
    def batches(self, query: str) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        """Yield the schema of `query` and its record batches, which the database sends one after the other."""
        with self._errors(), self._connection.cursor() as cursor:
            if self.address.system == "sqlite":
                # The first batch determines the types of all columns. Columns without a value there would be numbers.
                cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(_SQLITE_BATCH_ROWS)})
            cursor.execute(query)
            reader = cursor.fetch_record_batch()
            yield reader.schema, self._batches_of(reader)

    def columns(self, relation: str) -> list[str]:
        """Return the names of the columns of the table or view `relation`, an SQL identifier."""
        with self._errors(), self._connection.cursor() as cursor:
            cursor.execute(f"select * from {relation} where 1 = 0")  # noqa: S608 - a checked name
            return [column[0] for column in cursor.description]

    def load(self, schema: str | None, table: str, frame: pl.DataFrame, *, create: bool = False) -> None:
        """Append `frame` to `table` by the bulk load of the database; `create` makes the table first."""
        mode = "create" if create else "append"
        rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        with self._errors(), self._connection.cursor() as cursor:
            cursor.adbc_ingest(table, rows, mode=mode, db_schema_name=schema)

    def commit(self) -> None:
        """Make the changes of the transaction visible to others, all at once."""
        with self._errors():
            self._connection.commit()

    def rollback(self) -> None:
        """Undo the changes of the transaction, also on a connection that has failed."""
        with suppress(Exception):  # the database undoes them itself when the connection is lost
            self._connection.rollback()

    def close(self) -> None:
        """Close the connection. Changes without :meth:`commit` are undone."""
        self.rollback()
        with suppress(Exception):
            self._connection.close()

    def _batches_of(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        while True:
            try:
                with self._errors():
                    batch = reader.read_next_batch()
            except StopIteration:
                return
            except (OSError, pa.ArrowException) as lost:  # Arrow has no error of ADBC
                text = self.address.without_secrets(_first_line(str(lost)))
                raise ResourceError(f"{self.address.shown}: {text}", hint=_UNAVAILABLE[1]) from None
            yield batch

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with database_errors(self.address):
            yield


def driver_of(address: DatabaseAddress) -> Any:
    """Return the function that connects to the database at `address`.

    Raises
    ------
    ConfigError
        The extra with the driver is not installed.
    """
    dialect = dialect_of(address)
    try:
        import_module("adbc_driver_manager.dbapi")
        return import_module(dialect.module).connect
    except ImportError as missing:
        raise ConfigError(
            f"lists in {dialect.title} need a package that is not installed: {missing.name}",
            hint=f"pip install 'als-cli[{dialect.extra}]'",
        ) from None


@contextmanager
def open_database(address: DatabaseAddress, *, create: bool = False) -> Iterator[Database]:
    """Yield a connection to the database at `address`; `create` makes the file of a new DuckDB or SQLite database.

    Raises
    ------
    ConfigError
        The extra with the driver is not installed.
    ResourceError
        The database cannot be reached.
    """
    connect = driver_of(address)
    is_new = address.file is not None and not address.file.exists()
    if address.file is not None and create:
        make_folder(address.file.parent)
    with database_errors(address):
        if address.driver is None:
            connection = connect(address.uri)
        else:
            connection = connect(address.driver, address.uri, entrypoint=address.entrypoint)
    database = Database(address, connection)
    try:
        if address.system == "sqlite":
            _prepare_sqlite(connection, is_new=is_new)
        yield database
    finally:
        database.close()


def _prepare_sqlite(connection: Any, *, is_new: bool) -> None:
    # Readers of a file in WAL mode never wait for the writer. The mode of existing files is the choice of their owner.
    connection.adbc_connection.set_autocommit(True)
    with suppress(Exception), connection.cursor() as cursor:
        for pragma in ("busy_timeout = 5000", *(["journal_mode = wal"] if is_new else [])):
            cursor.execute(f"pragma {pragma}")
            cursor.fetchall()
    connection.adbc_connection.set_autocommit(False)


@contextmanager
def database_errors(address: DatabaseAddress) -> Iterator[None]:
    """Turn errors of ADBC in the block into errors of als-cli that name the database; let other errors pass."""
    from adbc_driver_manager import Error

    try:
        yield
    except Error as failure:
        # The text of the original error may contain a password, so it is not kept as the cause.
        raise _described(address, failure) from None


def _described(address: DatabaseAddress, failure: Any) -> AlsError:
    state, text = failure.sqlstate or "", _first_line(str(failure))
    kind, hint = _MEANINGS.get(state) or _MEANINGS.get(state[:2]) or _UNAVAILABLE
    if _NO_SUCH_PLACE.fullmatch(text):  # a connection that fails has no SQLSTATE
        kind, hint = _NO_PLACE
    return kind(f"{address.shown}: {address.without_secrets(text)}", hint=hint)


def _first_line(text: str) -> str:
    """Return the message of the database in `text`, without the prefixes of the driver."""
    for mark in ("ERROR:", "FATAL:"):
        if mark in text:
            return text.partition(mark)[2].strip().splitlines()[0]
    lines = _PREFIX.sub("", text).strip().splitlines()
    return lines[0] if lines else "unknown error"
