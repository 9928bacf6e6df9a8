"""Compression, row groups, shards and Hive partitions of lists, as DuckDB, polars and pyarrow read them."""

import io
import shutil
import zlib
from urllib.parse import unquote

import duckdb
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from als_cli.config.output import OutputConfig
from als_cli.errors import ConfigError, DataError
from als_cli.storage.sinks import part_files
from als_cli.storage.sinks.part_files import shard_of
from als_cli.storage.sinks.publish_lists import open_sink, published_lists
from als_cli.storage.sinks.target import target_of
from als_cli.storage.stored_lists import lists_at
from tests.storage.test_sinks import SHORT, visible, write

SOURCES = ("als", "fold in", "a/b=c%", "pöt")


def lists_of(users):
    """Return three slots for each of `users`, whose number selects the source."""
    return pl.DataFrame(
        {
            "user_id": [user for user in users for _ in range(3)],
            "rank": pl.Series([1, 2, 3] * len(users), dtype=pl.Int32),
            "item_id": [f"i{rank}" for _ in users for rank in range(3)],
            "score": pl.Series([0.5, 0.25, 0.125] * len(users), dtype=pl.Float32),
            "source": [SOURCES[zlib.adler32(user.encode()) % 4] for user in users for _ in range(3)],
        }
    )


BLOCKS = [lists_of([f"u{n:04d}" for n in range(start, start + 50)]) for start in range(0, 400, 50)]
ALL = pl.concat(BLOCKS)


def target(path, **output):
    return target_of(OutputConfig(path=str(path), **output))


def ordered(frame):
    return frame.select(ALL.columns).cast(dict(ALL.schema)).sort("user_id", "rank")


@pytest.mark.parametrize(
    ("compression", "level", "codec"),
    [
        ("zstd", 19, "ZSTD"),
        ("zstd", None, "ZSTD"),
        ("snappy", None, "SNAPPY"),
        ("lz4", None, "LZ4"),
        ("gzip", 9, "GZIP"),
        ("none", None, "UNCOMPRESSED"),
    ],
)
@pytest.mark.parametrize("name", ["lists", "lists.parquet"])
def test_compression_and_row_groups(tmp_path, name, compression, level, codec):
    options = {"compression": compression, "compression_level": level, "row_group_rows": 500}
    write(target(tmp_path / name, **options), BLOCKS, users=50)
    path = tmp_path / name
    found = pq.ParquetFile(next(path.iterdir()) if path.is_dir() else path)
    assert [found.metadata.row_group(n).num_rows for n in range(3)] == [500, 500, 200]
    assert found.metadata.row_group(0).column(2).compression == codec
    assert pl.read_parquet(path).equals(ALL)
    assert duckdb.sql(f"from '{path if path.is_file() else path / '*.parquet'}'").pl().equals(ALL)


