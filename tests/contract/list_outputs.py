"""All kinds of output of lists, each with the way in which a reader of it finds the lists."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from deltalake import write_deltalake

from als_cli.config.database import DatabaseConfig
from als_cli.config.output import OutputConfig
from als_cli.storage.sinks.lists_place import lists_place
from als_cli.storage.sinks.publish_lists import open_sink, published_lists
from als_cli.storage.sinks.target import Target, target_of
from tests.storage.test_sinks import ROWS, SHORT

USERS_FIRST = ["user_id", "rank"]


@dataclass
class Output:
    """An output, and how readers see it."""

    options: dict[str, Any]
    read_lists: Callable[[], pl.DataFrame]
    read_shortfall: Callable[[], pl.DataFrame] | None
    make_foreign: Callable[[], Any]
    """Put something there that als did not make."""

    def target(self, keep: int = 5) -> Target:
        return target_of(OutputConfig(**self.options, keep=keep))

    def lists(self) -> pl.DataFrame:
        """Return the lists as a reader finds them, in the order and with the types of `ROWS`."""
        return self.read_lists().select(ROWS.columns).cast(dict(ROWS.schema)).sort(USERS_FIRST)

    def shortfall(self) -> pl.DataFrame:
        return self.read_shortfall().select(SHORT.columns).cast(dict(SHORT.schema))

    def write(self, *frames: pl.DataFrame, key: str = "key", keep: int = 5) -> None:
        """Publish `frames`, one after the other."""
        self.write_from(frames, key, keep)

    def write_from(self, frames: Iterable[pl.DataFrame], key: str = "key", keep: int = 5) -> None:
        """Publish `frames`, which are made while the sink is open."""
        with open_sink(self.target(keep), ROWS.schema, SHORT.schema, None) as sink:
            for frame in frames:
                sink.write(frame, SHORT, frame["user_id"].n_unique())
            sink.finish(key, {"events": {}}, counts={"users": 2})

    def key(self) -> str | None:
        found = published_lists(self.target())
        return None if found is None else found.key

    def place(self):
        return lists_place(self.target())


def _files(folder: Path, name: str, read: Callable[[Path], pl.DataFrame], **options: Any) -> Output:
    path = folder / name
    return Output(
        {"path": str(path), **options},
        lambda: read(path),
        lambda: pl.read_parquet(f"{path}.shortfall.parquet"),
        lambda: path.write_text("mine"),
    )


def _hive(path: Path) -> pl.DataFrame:
    return duckdb.sql(f"from read_parquet('{path}/**/*.parquet', hive_partitioning = true)").pl()


def _key_values(path: Path) -> pl.DataFrame:
    pairs = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    rows = [{"user_id": pair["key"]} | slot for pair in pairs for slot in pair["value"]]
    return pl.DataFrame(rows, schema_overrides={"user_id": pl.String}) if rows else ROWS.clear()


def _of_file(folder: Path, system: str, query: Callable[[Path, str], pl.DataFrame]) -> Output:
    file = folder / f"shop.{system}"
    return Output(
        {"database": DatabaseConfig(uri=f"{system}:{file}", table="recs")},
        lambda: query(file, "select * from recs"),
        lambda: query(file, "select * from recs_shortfall"),
        lambda: _execute_in_file(file, system, "create table recs (user_id text)"),
    )


def read_duckdb(file: Path, query: str) -> pl.DataFrame:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.sql(query).pl()


def read_sqlite(file: Path, query: str) -> pl.DataFrame:
    import adbc_driver_sqlite.dbapi as sqlite

    with sqlite.connect(str(file)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return pl.DataFrame(pl.from_arrow(cursor.fetch_arrow_table()))


def _execute_in_file(file: Path, system: str, statement: str) -> None:
    import adbc_driver_duckdb.dbapi
    import adbc_driver_sqlite.dbapi

    module = {"duckdb": adbc_driver_duckdb.dbapi, "sqlite": adbc_driver_sqlite.dbapi}[system]
    with module.connect(str(file)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        connection.commit()


def _other(folder: Path) -> Output:
    """Return the driver of DuckDB under the dialect for any database."""
    import adbc_driver_duckdb

    output = _of_file(folder, "duckdb", read_duckdb)
    driver = {"driver": adbc_driver_duckdb.driver_path(), "entrypoint": "duckdb_adbc_init"}
    output.options = {"database": DatabaseConfig(uri=str(folder / "shop.duckdb"), table="recs", **driver)}
    return output


def _delta(folder: Path, mode: str = "overwrite", **options: Any) -> Output:
    path = folder / "lists"
    return Output(
        {"path": str(path), "format": "delta", "mode": mode, **options},
        lambda: pl.read_delta(str(path)),
        lambda: pl.read_delta(f"{path}.shortfall"),
        lambda: write_deltalake(path, ROWS),
    )


def _postgres(request: Any) -> Output:
    server, schema = request.getfixturevalue("postgres"), request.getfixturevalue("schema")
    return Output(
        {"database": DatabaseConfig(uri=server.uri(), table=f"{schema}.recs")},
        lambda: server.read(f"select * from {schema}.recs"),
        lambda: server.read(f"select * from {schema}.recs_shortfall"),
        lambda: server.execute(f"create table {schema}.recs (user_id text)"),
    )


KINDS: dict[str, Callable[[Path, Any], Output]] = {
    "parquet": lambda folder, _: _files(folder, "lists.parquet", pl.read_parquet),
    "csv": lambda folder, _: _files(folder, "lists.csv", pl.read_csv),
    "ndjson": lambda folder, _: _files(folder, "lists.ndjson", pl.read_ndjson),
    "arrow": lambda folder, _: _files(folder, "lists.arrow", pl.read_ipc),
    "kv": lambda folder, _: _files(folder, "lists.ndjson", _key_values, format="kv"),
    "folder": lambda folder, _: _files(folder, "lists", pl.read_parquet),
    "partitions": lambda folder, _: _files(
        folder, "lists", _hive, shards=2, partition_by=("shard", "source")
    ),
    "delta": lambda folder, _: _delta(folder),
    "delta partitions": lambda folder, _: _delta(folder, partition_by=("source",)),
    "duckdb": lambda folder, _: _of_file(folder, "duckdb", read_duckdb),
    "any driver": lambda folder, _: _other(folder),
    "sqlite": lambda folder, _: _of_file(folder, "sqlite", read_sqlite),
    "postgres": lambda _, request: _postgres(request),
}
