"""Readers of lists in PostgreSQL during a switch, and their rights."""

import threading
import time

import polars as pl
import pytest

from als_cli.errors import ExitCode, ResourceError
from als_cli.storage.sinks.publish_lists import published_lists
from tests.storage.postgres_lists import tables, target, write
from tests.storage.test_sinks import ROWS


def test_rights_on_the_view_stay(postgres, schema, recs, role):
    write(postgres, recs, key="one")
    postgres.execute(f"grant usage on schema {schema} to {role}", f"grant select on {recs} to {role}")
    write(postgres, recs, ROWS.head(1), key="two")
    assert postgres.read(f"select * from {recs}", role).height == 1
    with pytest.raises(Exception, match="permission denied for view recs_shortfall"):
        postgres.read(f"select * from {recs}_shortfall", role)


def test_readers_never_fail_nor_find_a_mixture(postgres, recs):
    write(postgres, recs, key="0")
    found, waits, stop = set(), [], threading.Event()

    def read():
        while not stop.is_set():
            started = time.perf_counter()
            found.add(tuple(postgres.read(f"select count(*), min(rank), max(rank) from {recs}").row(0)))
            waits.append(time.perf_counter() - started)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(1, 6):
        write(postgres, recs, ROWS.with_columns(rank=pl.lit(number, pl.Int32)), key=str(number), keep=2)
    stop.set()
    for reader in readers:
        reader.join()
    assert found >= {(3, 5, 5)}
    assert found <= {(3, 1, 2)} | {(3, number, number) for number in range(1, 6)}
    assert len(waits) > 10


class TestLongReader:
    """A transaction that has read the view and stays open."""

    @pytest.fixture
    def reader(self, postgres, recs):
        import adbc_driver_postgresql.dbapi as postgresql

        write(postgres, recs, key="old", keep=1)
        with postgresql.connect(postgres.uri()) as connection, connection.cursor() as cursor:
            cursor.execute(f"select count(*) from {recs}")
            assert cursor.fetchall() == [(3,)]
            yield connection

    @pytest.mark.usefixtures("reader")
    def test_the_switch_is_given_up_and_other_readers_go_on(self, postgres, recs):
        waits, stop = [], threading.Event()

        def read():
            while not stop.is_set():
                started = time.perf_counter()
                postgres.read(f"select count(*) from {recs}")
                waits.append(time.perf_counter() - started)

        other = threading.Thread(target=read)
        other.start()
        try:
            with pytest.raises(ResourceError, match="readers kept the view recs locked for 1 s") as caught:
                write(postgres, recs, key="new", lock_timeout="1s")
        finally:
            stop.set()
            other.join()
        assert caught.value.exit_code == ExitCode.RESOURCE
        assert len(waits) > 3
        assert published_lists(target(postgres.uri(), recs)).key == "old"
        assert len(tables(postgres, recs)) == 2

    def test_the_switch_waits_until_the_transaction_ends(self, postgres, recs, reader):
        ending = threading.Timer(0.5, reader.rollback)
        ending.start()
        write(postgres, recs, key="new")
        ending.join()
        assert published_lists(target(postgres.uri(), recs)).key == "new"


def test_an_old_version_in_use_is_dropped_by_a_later_run(postgres, schema, recs):
    write(postgres, recs, key="one", keep=1)
    (table,) = (name for name in tables(postgres, recs) if not name.endswith("_short"))
    postgres.execute(f"create view {schema}.report as select * from {schema}.{table}")
    write(postgres, recs, key="two", keep=1)
    assert len(tables(postgres, recs)) == 4
    assert postgres.read(f"select * from {schema}.report").height == 3
    postgres.execute(f"drop view {schema}.report")
    write(postgres, recs, key="three", keep=1)
    assert len(tables(postgres, recs)) == 2
