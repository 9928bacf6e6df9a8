"""Lists in PostgreSQL: columns, kills, crashes, rights, objects of others."""

import subprocess
import sys

import polars as pl
import pytest

from als_cli.errors import ConfigError, DataError, ExitCode, LockedError, ResourceError
from als_cli.ranking.lists import output_schema
from als_cli.storage.sinks.lists_place import DatabasePlace
from als_cli.storage.sinks.publish_lists import published_lists
from tests.servers import WITH_PASSWORD
from tests.storage.postgres_lists import KILLED, ROOT, begun, tables, target, write
from tests.storage.test_sinks import LISTS, ROWS, SHORT, USER


def test_columns_have_the_types_of_the_lists(postgres, recs):
    write(postgres, recs)
    found = postgres.read(
        f"select attname::text, format_type(atttypid, null) from pg_attribute"
        f" where attrelid = '{recs}'::regclass and attnum > 0 order by attnum"
    )
    assert found.rows() == [
        ("user_id", "bigint"), ("rank", "integer"), ("item_id", "text"), ("score", "real"), ("source", "text"),
    ]  # fmt: skip


def test_the_longest_name(postgres, schema):
    name = f"{schema}.{'x' * 33}"
    write(postgres, name)
    write(postgres, name, ROWS.head(1))
    assert postgres.read(f"select * from {name}").height == 1


def test_a_view_without_a_schema_is_in_the_first_of_the_search_path(postgres, schema):
    uri = f"{postgres.uri()}&options=-csearch_path%3D{schema}"
    for key in ("one", "two"):
        with begun(uri, "plain") as sink:
            sink.write(ROWS, SHORT, 2)
            sink.finish(key, {"events": {}})
    assert postgres.read(f"select * from {schema}.plain").height == 3
    assert [one.manifest.key for one in DatabasePlace(target(uri, "plain").output.database).stored()] == [
        "two",
        "one",
    ]


def test_a_password_from_the_environment(postgres, schema, recs, monkeypatch):
    secret = "p@ss w/rd:%41"
    postgres.execute(
        f"create role {WITH_PASSWORD} login password '{secret}'",
        f"grant usage, create on schema {schema} to {WITH_PASSWORD}",
    )
    uri = f"postgresql://{WITH_PASSWORD}:${{SHOP_PASSWORD}}@/postgres?host={postgres.folder}"
    try:
        monkeypatch.setenv("SHOP_PASSWORD", secret)
        with begun(uri, recs) as sink:
            sink.write(ROWS, SHORT, 2)
            sink.finish("key", {"events": {}})
        assert postgres.read(f"select * from {recs}").height == 3
        monkeypatch.setenv("SHOP_PASSWORD", "wr@ng")
        with pytest.raises(ResourceError, match="password authentication failed") as caught, begun(uri, recs):
            pass
        assert "wr" not in caught.value.message
    finally:
        postgres.execute(f"drop owned by {WITH_PASSWORD}", f"drop role {WITH_PASSWORD}")


def test_layout_lists_has_arrays(postgres, recs):
    write(postgres, recs, LISTS, layout="lists")
    assert postgres.read(f"select user_id, item_ids[1], scores[1] from {recs}").rows() == [
        (1, "a", 0.5),
        (2, "c", 1.5),
    ]


def test_the_tables_have_an_index_of_users(postgres, schema, recs):
    write(postgres, recs)
    indexes = postgres.read(f"select indexdef from pg_indexes where schemaname = '{schema}'")["indexdef"]
    assert sum(text.endswith("(user_id)") for text in indexes) == 2


def test_a_killed_run_leaves_the_old_lists_and_the_next_run_removes_its_tables(postgres, schema, recs):
    write(postgres, recs, key="old")
    foreign = f"{schema}.recs__20260301t040000_0a1b2c"
    postgres.execute(f"create table {foreign} (mine int)")
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, postgres.uri(), recs], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == -9, ended.stderr
    assert len(tables(postgres, recs)) == 5
    assert postgres.read(f"select * from {recs}").height == 3
    assert published_lists(target(postgres.uri(), recs)).key == "old"
    write(postgres, recs, ROWS.head(1), key="new")
    assert len(tables(postgres, recs)) == 5
    assert foreign.partition(".")[2] in tables(postgres, recs)
    assert postgres.read(f"select * from {recs}").height == 1


def test_a_server_that_stops_during_a_run(postgres, recs):
    write(postgres, recs, key="old")
    try:
        with pytest.raises(ResourceError) as caught, begun(postgres.uri(), recs) as sink:
            sink.write(ROWS, SHORT, 2)
            postgres.stop()
            sink.write(ROWS, SHORT, 2)
        assert caught.value.exit_code == ExitCode.RESOURCE
        assert "\n" not in caught.value.message
        assert "connection" in caught.value.message
        assert published_lists(target(postgres.uri(), recs)) is None
    finally:
        postgres.start()
    assert published_lists(target(postgres.uri(), recs)).key == "old"
    write(postgres, recs, key="new")
    assert len(tables(postgres, recs)) == 4


def test_no_rights(postgres, schema, recs, role):
    write(postgres, recs)
    with pytest.raises(ResourceError, match=f"permission denied for schema {schema}") as caught:
        write(postgres, recs, user=role)
    assert caught.value.hint == (
        "als-cli must be allowed to create tables and views in the schema, and own its views"
    )
    postgres.execute(f"grant usage, create on schema {schema} to {role}")
    with pytest.raises(ResourceError, match="permission denied for table als_versions"):
        write(postgres, recs, user=role)


