"""The views that readers query, the tables of the versions behind them, and the record of all versions.

For view `recs`, version `ID` is stored in the tables `recs__ID` and `recs__ID_short`. The views `recs` and
`recs_shortfall` lead to the tables of the published version. The table `als_versions` records all versions of all views
in its schema. Only tables that it records are ever dropped. The definition of the view tells which version is published,
so a rollback by hand is one statement.
"""

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from als_cli.config.database import DatabaseConfig
from als_cli.errors import ConfigError
from als_cli.storage.databases.database import Database, TableInUseError, ViewLockedError
from als_cli.storage.databases.dialect import quoted

RECORDS = "als_versions"
_COLUMNS = ("view_name", "version", "state", "key", "created", "previous", "rows", "manifest")
LOADING, PUBLISHED = "loading", "published"
_ID = r"\d{8}t\d{6}_[0-9a-f]{6}"
_LOCK_MILLISECONDS = 200
"""How long one attempt waits for a lock. Readers that arrive meanwhile wait for as long."""
_PAUSE_SECONDS = 0.3
"""Time between two attempts, in which waiting readers go on."""
_VIEWS = ("VIEW", "v")


@dataclass(frozen=True)
class RecordedVersion:
    """A row of the record of versions."""

    id: str
    key: str
    created: str
    """Time in UTC, ISO 8601."""
    previous: str
    """The version that was published before; empty if there was none."""
    rows: int
    manifest: str
    """JSON text."""


