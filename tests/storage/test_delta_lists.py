"""Lists in Delta tables: merges by user, retries, changes by other programs, options."""

import os
import sys
import time

import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from als_cli.config.output import OutputConfig
from als_cli.errors import ArtifactError, ConfigError, ResourceError
from als_cli.storage.sinks.lists_place import lists_place
from als_cli.storage.sinks.publish_lists import open_sink, published_lists
from als_cli.storage.sinks.target import target_of
from tests.storage.test_sinks import LISTS, ROWS, SHORT, ordinary_user


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path / "lists")


class Table:
    """A Delta table with lists."""

    def __init__(self, path):
        self.path = path

    def target(self, **options):
        return target_of(OutputConfig(path=str(self.path), format="delta", **options))

    def write(self, frame, shortfall=None, key="key", **options):
        short = SHORT.clear() if shortfall is None else shortfall
        with open_sink(self.target(**options), frame.schema, SHORT.schema, None) as sink:
            sink.write(frame, short, 2)
            sink.finish(key, {"events": {}})

    def read(self):
        return pl.read_delta(str(self.path)).sort("user_id", *(["rank"] if self.has_rows() else []))

    def has_rows(self):
        return "rank" in DeltaTable(self.path).to_pyarrow_dataset().schema.names

    @property
    def version(self):
        return DeltaTable(self.path).version()


def rows_of(*lists):
    """Return rows of `lists`: a user and their items."""
    return pl.DataFrame(
        [
            {"user_id": user, "rank": rank, "item_id": item, "score": 1 / rank, "source": "als"}
            for user, *items in lists
            for rank, item in enumerate(items, start=1)
        ],
        schema=ROWS.schema,
    )


class TestMerge:
    """The rows of the users of a run are replaced."""

    def test_other_users_keep_their_lists(self, table):
        table.write(rows_of((1, "a", "b", "c"), (2, "d", "e"), (3, "f")), key="one", mode="merge")
        table.write(rows_of((2, "x"), (4, "y", "z"), (1, "c", "b", "a")), key="two", mode="merge")
        assert table.read().equals(rows_of((1, "c", "b", "a"), (2, "x"), (3, "f"), (4, "y", "z")))
        assert DeltaTable(table.path).history(1)[0]["operation"] == "MERGE"

    def test_a_user_who_has_no_list_any_more_loses_the_old_one(self, table):
        table.write(rows_of((1, "a"), (2, "b")), key="one", mode="merge")
        without = pl.DataFrame(
            {"user_id": [2], "rows": [0], "wanted": [2], "reason": ["no_history"]}, schema=SHORT.schema
        )
        table.write(rows_of((3, "c")), without, key="two", mode="merge")
        assert table.read().equals(rows_of((1, "a"), (3, "c")))

    def test_lists_of_one_row(self, table):
        table.write(LISTS, key="one", mode="merge", layout="lists")
        new = LISTS.tail(1).with_columns(item_ids=pl.Series([["x", "y", "z"]]))
        table.write(new, key="two", mode="merge", layout="lists")
        assert table.read().equals(pl.concat([LISTS.head(1), new]))

    def test_partitions(self, table):
        table.write(rows_of((1, "a"), (2, "b")), key="one", mode="merge", partition_by=("source",))
        popular = rows_of((2, "c")).with_columns(source=pl.lit("popular"))
        table.write(popular, key="two", mode="merge", partition_by=("source",))
        assert table.read().equals(pl.concat([rows_of((1, "a")), popular]))

    def test_new_columns_are_added_and_missing_ones_are_null(self, table):
        table.write(rows_of((1, "a"), (2, "b")), key="one", mode="merge")
        table.write(rows_of((2, "c")).with_columns(because=pl.lit("tea")), key="two", mode="merge")
        assert table.read()["because"].to_list() == [None, "tea"]
        table.write(rows_of((2, "d")), key="three", mode="merge")
        assert table.read()["item_id"].to_list() == ["a", "d"]
        assert table.read()["because"].to_list() == [None, None]

    def test_a_column_of_another_type(self, table):
        table.write(ROWS, key="one", mode="merge")
        texts = ROWS.with_columns(pl.col("user_id").cast(pl.String))
        with pytest.raises(
            ConfigError, match="column user_id has type Int64 in the table, but String in the new"
        ):
            table.write(texts, key="two", mode="merge")
        assert published_lists(table.target()).key == "one"

    def test_only_delta_tables(self):
        with pytest.raises(ConfigError, match="mode merge needs a Delta table"):
            target_of(OutputConfig(path="lists", mode="merge"))


class TestRetry:
    """A run that wrote its lists and is started again."""

    @pytest.mark.parametrize("mode", ["overwrite", "merge"])
    def test_nothing_is_written_twice(self, table, mode):
        table.write(ROWS, SHORT, key="one", mode=mode)
        number = DeltaTable(table.path).transaction_version("als-cli")
        version = table.version
        table.write(ROWS.head(1), SHORT, key="one", mode=mode)
        assert table.version == version
        assert DeltaTable(f"{table.path}.shortfall").version() == 0
        assert table.read().equals(ROWS)
        table.write(ROWS.head(1), key="two", mode=mode)
        assert DeltaTable(table.path).transaction_version("als-cli") != number

    def test_lists_of_an_earlier_key_are_written_again(self, table):
        for key, frame in (("one", ROWS), ("two", ROWS.head(1)), ("one", ROWS)):
            table.write(frame, key=key)
        assert table.read().equals(ROWS)

    def test_the_run_was_killed_between_the_two_tables(self, table):
        table.write(ROWS, key="one")
        other = Table(table.path.with_name("other"))
        other.write(ROWS.head(1), SHORT, key="two")
        for part in ("lists.shortfall",):
            table.path.with_name("other.shortfall").rename(table.path.with_name("new"))
            table.path.with_name(part).rename(table.path.with_name("old"))
            table.path.with_name("new").rename(table.path.with_name(part))
        assert published_lists(table.target()).key == "one"
        table.write(ROWS.head(1), SHORT, key="two")
        assert DeltaTable(f"{table.path}.shortfall").version() == 0
        assert published_lists(table.target()).key == "two"


