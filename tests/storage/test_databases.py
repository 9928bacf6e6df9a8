"""Databases: addresses and secrets, drivers that are not installed, files of DuckDB and SQLite, any ADBC driver."""

import subprocess
import sys

import polars as pl
import pytest

from als_cli.config.database import DatabaseConfig
from als_cli.config.loading import load_config
from als_cli.config.output import OutputConfig
from als_cli.errors import ArtifactError, ConfigError, ResourceError
from als_cli.storage.databases.address import address_of
from als_cli.storage.databases.database import open_database
from als_cli.storage.output_checks import check_lists_output
from als_cli.storage.sinks.lists_place import DatabasePlace
from als_cli.storage.sinks.publish_lists import open_sink, published_lists
from als_cli.storage.sinks.target import target_of
from tests.contract.list_outputs import read_duckdb, read_sqlite
from tests.storage.postgres_lists import KILLED, ROOT
from tests.storage.test_sinks import LISTS, ROWS, SHORT

SECRET = "p@ss/w:rd"


def target(uri, table="recs", layout="rows", **database):
    return target_of(OutputConfig(database=DatabaseConfig(uri=uri, table=table, **database), layout=layout))


def write(to, frame=ROWS, key="key"):
    with open_sink(to, frame.schema, SHORT.schema, None) as sink:
        sink.write(frame, SHORT, 2)
        sink.finish(key, {"events": {}})


def tables(to):
    """Return the number of tables in the database, with the record of versions."""
    system = to.format
    read = {"duckdb": read_duckdb, "sqlite": read_sqlite}[system]
    catalogue = (
        "sqlite_master where type = 'table' and name not like 'sqlite_%'"
        if system == "sqlite"
        else "duckdb_tables()"
    )
    return read(address_of(to.output.database).file, f"select count(*) as n from {catalogue}")["n"].item()


def config_with(tmp_path, uri, **more):
    (tmp_path / "shop.yaml").write_text(
        f"workspace: work\nevents: {{source: events.csv}}\nrecommend: {{output: {{database: {{uri: '{uri}'}}}}}}\n"
    )
    return load_config(tmp_path / "shop.yaml", environment={}, **more)


class TestAddress:
    """The URI, its environment variables and its secrets."""

    def test_variables_in_a_part_are_percent_encoded(self):
        config = DatabaseConfig(uri="postgresql://${WHO}:${PASSWORD}@db:5433/shop?sslmode=require")
        address = address_of(config, {"WHO": "als", "PASSWORD": SECRET})
        assert address.uri == "postgresql://als:p%40ss%2Fw%3Ard@db:5433/shop?sslmode=require"
        assert address.shown == "postgresql://db:5433/shop"
        assert SECRET not in repr(address)
        assert address.without_secrets(f"for {SECRET} and p%40ss%2Fw%3Ard") == "for *** and ***"

    def test_a_whole_uri_in_a_variable_is_taken_as_it_is(self):
        address = address_of(DatabaseConfig(uri="${SHOP}"), {"SHOP": "postgres://a:b%40c@db/shop"})
        assert (address.system, address.uri) == ("postgresql", "postgres://a:b%40c@db/shop")
        assert address.without_secrets("postgres://a:b%40c@db/shop b@c") == "*** ***"

    @pytest.mark.parametrize(
        "value",
        [f"postgresql://als:{SECRET}@db/shop", "postgresql://als:12/x@db/shop", "postgresql://a:b@c@db/shop"],
    )
    def test_a_password_that_is_not_encoded_is_an_error_that_hides_it(self, value):
        with pytest.raises(ConfigError, match="is not a valid URI") as caught:
            address_of(DatabaseConfig(uri="${SHOP}"), {"SHOP": value})
        assert "db/shop" not in caught.value.message

    def test_a_variable_that_is_not_set(self):
        with pytest.raises(ConfigError, match="the environment variable SHOP is not set"):
            address_of(DatabaseConfig(uri="${SHOP}"), {})

    @pytest.mark.parametrize("uri", ["mysql://db/shop", "shop.sqlite", "https://db"])
    def test_a_database_without_a_dialect(self, uri):
        with pytest.raises(ConfigError, match="must start with postgresql:, duckdb: or sqlite:"):
            address_of(DatabaseConfig(uri=uri), {})

    @pytest.mark.parametrize(
        "uri",
        [
            f"postgresql://als:secret-{SECRET}@db/shop",
            "postgresql://als:secret@db/shop",
            "postgresql://als:${A}secret@db/shop",
            "postgresql:///shop?password=secret",
            "postgresql:///shop?user=a&sslpassword=secret",
        ],
    )
    def test_a_password_in_the_config_is_an_error_that_hides_it(self, tmp_path, uri):
        with pytest.raises(
            ConfigError, match=r"line 3\): a password must not be in the config; write \$\{NAME\}"
        ) as caught:
            config_with(tmp_path, uri)
        assert "secret" not in caught.value.message

    def test_files_start_at_the_folder_of_the_config(self, tmp_path, monkeypatch):
        monkeypatch.chdir("/")
        for uri in ("sqlite:out/shop.db", "duckdb:out/shop.db", "sqlite://out/shop.db"):
            config = config_with(tmp_path, uri)
            assert address_of(config.recommend.output.database).file == tmp_path / "out" / "shop.db"
        config = config_with(tmp_path, "sqlite:x", settings=["recommend.output.database.uri=sqlite:y.db"])
        assert str(address_of(config.recommend.output.database).file) == "/y.db"

    @pytest.mark.parametrize("slashes", ["", "//", "///"])
    def test_absolute_files_in_the_forms_of_uris(self, tmp_path, monkeypatch, slashes):
        monkeypatch.chdir(tmp_path)
        config = config_with(tmp_path, f"duckdb:{slashes}/srv/shop.duckdb")
        assert str(address_of(config.recommend.output.database).file) == "/srv/shop.duckdb"

    @pytest.mark.parametrize("table", ["Recs", "a.b.c", "x" * 34, "drop table", '"recs"', "1recs", ""])
    def test_names_of_views_are_plain(self, table):
        with pytest.raises(ValueError, match="table"):
            DatabaseConfig(uri="sqlite:x", table=table)


