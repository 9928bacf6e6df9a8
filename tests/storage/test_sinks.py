"""Lists in all formats, layouts and kinds of output, as readers see them before, during and after writing."""

import io
import os
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from als_cli.config.output import OutputConfig
from als_cli.errors import ResourceError
from als_cli.ranking.lists import output_schema, shortfall_schema
from als_cli.storage.manifest import Manifest, file_sha256
from als_cli.storage.sinks.open_table import OpenTable
from als_cli.storage.sinks.publish_lists import open_sink, published_lists
from als_cli.storage.sinks.tables import TableOptions
from als_cli.storage.sinks.target import target_of

USER, ITEM = pl.Int64(), pl.String()
ROWS = pl.DataFrame(
    {
        "user_id": [1, 1, 2],
        "rank": [1, 2, 1],
        "item_id": ["tea, green", 'a "cup"', "pöt"],
        "score": [0.5, 0.25, 1.5],
        "source": ["als", "als", "popular"],
    },
    schema=output_schema("rows", USER, ITEM),
)
LISTS = pl.DataFrame(
    {
        "user_id": [1, 2],
        "item_ids": [["a", "b"], ["c"]],
        "scores": [[0.5, 0.25], [1.5]],
        "sources": [["als", "als"], ["als"]],
    },
    schema=output_schema("lists", USER, ITEM),
)
SHORT = pl.DataFrame(
    {"user_id": [2], "rows": [1], "wanted": [2], "reason": ["too_few_candidates"]},
    schema=shortfall_schema(USER),
)
READERS = {".parquet": pl.read_parquet, ".csv": pl.read_csv, ".ndjson": pl.read_ndjson, ".arrow": pl.read_ipc}


def write(target, frames, *, stdout=None, users=2, key="key"):
    """Write `frames` block by block, each with the shortfall, and finish."""
    with open_sink(target, frames[0].schema, SHORT.schema, stdout or io.BytesIO()) as sink:
        for frame in frames:
            sink.write(frame, SHORT, users)
        sink.finish(key, {"top_n": 2}, counts={"users": users * len(frames)})


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@contextmanager
def ordinary_user():
    """Yield a folder as a user who is not root, because root may write anywhere."""
    nobody = 65534
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        try:
            if is_root:
                os.chown(name, nobody, nobody)
                os.seteuid(nobody)
            yield Path(name)
        finally:
            if is_root:
                os.seteuid(0)


def target(path, **output):
    return target_of(OutputConfig(path=str(path), **output))