class TestOtherPrograms:
    """Changes of the table that als-cli did not make."""

    def test_maintenance_changes_nothing(self, table):
        table.write(ROWS, key="one")
        DeltaTable(table.path).optimize.compact()
        DeltaTable(table.path).optimize.z_order(["item_id"])
        assert published_lists(table.target()).key == "one"
        version = table.version
        table.write(ROWS, key="one")
        assert table.version == version

    def test_changed_rows_are_replaced(self, table):
        table.write(ROWS, key="one")
        DeltaTable(table.path).delete("user_id = 1")
        assert published_lists(table.target()) is None
        table.write(ROWS, key="one")
        assert table.read().equals(ROWS)
        assert published_lists(table.target()).key == "one"

    @pytest.mark.parametrize("name", ["lists", "lists.shortfall"])
    def test_their_tables_are_not_replaced(self, table, name):
        write_deltalake(table.path.with_name(name), ROWS)
        with pytest.raises(ConfigError, match=f"{name} was not made by als"):
            table.write(ROWS)

    def test_a_folder_of_files_is_not_replaced(self, table):
        with open_sink(
            target_of(OutputConfig(path=str(table.path))), ROWS.schema, SHORT.schema, None
        ) as sink:
            sink.write(ROWS, SHORT, 2)
            sink.finish("parquet", {})
        with pytest.raises(ConfigError, match="was not made by als"):
            table.write(ROWS)

    def test_a_delta_table_is_not_replaced_by_files(self, table):
        table.write(ROWS)
        with (
            pytest.raises(ConfigError, match="was not made by als"),
            open_sink(target_of(OutputConfig(path=str(table.path))), ROWS.schema, SHORT.schema, None),
        ):
            pass

    def test_missing_files_of_a_version(self, table):
        table.write(ROWS, key="one")
        table.write(ROWS.head(1), key="two")
        first = lists_place(table.target()).stored()[1]
        for uri in DeltaTable(table.path, version=0).file_uris():
            table.path.joinpath(uri.rpartition("/")[2]).unlink()
        assert [one.manifest.key for one in lists_place(table.target()).stored()] == ["two"]
        with pytest.raises(ArtifactError, match="missing file"):
            lists_place(table.target()).publish_again(first)
        assert published_lists(table.target()).key == "two"


def test_files_of_old_versions_are_removed(table):
    for number in range(5):
        table.write(ROWS, SHORT, key=str(number), keep=2)
    for folder in (table.path, table.path.with_name("lists.shortfall")):
        assert len(list(folder.glob("*.parquet"))) == 2


def test_a_table_without_old_files_has_no_other_commits(table):
    for number in range(3):
        table.write(ROWS, key=str(number), keep=9)
    assert [entry["operation"] for entry in DeltaTable(table.path).history()] == ["WRITE"] * 3


def test_files_of_killed_runs_are_removed_after_a_week(table):
    table.write(ROWS, key="one")
    for name, days in (("new", 6), ("old", 8)):
        left = table.path / f"part-{name}.parquet"
        left.touch()
        then = time.time() - days * 86_400
        os.utime(left, (then, then))
    table.write(ROWS, key="two")
    assert [path.name for path in table.path.glob("part-[no]*")] == ["part-new.parquet"]
    assert table.read().equals(ROWS)


def test_overwrite_may_change_the_columns(table):
    table.write(ROWS, key="one")
    table.write(ROWS.with_columns(because=pl.lit("tea")).drop("source"), key="two")
    assert table.read().columns == ["user_id", "rank", "item_id", "score", "because"]
    place = lists_place(table.target())
    place.publish_again(place.stored()[1])
    assert table.read().equals(ROWS)


def test_compression_and_row_groups(table):
    table.write(pl.concat([ROWS] * 100), compression="gzip", compression_level=9, row_group_rows=100)
    (path,) = table.path.glob("*.parquet")
    found = pq.ParquetFile(path).metadata
    assert found.row_group(0).num_rows == 100
    assert found.row_group(0).column(0).compression == "GZIP"


def test_nothing_else_is_beside_the_table(table):
    table.write(ROWS)
    assert sorted(path.name for path in table.path.parent.iterdir()) == ["lists", "lists.shortfall"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shards": 2}, "with format delta"),
        ({"path": "-"}, "delta cannot be streamed to stdout"),
        ({"path": "lists.parquet"}, r"is delta, but recommend\.output\.path ends in \.parquet"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ConfigError, match=message):
        target_of(OutputConfig(**{"path": "lists", "format": "delta"} | options))


def test_deltalake_is_not_installed(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(ConfigError, match="needs deltalake, which is not installed") as caught:
        table.write(ROWS)
    assert caught.value.hint == "pip install 'als-cli[delta]'"


def test_a_folder_without_write_permission():
    with ordinary_user() as folder:
        Table(folder / "lists").write(ROWS, key="old")
        (folder / "lists" / "_delta_log").chmod(0o500)
        with pytest.raises(ResourceError, match="not permitted"):
            Table(folder / "lists").write(ROWS, key="new")
        (folder / "lists" / "_delta_log").chmod(0o700)
        assert published_lists(Table(folder / "lists").target()).key == "old"