def test_the_size_of_row_groups_does_not_depend_on_the_size_of_blocks(tmp_path):
    contents = set()
    for number, frames in enumerate((BLOCKS, [ALL], [ALL.head(7), ALL.slice(7)])):
        write(target(tmp_path / f"{number}.parquet", row_group_rows=100), frames)
        contents.add((tmp_path / f"{number}.parquet").read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compression": "snappy", "compression_level": 3}, "snappy has no levels"),
        ({"compression": "gzip", "compression_level": 10}, "gzip has levels 1 to 9"),
        (
            {"path": "lists.csv", "shards": 2},
            r"shards needs a folder of files, but recommend\.output\.path is lists\.csv",
        ),
        ({"path": "-", "partition_by": ["source"]}, "partition_by needs a folder"),
        ({"partition_by": ("shard",)}, r"recommend\.output\.shards is not set"),
        ({"partition_by": ("source", "source")}, "names a column twice"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ConfigError, match=message):
        target_of(
            OutputConfig(
                **{"path": "lists"} | {k: tuple(v) if k == "partition_by" else v for k, v in options.items()}
            )
        )


@pytest.mark.parametrize("column", ["user_id", "score", "colour"])
def test_columns_that_cannot_be_partitions(tmp_path, column):
    with pytest.raises(ConfigError, match=f"cannot be partitioned by {column}") as caught:
        write(target(tmp_path / "lists", partition_by=(column,)), BLOCKS)
    assert caught.value.hint == "choose one of rank, item_id, source, shard"
    assert visible(tmp_path) == []


def test_too_many_partitions_leave_the_old_lists(tmp_path, monkeypatch):
    monkeypatch.setattr(part_files, "_MAXIMUM_OPEN", 20)
    lists = target(tmp_path / "lists", partition_by=("item_id",))
    write(lists, BLOCKS, key="old")
    many = ALL.with_columns(pl.int_range(pl.len()).cast(pl.String).alias("item_id"))
    with pytest.raises(ConfigError, match="more than 20 partitions"):
        write(lists, [many])
    assert published_lists(lists).key == "old"


class TestShards:
    """Users in N shards, by a hash of their id."""

    def test_a_user_is_in_the_shard_of_the_crc_32_of_the_id(self, tmp_path):
        write(target(tmp_path / "lists", shards=4), BLOCKS, users=50)
        paths = sorted((tmp_path / "lists").iterdir())
        assert [path.name for path in paths] == [f"shard-{n:05d}-part-00000-key.parquet" for n in range(4)]
        for shard, path in enumerate(paths):
            users = pl.read_parquet(path)["user_id"].unique()
            assert {zlib.crc32(user.encode()) % 4 for user in users} == {shard}
        assert ordered(pl.read_parquet(tmp_path / "lists" / "*.parquet")).equals(ALL)
        assert ordered(duckdb.sql(f"from '{tmp_path}/lists/*.parquet'").pl()).equals(ALL)

    def test_integers_are_hashed_as_text(self):
        assert shard_of(-17, 1000) == zlib.crc32(b"-17") % 1000

    @pytest.mark.parametrize("shards", [7, 16, 64])
    def test_shards_have_equal_sizes(self, shards):
        counts = [0] * shards
        for number in range(64_000):
            counts[shard_of(f"user-{number}", shards)] += 1
        mean = 64_000 / shards
        assert max(abs(count - mean) for count in counts) < 6 * mean**0.5

    def test_all_shards_exist_without_users(self, tmp_path):
        with open_sink(target(tmp_path / "lists", shards=3), ALL.schema, SHORT.schema, io.BytesIO()) as sink:
            sink.finish("key", {})
        assert [pl.read_parquet(path).schema for path in (tmp_path / "lists").iterdir()] == [ALL.schema] * 3

    def test_a_part_has_at_most_users_per_part(self, tmp_path):
        write(target(tmp_path / "lists", shards=2, users_per_part=100), BLOCKS, users=50)
        paths = sorted((tmp_path / "lists").iterdir())
        assert len(paths) >= 4
        assert max(pl.read_parquet(path)["user_id"].n_unique() for path in paths) <= 100


class TestPartitions:
    """Folders COLUMN=VALUE."""

    @pytest.fixture(params=[("source",), ("shard", "source"), ("source", "shard")], ids="-".join)
    def lists(self, request, tmp_path):
        write(target(tmp_path / "lists", shards=3, partition_by=request.param), BLOCKS, users=50)
        return tmp_path / "lists"

    def test_polars(self, lists):
        found = pl.read_parquet(
            lists / "**" / "*.parquet", hive_partitioning=True, try_parse_hive_dates=False
        )
        assert ordered(found).equals(ALL)
        assert ordered(pl.scan_parquet(lists, hive_partitioning=True).collect()).equals(ALL)

    def test_duckdb(self, lists):
        query = f"from read_parquet('{lists}/**/*.parquet', hive_partitioning = true)"
        assert ordered(duckdb.sql(query).pl()).equals(ALL)

    def test_pyarrow(self, lists):
        found = pl.DataFrame(pl.from_arrow(ds.dataset(lists, partitioning="hive").to_table()))
        assert ordered(found).equals(ALL)

    def test_commands_that_read_lists_again(self, lists):
        for stored in (
            lists_at(str(lists), None),
            lists_at(str(shutil.copytree(lists, f"{lists}-copy")), None),
        ):
            assert ordered(stored.table.rows()).equals(ALL)

    def test_files_have_no_partition_columns(self, lists):
        paths = list(lists.rglob("*.parquet"))
        assert {
            unquote(p.partition("=")[2]) for path in paths for p in path.parts if p.startswith("source=")
        } == set(SOURCES)
        assert all("source" not in pl.read_parquet_schema(path) for path in paths)


def test_nulls_have_the_folder_that_readers_know(tmp_path):
    frame = ALL.head(6).with_columns(source=pl.Series(["als"] * 3 + [None] * 3))
    write(target(tmp_path / "lists", partition_by=("source",)), [frame])
    assert sorted(path.name for path in (tmp_path / "lists").iterdir()) == [
        "source=__HIVE_DEFAULT_PARTITION__",
        "source=als",
    ]
    found = duckdb.sql(f"from read_parquet('{tmp_path}/lists/**/*.parquet', hive_partitioning = true)").pl()
    assert ordered(found).equals(frame)


def test_lists_with_partitions_by_columns_of_lists_are_read_again(tmp_path):
    frame = ALL.head(12).with_columns(source=pl.Series(["als"] * 6 + [None] * 6))
    for number, by in enumerate((("rank",), ("item_id", "source"))):
        write(target(tmp_path / f"lists{number}", partition_by=by), [frame])
        found = lists_at(str(tmp_path / f"lists{number}"), None).table.rows()
        assert ordered(found).equals(frame)


@pytest.mark.parametrize("path", ["lists.resp", "lists"])
def test_commands_for_caches_are_not_read_again(tmp_path, path):
    write(target(tmp_path / path, format="resp"), [ALL.head(3)])
    with pytest.raises(DataError, match="commands for a cache, which cannot be read again"):
        lists_at(str(tmp_path / path), None)


@pytest.mark.parametrize("format_name", ["csv", "ndjson", "ipc"])
def test_other_formats_have_shards_and_partitions_too(tmp_path, format_name):
    write(target(tmp_path / "lists", format=format_name, shards=2, partition_by=("shard",)), BLOCKS)
    assert sorted(path.name for path in (tmp_path / "lists").iterdir()) == ["shard=0", "shard=1"]
    assert published_lists(target(tmp_path / "lists")).key == "key"


def test_a_new_version_replaces_all_partitions(tmp_path):
    lists = target(tmp_path / "lists", partition_by=("source",))
    write(lists, BLOCKS, key="one")
    write(lists, [ALL.filter(pl.col("source") == "als")], key="two")
    assert [path.name for path in (tmp_path / "lists").rglob("*")] == ["source=als", "part-00000-two.parquet"]