@pytest.mark.parametrize(
    ("uri", "module", "extra"),
    [
        ("postgresql:///shop", "adbc_driver_postgresql.dbapi", "postgres"),
        ("duckdb:/nowhere/shop.duckdb", "adbc_driver_manager.dbapi", "duckdb"),
        ("sqlite:/nowhere/shop.sqlite", "adbc_driver_sqlite.dbapi", "sqlite"),
    ],
)
def test_a_driver_that_is_not_installed(monkeypatch, uri, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with (
        pytest.raises(ConfigError, match="need a package that is not installed") as caught,
        open_database(address_of(DatabaseConfig(uri=uri))),
    ):
        pass
    assert caught.value.hint == f"pip install 'als-cli[{extra}]'"
    with pytest.raises(ConfigError, match="need a package that is not installed"):
        DatabasePlace(DatabaseConfig(uri=uri)).check_replaceable()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "lists"}, r"recommend\.output\.path is about files"),
        ({"shards": 3}, r"recommend\.output\.shards is about files"),
        (
            {"layout": "lists"},
            r"SQLite cannot store recommend\.output\.layout lists, because it has no arrays",
        ),
    ],
)
def test_keys_that_do_not_fit_a_database(options, message):
    with pytest.raises(ConfigError, match=message):
        target_of(OutputConfig(database=DatabaseConfig(uri="sqlite:/x"), **options))


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("sqlite:work/shop.sqlite", "is in workspace"),
        ("duckdb:events.csv", "is the same file as events.source"),
        ("sqlite:shop.yaml", "is the same file as --config"),
    ],
)
def test_the_file_of_a_database_is_no_input(tmp_path, uri, message):
    config = config_with(tmp_path, uri)
    with pytest.raises(ConfigError, match=message):
        check_lists_output(config, tmp_path / "shop.yaml")


