"""Lists in a PostgreSQL server of the tests."""

from pathlib import Path

from als_cli.config.database import DatabaseConfig
from als_cli.config.output import OutputConfig
from als_cli.storage.sinks.publish_lists import open_sink
from als_cli.storage.sinks.target import target_of
from tests.storage.test_sinks import ROWS, SHORT

KILLED = """
import os, signal, sys
from tests.storage.postgres_lists import ROWS, SHORT, begun
with begun(sys.argv[1], sys.argv[2]) as sink:
    sink.write(ROWS, SHORT, 2)
    os.kill(os.getpid(), signal.SIGKILL)
"""
ROOT = Path(__file__).parents[2]


def target(uri, table, *, layout="rows", keep=5, **database):
    config = DatabaseConfig(uri=uri, table=table, **database)
    return target_of(OutputConfig(database=config, layout=layout, keep=keep))


def begun(uri, table, frame=ROWS, **options):
    return open_sink(target(uri, table, **options), frame.schema, SHORT.schema, None)


def write(server, table, frame=ROWS, *, key="key", user="owner", **options):
    with begun(server.uri(user), table, frame, **options) as sink:
        sink.write(frame, SHORT, 2)
        sink.finish(key, {"events": {}})


def tables(server, table):
    schema, _, name = table.partition(".")
    query = (
        f"select relname::text from pg_class where relnamespace = '{schema}'::regnamespace and relkind = 'r'"
    )
    return {found for found in server.read(query)["relname"] if found.startswith(f"{name}__")}