class TestFile:
    """One file, with shortfall and manifest next to it."""

    @pytest.mark.parametrize("suffix", READERS)
    def test_holds_all_blocks(self, tmp_path, suffix):
        path = tmp_path / "out" / f"lists{suffix}"
        write(target(path), [ROWS, ROWS])
        found = READERS[suffix](path)
        expected = pl.concat([ROWS, ROWS])
        if suffix in (".parquet", ".arrow"):
            assert found.schema == expected.schema
        assert found.cast(dict(expected.schema)).equals(expected)

    @pytest.mark.parametrize("suffix", [".parquet", ".ndjson", ".arrow"])
    def test_holds_one_list_per_user(self, tmp_path, suffix):
        path = tmp_path / f"lists{suffix}"
        write(target(path, layout="lists"), [LISTS])
        assert READERS[suffix](path).cast(dict(LISTS.schema)).equals(LISTS)

    def test_arrow_types_are_the_plain_ones(self, tmp_path):
        write(target(tmp_path / "lists.arrow", layout="lists"), [LISTS])
        with pa.memory_map(str(tmp_path / "lists.arrow")) as stream:
            schema = pa.ipc.open_file(stream).schema
        assert schema.field("item_ids").type == pa.list_(pa.string())
        assert schema.field("sources").type == pa.list_(pa.string())

    @pytest.mark.parametrize(
        ("layout", "frame", "column", "kind"),
        [("rows", ROWS, "item_id", pa.string()), ("lists", LISTS, "item_ids", pa.list_(pa.string()))],
    )
    def test_parquet_gives_readers_the_plain_types(self, tmp_path, layout, frame, column, kind):
        path = tmp_path / "lists.parquet"
        write(target(path, layout=layout), [frame])
        assert pq.read_schema(path).field(column).type.equals(kind)
        assert pq.read_metadata(path).metadata is None  # no schema that only readers of Arrow understand

    def test_only_shortfall_and_manifest_are_next_to_it(self, tmp_path):
        write(target(tmp_path / "lists.csv"), [ROWS])
        assert visible(tmp_path) == ["lists.csv", "lists.csv.manifest.json", "lists.csv.shortfall.parquet"]
        assert pl.read_parquet(tmp_path / "lists.csv.shortfall.parquet").equals(SHORT)
        manifest = published_lists(target(tmp_path / "lists.csv"))
        assert {output.path: output.sha256 for output in manifest.outputs} == {
            name: file_sha256(tmp_path / name) for name in ("lists.csv", "lists.csv.shortfall.parquet")
        }

    @pytest.mark.parametrize("suffix", READERS)
    def test_no_blocks_give_an_empty_table(self, tmp_path, suffix):
        path = tmp_path / f"lists{suffix}"
        write(target(path), [ROWS.clear()])
        assert path.exists()
        if suffix != ".ndjson":
            assert READERS[suffix](path).columns == ROWS.columns

    @pytest.mark.parametrize("suffix", READERS)
    def test_a_failure_leaves_the_old_file(self, tmp_path, suffix):
        path = tmp_path / f"lists{suffix}"
        write(target(path), [ROWS])
        before = {name: (tmp_path / name).read_bytes() for name in visible(tmp_path)}
        with (
            pytest.raises(KeyboardInterrupt),
            open_sink(target(path), ROWS.schema, SHORT.schema, io.BytesIO()) as sink,
        ):
            sink.write(ROWS.head(1), SHORT, 1)
            raise KeyboardInterrupt
        assert {name: (tmp_path / name).read_bytes() for name in visible(tmp_path)} == before

    def test_a_broken_set_is_not_published(self, tmp_path):
        path = tmp_path / "lists.csv"
        assert published_lists(target(path)) is None
        write(target(path), [ROWS])
        path.write_text("half", encoding="utf-8")
        assert published_lists(target(path)) is None
        (tmp_path / "lists.csv.manifest.json").write_text("{", encoding="utf-8")
        assert published_lists(target(path)) is None

    def test_a_folder_in_the_way(self, tmp_path):
        (tmp_path / "lists.csv").mkdir()
        with pytest.raises(ResourceError, match="is a folder"):
            write(target(tmp_path / "lists.csv"), [ROWS])