@pytest.mark.parametrize("system", ["duckdb", "sqlite"])
class TestFiles:
    """DuckDB and SQLite."""

    def test_the_file_and_its_folder_are_made(self, tmp_path, system):
        to = target(f"{system}:{tmp_path}/new/shop.db")
        assert published_lists(to) is None
        assert not (tmp_path / "new").exists()
        write(to)
        assert published_lists(to).key == "key"

    def test_a_killed_run_leaves_the_old_lists_and_the_next_run_removes_its_tables(self, tmp_path, system):
        to = target(f"{system}:{tmp_path}/shop.db")
        write(to, key="old")
        command = [sys.executable, "-c", KILLED, f"{system}:{tmp_path}/shop.db", "recs"]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert ended.returncode == -9, ended.stderr
        assert published_lists(to).key == "old"
        assert tables(to) == 5
        write(to, key="new")
        assert tables(to) == 5
        assert published_lists(to).key == "new"

    def test_rows_that_somebody_deleted(self, tmp_path, system):
        to = target(f"{system}:{tmp_path}/shop.db")
        write(to, key="one")
        write(to, key="two")
        place = DatabasePlace(to.output.database)
        with open_database(address_of(to.output.database)) as database:
            for version in place.stored():
                database.execute(f"delete from {version.path} where rank = 2")
            database.commit()
        assert published_lists(to) is None
        with pytest.raises(ArtifactError, match=r"the rows of version .* were changed"):
            place.publish_again(place.stored()[1])

    def test_other_tables_stay(self, tmp_path, system):
        write(target(f"{system}:{tmp_path}/shop.db", "one"))
        write(target(f"{system}:{tmp_path}/shop.db", "two"), ROWS.head(1))
        read = {"duckdb": read_duckdb, "sqlite": read_sqlite}[system]
        assert read(tmp_path / "shop.db", "select * from one").height == 3
        assert read(tmp_path / "shop.db", "select * from two").height == 1
        assert len(DatabasePlace(target(f"{system}:{tmp_path}/shop.db", "one").output.database).stored()) == 1

    def test_a_file_that_is_no_database(self, tmp_path, system):
        (tmp_path / "shop.db").write_text("no database\n" * 1000)
        with pytest.raises(ResourceError, match=r"shop\.db.*not a"):
            write(target(f"{system}:{tmp_path}/shop.db"))
        assert published_lists(target(f"{system}:{tmp_path}/shop.db")) is None

    def test_a_folder_in_the_way(self, tmp_path, system):
        with pytest.raises(ResourceError):
            write(target(f"{system}:{tmp_path}"))


def test_duckdb_stores_arrays(tmp_path):
    write(target(f"duckdb:{tmp_path}/shop.db", layout="lists"), LISTS)
    assert read_duckdb(tmp_path / "shop.db", "from recs").equals(LISTS)


def test_duckdb_has_schemas(tmp_path):
    to = target(f"duckdb:{tmp_path}/file.db", "shop.recs")
    with pytest.raises(ResourceError, match=r"schema.*shop"):
        write(to)
    with open_database(address_of(to.output.database)) as database:
        database.execute("create schema shop")
        database.commit()
    write(to)
    assert read_duckdb(tmp_path / "file.db", "from shop.recs").height == 3


def test_sqlite_has_no_schemas(tmp_path):
    with pytest.raises(ConfigError, match=r"table shop\.recs has a schema, but SQLite has none"):
        write(target(f"sqlite:{tmp_path}/shop.db", "shop.recs"))


def test_a_duckdb_file_that_another_process_has_open(tmp_path):
    write(target(f"duckdb:{tmp_path}/shop.db"), key="old")
    script = f"import duckdb; c = duckdb.connect({str(tmp_path / 'shop.db')!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(ResourceError, match="lock"):
            write(target(f"duckdb:{tmp_path}/shop.db"), key="new")
        other.communicate("\n")
    assert published_lists(target(f"duckdb:{tmp_path}/shop.db")).key == "old"


def test_readers_of_sqlite_do_not_wait_for_a_run(tmp_path):
    to = target(f"sqlite:{tmp_path}/shop.db")
    write(to, key="old")
    with open_sink(to, ROWS.schema, SHORT.schema, None) as sink:
        for _ in range(3):
            sink.write(pl.concat([ROWS] * 5000), SHORT, 2)
            assert read_sqlite(tmp_path / "shop.db", "select count(*) as n from recs")["n"].to_list() == [3]
        sink.finish("new", {"events": {}})
    assert read_sqlite(tmp_path / "shop.db", "select count(*) as n from recs")["n"].to_list() == [45_000]