@pytest.mark.parametrize(
    "statement",
    [
        "create table {}.recs (user_id text)",
        "create view {}.recs as select 1 as user_id",
        "create materialized view {}.recs as select 1 as user_id",
        "create sequence {}.recs",
        "create view {}.recs_shortfall as select 1 as user_id",
        "create table {}.als_versions (version text, mine int)",
    ],
)
def test_objects_of_others_are_not_replaced(postgres, schema, recs, statement):
    postgres.execute(statement.format(schema))
    for attempt in (
        lambda: write(postgres, recs),
        DatabasePlace(target(postgres.uri(), recs).output.database).check_replaceable,
    ):
        with pytest.raises(ConfigError, match="that als did not make, so it is not replaced"):
            attempt()
    assert tables(postgres, recs) == set()


class TestColumns:
    """Other columns than those of the published view."""

    def test_new_columns_come_last_and_missing_ones_are_null(self, postgres, recs):
        write(postgres, recs, key="one")
        wider = ROWS.with_columns(because=pl.lit("bought tea")).select(
            "user_id", "because", *ROWS.columns[1:]
        )
        write(postgres, recs, wider, key="two")
        assert postgres.read(f"select * from {recs}").equals(wider.select(*ROWS.columns, "because"))
        write(postgres, recs, key="three")
        assert postgres.read(f"select * from {recs}").drop("because").equals(ROWS)
        assert postgres.read(f"select because from {recs}")["because"].null_count() == 3

    def test_a_rollback_to_fewer_columns(self, postgres, recs):
        write(postgres, recs, key="one")
        write(postgres, recs, ROWS.with_columns(because=pl.lit("bought tea")), key="two")
        place = DatabasePlace(target(postgres.uri(), recs).output.database)
        place.publish_again(place.stored()[1])
        assert postgres.read(f"select because from {recs}")["because"].null_count() == 3
        assert place.left_keys() == {"two"}

    def test_another_type_is_an_error_before_any_list_is_made(self, postgres, recs):
        write(postgres, recs, key="one")
        texts = ROWS.with_columns(pl.col("user_id").cast(pl.String))
        with pytest.raises(
            ConfigError, match="column user_id of view recs has type bigint, but text"
        ) as caught:
            write(postgres, recs, texts)
        assert f'drop view "{recs.partition(".")[0]}"."recs"' in caught.value.hint
        assert len(tables(postgres, recs)) == 2

    def test_a_type_that_the_database_lacks(self, postgres, recs):
        nested = ROWS.with_columns(why=pl.struct("rank", "score"))
        with pytest.raises(ConfigError, match="PostgreSQL cannot store column why"):
            write(postgres, recs, nested)

    def test_a_text_that_the_database_cannot_store(self, postgres, recs):
        with pytest.raises(DataError, match="invalid byte sequence"):
            write(postgres, recs, ROWS.with_columns(item_id=pl.lit("a\0b")))
        assert tables(postgres, recs) == set()


def test_a_rollback_by_hand_is_one_statement(postgres, schema, recs):
    write(postgres, recs, key="one")
    place = DatabasePlace(target(postgres.uri(), recs).output.database)
    first = place.stored()[0]
    write(postgres, recs, ROWS.head(1), key="two")
    postgres.execute(f"create or replace view {recs} as select * from {first.path}")
    assert postgres.read(f"select * from {recs}").height == 3
    assert [version.is_current for version in place.stored()] == [False, True]
    assert place.left_keys() == {"two"}


def test_two_writers(postgres, recs):
    with begun(postgres.uri(), recs) as sink:
        sink.write(ROWS, SHORT, 2)
        with pytest.raises(LockedError, match="another run is writing to recs"):
            write(postgres, recs)
        sink.finish("first", {"events": {}})
    assert published_lists(target(postgres.uri(), recs)).key == "first"


def test_rows_that_somebody_deleted(postgres, schema, recs):
    write(postgres, recs)
    path = DatabasePlace(target(postgres.uri(), recs).output.database).stored()[0].path
    postgres.execute(f"delete from {path} where rank = 2")
    assert published_lists(target(postgres.uri(), recs)) is None


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda uri: uri.replace("/postgres?", "/nowhere?"),
            ConfigError,
            'database "nowhere" does not exist',
        ),
        (lambda uri: uri.replace("user=owner", "user=nobody"), ConfigError, 'role "nobody" does not exist'),
        (lambda uri: uri.replace("/als-pg", "/als-no"), ResourceError, "No such file or directory"),
    ],
)
def test_a_server_that_cannot_be_reached(postgres, recs, change, error, message):
    with pytest.raises(error, match=message), begun(change(postgres.uri()), recs):
        pass


def test_an_id_that_is_too_long_for_the_index(postgres, recs):
    # PostgreSQL compresses the entries of an index, so the id must be hard to compress.
    long_id = "".join(f"{hash((n, n * n)) % 10**18:018d}" for n in range(600))
    with pytest.raises(DataError, match="index row"):
        write(postgres, recs, ROWS.with_columns(user_id=pl.lit(long_id)))
    assert tables(postgres, recs) == set()


def test_a_schema_that_does_not_exist(postgres):
    with pytest.raises(ConfigError, match='schema "nowhere" does not exist'):
        write(postgres, "nowhere.recs")


def test_ids_are_bigint(postgres, recs):
    assert output_schema("rows", USER, pl.Int64())["item_id"] == pl.Int64
    write(postgres, recs, ROWS.with_columns(item_id=pl.lit(-(2**63), pl.Int64)))
    assert postgres.read(f"select item_id from {recs}")["item_id"].to_list() == [-(2**63)] * 3
