"""Lists that are read back from databases and Delta tables, against the same lists in a file."""

import os
import sys
import time

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from als_cli.errors import ArtifactError, ConfigError, DataError, ResourceError
from als_cli.storage.published_lists import lists_named, lists_spool
from als_cli.storage.sinks.open_table import OpenTable
from tests.in_process import als_here, done, failed
from tests.published_shops import EARLY, KINDS, Shop, in_file, shop_of
from tests.shop import CONFIG, write_shop


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the config of a shop with a model of EARLY."""
    config = write_shop(tmp_path_factory.mktemp("shop"), CONFIG.replace("  output: {path: lists}\n", ""))
    done("run", "-c", config, "--as-of", EARLY, "--set", f"recommend.output.path={config.parent / 'first'}")
    return config


@pytest.fixture(params=KINDS)
def shop(request, trained, tmp_path):
    return shop_of(request.param, request, trained, tmp_path)


@pytest.fixture
def in_postgres(request, trained, tmp_path):
    return shop_of("postgres", request, trained, tmp_path)


@pytest.fixture
def in_delta(request, trained, tmp_path):
    return shop_of("delta", request, trained, tmp_path)


def test_the_report_is_that_of_a_file(shop, trained, tmp_path):
    file = in_file(trained, tmp_path)
    for one in (shop, file):
        one.publish_twice()
    found, expected = shop.content(tmp_path / "spool"), file.content(tmp_path)
    assert found.lists.coverage is not None
    assert found.lists.most_listed == expected.lists.most_listed
    assert found.lists.churn == expected.lists.churn
    assert found.lists.moved == expected.lists.moved
    assert found.lists.changed_fraction == expected.lists.changed_fraction > 0
    assert found.users == expected.users
    assert found.users.published


def test_the_evaluation_is_that_of_a_file(shop, trained, tmp_path):
    file = in_file(trained, tmp_path)
    for one in (shop, file):
        one.publish_twice()
    figures = ("relevant", "sources", "ranks", "counts", "history")
    new, old = shop.versions()
    expected = [file.evaluate(one) for one in (file.name, file.versions()[1])]
    for found, of_file in ((shop.evaluate(shop.name), expected[0]), (shop.evaluate(old), expected[1])):
        assert [found[name] for name in figures] == [of_file[name] for name in figures]
        assert found["lists"]["instant"] == of_file["lists"]["instant"]
    assert shop.evaluate(new)["relevant"] == expected[0]["relevant"]
    assert list((trained.parent / "work").glob(".lists-*")) == []


def test_lists_are_compared_as_those_of_a_file(shop, trained, tmp_path):
    file = in_file(trained, tmp_path)
    for one in (shop, file):
        one.publish_twice()
    left_out = dict.fromkeys(("old", "new", "seconds"))
    found, expected = (done("compare", *one.options[:4]) | left_out for one in (shop, file))
    assert found == expected
    assert found["churn"]["changed_users"] > 0
    across = done("compare", file.name, shop.name, *shop.options[:4])
    assert across["churn"]["changed_users"] == 0


def test_one_version_has_nothing_to_compare_with(shop, tmp_path):
    shop.publish()
    assert len(shop.read(tmp_path / "spool")) == 1
    assert shop.content(tmp_path / "spool").lists.churn is None


def test_without_lists_there_are_none(shop, tmp_path):
    assert shop.read(tmp_path / "spool") == ()
    assert shop.content(tmp_path / "spool").lists is None


def test_after_a_rollback_the_shown_lists_are_read(shop, tmp_path):
    shop.publish_twice()
    new, old = shop.read(tmp_path / "spool")
    done("rollback", *shop.options[:4])
    [shown] = shop.read(tmp_path / "spool")
    assert shown.version == old.version != new.version
    assert shown.table.rows().sort("user_id", "rank").equals(old.table.rows().sort("user_id", "rank"))


def test_rows_that_another_program_changed(in_postgres, in_delta, postgres, tmp_path):
    in_postgres.publish()
    table = postgres.read(
        "select table_name::text from information_schema.tables where table_name ~ '^recs__.*[0-9a-f]$'"
    )
    schema, _, _ = in_postgres.name.partition(".")
    postgres.execute(f"delete from {schema}.{table.item()} where rank = 1")
    error = failed(4, "report", *in_postgres.options[:4])
    assert "changed the rows of version" in error["message"]
    in_delta.publish()
    DeltaTable(in_delta.name).delete("rank = 1")
    error = failed(4, "evaluate", *in_delta.options[:4], "--published", in_delta.name, "--events", "x.csv")
    assert "another program changed the rows" in error["message"]
    with pytest.raises(ArtifactError, match="Delta table"):
        in_delta.read(tmp_path)


def test_maintenance_of_a_delta_table_does_not_change_its_rows(in_delta, tmp_path):
    in_delta.publish_twice()
    before = [one.table.rows() for one in in_delta.read(tmp_path)]
    DeltaTable(in_delta.name).optimize.compact()
    assert all(map(pl.DataFrame.equals, [one.table.rows() for one in in_delta.read(tmp_path)], before))


def test_a_table_without_the_columns_of_lists(in_postgres, postgres):
    in_postgres.publish()
    schema, _, _ = in_postgres.name.partition(".")
    view, [version] = f"{schema}.recs", in_postgres.versions()
    postgres.execute(f"alter table {view}__{version} rename column item_id to thing")
    error = failed(3, "report", *in_postgres.options[:4])
    assert f"recs__{version} has no column item_id" in error["message"]
    assert "user_id, rank and item_id" in error["hint"]
    postgres.execute(f"drop table {view}__{version} cascade")
    named = ("--published", version, "--events", "x.csv")
    assert (
        "there is no table of version" in failed(4, "evaluate", *in_postgres.options[:4], *named)["message"]
    )


def test_a_role_without_rights(in_postgres, postgres):
    in_postgres.publish()
    schema, _, _ = in_postgres.name.partition(".")
    [version] = in_postgres.versions()
    postgres.execute(
        f"create role reader_of_{schema} login", f"grant usage on schema {schema} to reader_of_{schema}"
    )
    try:
        in_postgres.output["database"]["uri"] = postgres.uri(f"reader_of_{schema}")
        for name in ("als_versions", f"recs__{version}"):
            error = failed(7, "report", *in_postgres.options[:4])
            assert f"permission denied for table {name}" in error["message"]
            assert "SELECT on als_versions and the tables behind" in error["hint"]
            postgres.execute(f"grant select on {schema}.{name} to reader_of_{schema}")
        assert "lists" in done("report", *in_postgres.options[:4])["sections"]
    finally:
        postgres.execute(f"drop owned by reader_of_{schema}", f"drop role reader_of_{schema}")


def test_a_connection_that_breaks_while_rows_are_read(in_postgres, postgres, tmp_path, monkeypatch):
    in_postgres.publish()
    schema, _, _ = in_postgres.name.partition(".")
    [version] = in_postgres.versions()
    values = "repeat('u', 200) || n, 1, 'i', 1.0, 'als' from generate_series(1, 300000) n"
    postgres.execute(f"insert into {schema}.recs__{version} select {values}")
    ended = "select pg_terminate_backend(pid)::text from pg_stat_activity where pid <> pg_backend_pid() and query ~ 'recs__'"
    write = OpenTable.write
    monkeypatch.setattr(OpenTable, "write", lambda table, frame: (postgres.read(ended), write(table, frame)))
    with lists_spool(tmp_path) as spool, pytest.raises(ResourceError, match="postgresql://"):
        in_postgres.read(spool)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_away(trained, tmp_path):
    uri = f"postgresql://als@/shop?host={tmp_path}"
    shop = Shop(trained, {"database": {"uri": uri, "table": "recs"}}, "recs")
    assert "No such file" in failed(7, "report", *shop.options[:4])["message"]
    named = ("--published", "recs", "--events", "x.csv")
    assert "No such file" in failed(7, "evaluate", *shop.options[:4], *named)["message"]


@pytest.mark.parametrize(("kind", "module"), [("duckdb", "adbc_driver_duckdb.dbapi"), ("delta", "deltalake")])
def test_a_missing_extra(request, trained, tmp_path, monkeypatch, kind, module):
    shop = shop_of(kind, request, trained, tmp_path)
    shop.publish()
    monkeypatch.setitem(sys.modules, module, None)
    for command in (("report",), ("evaluate", "--published", shop.name, "--events", "x.csv")):
        error = failed(2, *command, *shop.options[:4])
        assert "not installed" in error["message"]
        assert error["hint"] == f"pip install 'als-cli[{kind}]'"


def test_names_of_lists(request, trained, tmp_path):
    shop = shop_of("sqlite", request, trained, tmp_path)
    with pytest.raises(ArtifactError, match="no published lists in view recs"):
        lists_named("recs", shop.target, tmp_path)
    shop.publish()
    with pytest.raises(ConfigError, match="there is no version"):
        lists_named("20260101t000000_abcdef", shop.target, tmp_path)
    with pytest.raises(DataError, match="there are no lists at other"):
        lists_named("other", shop.target, tmp_path)
    table = tmp_path / "table"
    write_deltalake(str(table), pl.DataFrame({"user_id": [1], "rank": [1], "item_id": [1]}))
    with pytest.raises(DataError, match="no lists that als-cli wrote"):
        lists_named(str(table), shop.target, tmp_path)


def test_a_delta_table_that_is_not_the_output(in_delta, trained, tmp_path):
    """Lists in a Delta table are read by their path, also with a config that writes to another output."""
    in_delta.publish()
    file = in_file(trained, tmp_path)
    file.publish()
    other = Shop(trained, file.output, in_delta.name)
    assert other.evaluate(in_delta.name)["relevant"] == file.evaluate(file.name)["relevant"]


def test_copies_of_killed_runs_are_removed_after_a_day(tmp_path):
    old, new = tmp_path / ".lists-0000", tmp_path / ".lists-1111"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (time.time() - 90_000,) * 2)
    with lists_spool(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == [new]


@pytest.mark.parametrize("kind", ["duckdb", "sqlite", "delta"])
def test_a_run_writes_the_report_about_its_lists(request, trained, tmp_path, kind):
    shop = shop_of(kind, request, trained, tmp_path)
    ended = als_here("run", *shop.options, "--report", tmp_path / "report.html")
    assert ended.returncode == 0
    assert "the report was not written" not in ended.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The items in most lists" in page
    assert "made for this report" not in page