class PublishedView:
    """The view of lists `config.table` in an open database, with its shortfall and its versions."""

    def __init__(self, database: Database, config: DatabaseConfig) -> None:
        """Name the view. Nothing is read.

        Raises
        ------
        ConfigError
            The table has a schema, but the database has no schemas.
        """
        self.database = database
        schema, _, self.name = config.table.rpartition(".")
        self.schema = schema or None
        self._seconds = config.lock_timeout.total_seconds()
        if self.schema and not database.dialect.has_schemas:
            raise ConfigError(
                f"recommend.output.database.table {config.table} has a schema, but {database.dialect.title} has none",
                hint=f"use {self.name}",
            )

    def tables_of(self, version: str) -> tuple[str, str]:
        """Return the names of the tables of the lists and of the shortfall of `version`."""
        return f"{self.name}__{version}", f"{self.name}__{version}_short"

    @property
    def views(self) -> tuple[str, str]:
        """The names of the views of the lists and of the shortfall."""
        return self.name, f"{self.name}_shortfall"

    def sql(self, name: str) -> str:
        """Return `name` in the schema of the view, as an SQL identifier."""
        return quoted(self.schema, name)

    def current(self) -> str | None:
        """Return the version that the view shows; None if there is no view, or als-cli did not make it."""
        return self._shown(self.name)

    def check_replaceable(self) -> None:
        """Return when als-cli made all objects that a new version would replace.

        Raises
        ------
        ConfigError
            There is a table or a view that als-cli did not make.
        """
        if self.exists(RECORDS) and not set(_COLUMNS) <= set(self.database.columns(self.sql(RECORDS))):
            raise self._foreign(RECORDS)
        for view in self.views:
            if self.exists(view) and self._shown(view) is None:
                raise self._foreign(view)

    def versions(self) -> list[RecordedVersion]:
        """Return the versions that are or were published, the newest first."""
        return self._recorded(PUBLISHED)

    def count(self, version: str) -> int:
        """Return the number of rows of the lists of `version`."""
        table = self.sql(self.tables_of(version)[0])
        return int(self.database.rows(f"select count(*) from {table}")[0][0])  # noqa: S608 - checked names

    def exists(self, name: str) -> bool:
        """Return whether there is a table or a view `name` in the schema of the view."""
        return bool(self.database.rows(self.database.dialect.relation, (self.schema, name)))

    def begin(self) -> str:
        """Drop what killed runs left, record a new version, and return it. The caller holds the lock of the view."""
        text = "text not null"
        self.database.execute(
            f"create table if not exists {self.sql(RECORDS)} (view_name {text}, version {text}, state {text},"
            f" key {text}, created {text}, previous {text}, rows bigint not null, manifest {text}, primary key (view_name, version))"
        )
        self.database.commit()
        for left in self._recorded(LOADING):
            self.drop(left.id)
        now = datetime.now(UTC)
        version = f"{now:%Y%m%dt%H%M%S}_{secrets.token_hex(3)}"
        created = f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"
        values = (self.name, version, LOADING, "", created, self.current() or "", 0, "")
        places = ", ".join(map(self.database.dialect.parameter, range(1, len(values) + 1)))
        self.database.execute(
            f"insert into {self.sql(RECORDS)} ({', '.join(_COLUMNS)}) values ({places})",  # noqa: S608 - checked names
            values,
        )
        self.database.commit()
        return version

    def record(self, version: str, *, key: str, rows: int, manifest: str) -> None:
        """Write the key, the number of rows and the manifest of `version` into its record, as published."""
        parameter = self.database.dialect.parameter
        self.database.execute(
            f"update {self.sql(RECORDS)} set state = {parameter(1)}, key = {parameter(2)}, rows = {parameter(3)},"  # noqa: S608 - checked names
            f" manifest = {parameter(4)} where view_name = {parameter(5)} and version = {parameter(6)}",
            (PUBLISHED, key, rows, manifest, self.name, version),
        )

    @contextmanager
    def switched_to(self, version: str) -> Iterator[None]:
        """Point both views to the tables of `version`. The block runs in the same transaction, before its commit.

        Raises
        ------
        ViewLockedError
            Readers have used a view without a pause for longer than `lock_timeout`.
        """
        deadline = time.monotonic() + self._seconds
        while True:
            try:
                with self._short_locks():
                    for view, table in zip(self.views, self.tables_of(version), strict=True):
                        self._point(view, table)
                break
            except ViewLockedError:
                if time.monotonic() > deadline:
                    raise ViewLockedError(
                        f"{self.database.address.shown}: readers kept the view {self.name} locked for"
                        f" {self._seconds:g} s; it still shows the old version",
                        hint="end long transactions that use the view, or raise recommend.output.database.lock_timeout",
                    ) from None
                time.sleep(_PAUSE_SECONDS)
        try:
            yield
            self.database.commit()
        except BaseException:
            self.database.rollback()
            raise

    def drop_old(self, keep: int) -> list[str]:
        """Drop all versions but `keep`, the shown one and those before it. Return the versions still in use.

        Versions that a rollback left are dropped first.
        """
        versions = {version.id: version for version in self.versions()}
        order, one = list[str](), versions.pop(self.current() or "", None)
        while one is not None and (one := versions.pop(one.previous, None)) is not None:
            order.append(one.id)
        still_used = []
        for version in [*order, *versions][keep - 1 :]:
            try:
                self.drop(version)
            except (ViewLockedError, TableInUseError):
                still_used.append(version)
        return still_used

    def drop(self, version: str) -> None:
        """Drop the tables of `version` and its record, in one transaction."""
        parameter = self.database.dialect.parameter
        with self._short_locks():
            for table in self.tables_of(version):
                self.database.execute(f"drop table if exists {self.sql(table)}")
            self.database.execute(
                f"delete from {self.sql(RECORDS)} where view_name = {parameter(1)} and version = {parameter(2)}",  # noqa: S608 - checked names
                (self.name, version),
            )
            self.database.commit()

    def check_columns(self, version: str) -> None:
        """Return when the views can show the tables of `version`.

        Raises
        ------
        ConfigError
            A column of a view has another type there, which the database does not allow to change.
        """
        if not self.database.dialect.keeps_view_columns:
            return
        for view, table in zip(self.views, self.tables_of(version), strict=True):
            before, after = self._types(view), self._types(table)
            for column, dtype in before.items():
                if after.get(column, dtype) != dtype:
                    raise ConfigError(
                        f"{self.database.address.shown}: column {column} of view {view} has type {dtype}, but"
                        f" {after[column]} in the new lists; PostgreSQL cannot change the type of a view's column",
                        hint=f"drop the view (drop view {self.sql(view)}) and grant its rights again, or choose"
                        " another recommend.output.database.table",
                    )

    def _point(self, view: str, table: str) -> None:
        """Make `view` a query of `table`. Columns that only the old view has are null where it must keep them."""
        exists = self.exists(view)
        columns = self.database.columns(self.sql(table))
        shown = [quoted(column) for column in columns]
        if exists and self.database.dialect.keeps_view_columns:
            types = self._types(view)
            kept = [
                quoted(c) if c in columns else f"cast(null as {t}) as {quoted(c)}" for c, t in types.items()
            ]
            shown = kept + [quoted(column) for column in columns if column not in types]
        if exists and not self.database.dialect.replaces_views:
            self.database.execute(f"drop view {self.sql(view)}")
        verb = "create or replace view" if self.database.dialect.replaces_views else "create view"
        self.database.execute(f"{verb} {self.sql(view)} as select {', '.join(shown)} from {self.sql(table)}")  # noqa: S608 - checked names

    def _types(self, relation: str) -> dict[str, str]:
        """Return the types of the columns of a PostgreSQL table or view; empty if it does not exist."""
        rows = self.database.rows(
            "select a.attname::text, format_type(a.atttypid, a.atttypmod) from pg_attribute a"
            " join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = coalesce($1::text, current_schema()) and c.relname = $2::text and a.attnum > 0"
            " and not a.attisdropped order by a.attnum",
            (self.schema, relation),
        )
        return dict(rows)

    @contextmanager
    def _short_locks(self) -> Iterator[None]:
        """Limit the time that the block waits for locks. A failed block is undone."""
        try:
            if self.database.dialect.waits_for_readers:
                self.database.execute(f"set local lock_timeout = {_LOCK_MILLISECONDS}")
            yield
        except BaseException:
            self.database.rollback()
            raise

    def _shown(self, view: str) -> str | None:
        """Return the recorded version whose table `view` shows."""
        kind = self.database.rows(self.database.dialect.relation, (self.schema, view))
        if not kind or kind[0][0] not in _VIEWS or not self.exists(RECORDS):
            return None
        definition = self.database.rows(self.database.dialect.definition, (self.schema, view))
        found = re.search(rf"\b{re.escape(self.name)}__({_ID})", str(definition[0][0]) if definition else "")
        recorded = {version.id for version in self._recorded(PUBLISHED)}
        return found[1] if found and found[1] in recorded else None

    def _recorded(self, state: str) -> list[RecordedVersion]:
        if not self.exists(RECORDS):
            return []
        parameter = self.database.dialect.parameter
        rows = self.database.rows(
            f"select version, key, created, previous, rows, manifest from {self.sql(RECORDS)}"  # noqa: S608 - checked names
            f" where view_name = {parameter(1)} and state = {parameter(2)} order by created desc, version desc",
            (self.name, state),
        )
        return [RecordedVersion(*row) for row in rows]

    def _foreign(self, name: str) -> ConfigError:
        return ConfigError(
            f"{self.database.address.shown} has a table or view {name} that als did not make, so it is not replaced",
            hint="rename it, or choose another recommend.output.database.table",
        )