class TestFolder:
    """Part files in a folder, with shortfall and manifest next to it."""

    def test_a_part_has_at_most_users_per_part(self, tmp_path):
        lists = tmp_path / "lists"
        write(target(lists, users_per_part=4), [ROWS] * 5, users=2)
        assert [pl.read_parquet(p).height for p in sorted(lists.iterdir())] == [6, 6, 3]
        assert pl.read_parquet(lists / "*.parquet").height == 15

    def test_only_shortfall_and_manifest_are_next_to_it(self, tmp_path):
        write(target(tmp_path / "lists"), [ROWS])
        assert visible(tmp_path) == ["lists", "lists.manifest.json", "lists.shortfall.parquet"]
        assert pl.read_parquet(tmp_path / "lists.shortfall.parquet").equals(SHORT)
        manifest = Manifest.model_validate_json((tmp_path / "lists.manifest.json").read_bytes())
        assert manifest == published_lists(target(tmp_path / "lists"))
        assert len(manifest.outputs) == 2
        for output in manifest.outputs:  # paths are relative to the folder of the manifest
            assert file_sha256(tmp_path / output.path) == output.sha256

    @pytest.mark.parametrize("format_name", ["parquet", "csv", "ndjson", "ipc"])
    def test_parts_are_named_after_their_number_key_and_format(self, tmp_path, format_name):
        write(target(tmp_path / "lists", format=format_name), [ROWS])
        (part,) = (tmp_path / "lists").iterdir()
        assert part.stem == "part-00000-key"
        assert READERS[part.suffix](part).height == 3
        assert published_lists(target(tmp_path / "lists", format=format_name)).key == "key"

    def test_without_users_there_is_one_empty_part(self, tmp_path):
        with open_sink(target(tmp_path / "lists"), ROWS.schema, SHORT.schema, io.BytesIO()) as sink:
            sink.finish("key", {})
        assert pl.read_parquet(tmp_path / "lists" / "part-00000-key.parquet").schema == ROWS.schema

    def test_a_failure_leaves_the_old_version(self, tmp_path):
        lists = target(tmp_path / "lists")
        write(lists, [ROWS])
        before = published_lists(lists).content
        with (
            pytest.raises(ZeroDivisionError),
            open_sink(lists, ROWS.schema, SHORT.schema, io.BytesIO()) as sink,
        ):
            sink.write(ROWS, SHORT, 2)
            raise ZeroDivisionError
        assert published_lists(lists).content == before

    @pytest.mark.parametrize(("keep", "versions"), [(1, 1), (3, 3), (9, 4)])
    @pytest.mark.parametrize("name", ["lists", "lists.csv"])
    def test_the_last_versions_stay(self, tmp_path, name, keep, versions):
        for _ in range(4):
            write(target(tmp_path / name, keep=keep), [ROWS])
        assert len(list((tmp_path / f".{name}.versions").iterdir())) == versions

    def test_a_folder_without_write_permission(self):
        with ordinary_user() as folder:
            write(target(folder / "lists"), [ROWS])
            folder.chmod(0o500)
            for place in (folder / "other", folder / "lists.csv"):
                with pytest.raises(ResourceError, match=rf"not permitted: {folder}"):
                    write(target(place), [ROWS])
            assert visible(folder) == ["lists", "lists.manifest.json", "lists.shortfall.parquet"]
            folder.chmod(0o700)


class TestStdout:
    """Lists streamed to stdout, without shortfall and manifest."""

    def test_csv(self):
        stream = io.BytesIO()
        write(target("-"), [ROWS, ROWS], stdout=stream)
        assert stream.getvalue().decode().splitlines()[:2] == [
            "user_id,rank,item_id,score,source",
            '1,1,"tea, green",0.5,als',
        ]
        assert pl.read_csv(stream.getvalue()).height == 6

    def test_ndjson(self):
        stream = io.BytesIO()
        write(target("-", format="ndjson"), [ROWS], stdout=stream)
        assert pl.read_ndjson(stream.getvalue()).cast(dict(ROWS.schema)).equals(ROWS)

    def test_arrow_stream(self):
        stream = io.BytesIO()
        write(target("-", format="ipc"), [ROWS, ROWS], stdout=stream)
        assert pl.read_ipc_stream(stream.getvalue()).equals(pl.concat([ROWS, ROWS]))
        assert published_lists(target("-")) is None

    @pytest.mark.parametrize("format_name", ["csv", "ndjson", "ipc"])
    def test_a_closed_pipe_is_raised_unchanged(self, format_name):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb", buffering=0) as stream, pytest.raises(BrokenPipeError):
            write(target("-", format=format_name), [ROWS], stdout=stream)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("suffix", READERS)
def test_a_full_disk_is_a_resource_error(tmp_path, monkeypatch, suffix):
    real_open = Path.open

    def open_full(self, mode="r", *arguments, **options):
        return real_open(
            Path("/dev/full") if "lists" in self.name and mode == "wb" else self, mode, *arguments, **options
        )

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(ResourceError, match="no space left"):
        write(target(tmp_path / f"lists{suffix}"), [ROWS])
    monkeypatch.undo()
    assert visible(tmp_path) == []
    assert list((tmp_path / f".lists{suffix}.versions").iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("format_name", ["parquet", "csv", "ndjson", "ipc"])
def test_a_disk_that_is_full_after_some_row_groups_is_the_only_error(format_name):
    many = pl.concat([ROWS] * 20_000)
    with pytest.raises(OSError, match="No space left"), ExitStack() as streams:
        table = OpenTable(
            Path("/dev/full"), format_name, ROWS.schema, streams, TableOptions("none", row_group_rows=1000)
        )
        table.write(many)
