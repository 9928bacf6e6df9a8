"""Lists in a database: a table per version, and a view that shows the published one.

The tables are loaded first, in as many transactions as there are blocks. Nobody reads them yet. One transaction then
switches the views and records the version. If the run is killed before, the next run drops the tables.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import polars as pl

from als_cli.config.database import DatabaseConfig
from als_cli.errors import AlsError, LockedError
from als_cli.storage.databases.address import address_of
from als_cli.storage.databases.database import Database, open_database
from als_cli.storage.databases.dialect import quoted
from als_cli.storage.databases.published_view import PublishedView
from als_cli.storage.manifest import Manifest, new_manifest
from als_cli.storage.sinks.target import KIND, Target

log = logging.getLogger(__name__)

_ATTEMPTS, _PAUSE = 10, 0.3
"""Attempts to take the lock of PostgreSQL, and the pause between them in seconds."""


class DatabaseSink:
    """Loads lists into the tables of a version that is not published yet."""

    def __init__(self, database: Database, view: PublishedView, version: str, schema: pl.Schema) -> None:
        self._database, self._view, self._version = database, view, version
        self._user = schema.names()[0]
        self._rows = 0
        self._lists, self._shortfall = view.tables_of(version)
        self.manifest: Manifest | None = None
        """The manifest of the finished lists."""

    def create(self, schema: pl.Schema, shortfall: pl.Schema) -> None:
        """Make the empty tables.

        Raises
        ------
        ConfigError
            The published view has columns of other types.
        """
        for table, columns in ((self._lists, schema), (self._shortfall, shortfall)):
            self._database.load(self._view.schema, table, pl.DataFrame(schema=columns), create=True)
        self._database.commit()
        self._view.check_columns(self._version)

    def write(self, lists: pl.DataFrame, shortfall: pl.DataFrame, users: int) -> None:  # noqa: ARG002 - the interface
        """Append the rows of a block to the tables."""
        for table, frame in ((self._lists, lists), (self._shortfall, shortfall)):
            if frame.height:
                self._database.load(self._view.schema, table, frame)
        self._rows += lists.height
        self._database.commit()

    def finish(self, key: str, config: dict[str, Any], **fields: Any) -> None:
        """Index the tables, and make the manifest."""
        if self._database.dialect.needs_index:
            for number, table in enumerate((self._lists, self._shortfall)):
                # The name of a table can be as long as a name can be, so the name of its index does not contain it.
                index = quoted(f"als_{self._version}_{number}")
                self._database.execute(
                    f"create index {index} on {self._view.sql(table)} ({quoted(self._user)})"
                )
                self._database.execute(f"analyze {self._view.sql(table)}")
            self._database.commit()
        self.manifest = new_manifest((), kind=KIND, key=key, config=config, **fields)

    def publish(self) -> None:
        """Switch the views to the version and record it, in one transaction. Without a manifest, do nothing."""
        if self.manifest is None:
            return
        with self._view.switched_to(self._version):
            self._view.record(
                self._version,
                key=self.manifest.key,
                rows=self._rows,
                manifest=self.manifest.model_dump_json(),
            )


@contextmanager
def database_sink(
    target: Target, config: DatabaseConfig, schema: pl.Schema, shortfall: pl.Schema
) -> Iterator[DatabaseSink]:
    """Yield a sink to the database in `config`. Publish the lists when the block ends without an exception.

    Raises
    ------
    ConfigError
        A table or a view that als-cli did not make is in the way, or a column cannot be stored.
    LockedError
        Another run writes to the same view.
    ResourceError
        The database cannot be reached or refuses.
    """
    with open_database(address_of(config), create=True) as database:
        database.dialect.check_types(schema)
        view = PublishedView(database, config)
        with lock_of(database, view):
            view.check_replaceable()
            version = view.begin()
            try:
                sink = DatabaseSink(database, view, version, schema)
                sink.create(schema, shortfall)
                yield sink
                sink.publish()
            except BaseException:
                database.rollback()
                # An interrupted commit may have published the version.
                with suppress(AlsError):
                    if view.current() != version:
                        view.drop(version)
                raise
            _drop_old(view, target)


@contextmanager
def lock_of(database: Database, view: PublishedView) -> Iterator[None]:
    """Hold the lock of `view` in PostgreSQL, for writers on other machines. The server releases it with the connection.

    The server takes a moment to notice the end of a killed run, so a lock that is held is tried for some seconds.

    Raises
    ------
    LockedError
        Another connection holds it.
    """
    if database.address.system != "postgresql":
        yield
        return
    for attempt in range(_ATTEMPTS):
        time.sleep(_PAUSE if attempt else 0)
        is_locked = _call(database, view, "pg_try_advisory_lock")
        database.commit()
        if is_locked:
            break
    else:
        raise LockedError(
            f"another run is writing to {view.name} in {database.address.shown}",
            hint="wait until it ends",
        )
    try:
        yield
    finally:
        # The next run must not meet the lock before the server has closed this connection.
        with suppress(AlsError):
            database.rollback()
            _call(database, view, "pg_advisory_unlock")
            database.commit()


def _call(database: Database, view: PublishedView, function: str) -> bool:
    """Return the result of an advisory-lock `function` for the lock of `view`."""
    query = f"select {function}(hashtextextended('als ' || coalesce($1::text, current_schema()) || '.' || $2::text, 0))"
    return bool(database.rows(query, (view.schema, view.name))[0][0])


def _drop_old(view: PublishedView, target: Target) -> None:
    # The lists are published. A failure to remove old ones must not look like a failure of the run.
    try:
        for version in view.drop_old(target.keep):
            log.info("version %s is still in use; the next run drops it", version)
    except AlsError as failure:
        log.warning("old versions were not dropped: %s", failure.message)
