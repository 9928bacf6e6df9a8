"""Broken structure is found in artifacts whose checksums are right, as a stranger could write them."""

import io
import re
import struct

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from als_cli.errors import ArtifactError
from als_cli.stages.recommend import recommend
from als_cli.stages.show import show_model
from als_cli.storage.dataset_files import EVENTS, open_dataset
from als_cli.storage.model_files import ITEM_FACTORS, USER_FACTORS, open_model
from tests.manifests import accept_files, rewrite_manifest
from tests.stages.builders import context_for, interactions_of, publish_dataset, publish_model

PAIRS = [("ann", "cup"), ("ann", "pot"), ("ann", "tea"), ("bob", "cup"), ("cid", "pot"), ("cid", "tea")]


@pytest.fixture
def context(tmp_path):
    context = context_for(tmp_path)
    interactions = interactions_of(PAIRS)
    publish_dataset(context, interactions)
    publish_model(context, interactions)
    return context


def broken_dataset(context, name):
    """Return the message about the dataset, whose file `name` was changed."""
    accept_files(context.dataset_place)
    with pytest.raises(ArtifactError, match=name) as raised:
        open_dataset(context.dataset_place).scan_events()
    assert raised.value.exit_code == 4
    assert raised.value.hint == "run `als ingest` again"
    assert "\n" not in raised.value.message
    return raised.value.message


def test_artifacts_of_the_builders_are_sound(context):
    accept_files(context.dataset_place)
    assert open_dataset(context.dataset_place).interactions.matrix.nnz == 6
    assert recommend(context).users == 3


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("indptr", [0, 3, 4], "there are 3 users"),
        ("indptr", [1, 3, 4, 6], "does not begin with 0"),
        ("indptr", [0, 5, 4, 6], "fall"),
        ("indptr", [0, 3, 4, 2**62], "indices.npy is broken: it has 6 values, but there are"),
        ("indptr", [0, 3, 4, 5], "indices.npy is broken: it has 6 values, but there are 5 pairs"),
        ("indices", [0, 1, 2, 0, 1, 3], "not between 0 and 2"),
        ("indices", [0, 1, -2, 0, 1, 2], "not between 0 and 2"),
        ("indices", [0, 2, 1, 0, 1, 2], "not sorted"),
        ("indices", [0, 1, 1, 0, 1, 2], "occur twice"),
        ("indices", [0, 1, 2, 0, 1], "has 5 values"),
        ("strength", [1, 1, 1, 1, 1], "has 5 values"),
        ("strength", [1, 1, np.nan, 1, 1, 1], "not finite"),
        ("strength", [1, 1, np.inf, 1, 1, 1], "not finite"),
        ("strength", [1, 1, 0, 1, 1, 1], "zero"),
        ("time", [0, 0, 0, 0, 0, 0, 0], "has 7 values"),
        ("time", [0, 0, 0, 0, 0, 2**62], "years 1 to 9999"),
    ],
)
def test_a_wrong_array_of_the_matrix_is_named(context, name, values, reason):
    path = context.dataset_place / f"matrix_{name}.npy"
    np.save(path, np.array(values, np.load(path).dtype))
    assert re.search(reason, broken_dataset(context, "matrix_"))


def npy(dtype="'<f4'", order="False", shape="(6,)", body=24, version=b"\x01\x00"):
    """Return an NPY file with the given header."""
    text = f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    header = text + b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(header) % 2**16) + header + b"\x01" * body


@pytest.mark.parametrize(
    "content",
    [
        npy("'<f8'"),
        npy("'|O'"),
        npy("'>f4'"),
        npy("[('a', '<f4')]"),
        npy(order="True"),
        npy(shape="(6, 1)"),
        npy(shape="()"),
        npy(shape="(-6,)"),
        npy(shape="(99999999999999,)"),
        npy(shape="(" + "9" * 5000 + ",)"),
        npy(shape="(" * 9000),
        npy(body=23),
        npy(version=b"\x03\x00"),
        b"\x93NUMPY\x01\x00\xff\xff",
        b"\x93NUM",
    ],
)
def test_a_hostile_npy_header_is_an_artifact_error(context, content):
    (context.dataset_place / "matrix_strength.npy").write_bytes(content)
    broken_dataset(context, "matrix_strength.npy")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda table: table.drop("user_id"), "column user_id is None"),
        (lambda table: table.drop("last_time"), "column last_time is None"),
        (lambda table: table.with_columns(pl.col("interactions").cast(pl.Int64)), "interactions is Int64"),
        (lambda table: table.with_columns(user_id=pl.lit(1.5)), "user_id is Float64"),
        (lambda table: table.reverse(), "not sorted"),
        (lambda table: table.with_columns(user_id=pl.lit("ann")), "occur twice"),
        (lambda table: table.with_columns(user_id=pl.lit(None, pl.String)), "has nulls"),
        (lambda table: table.head(2), "there are 2 users"),
        (
            lambda users: users.with_columns(last_time=pl.lit(2**62).cast(pl.Datetime("us", "UTC"))),
            "a time is outside the years 1 to 9999",
        ),
    ],
)
def test_a_wrong_table_of_users_is_named(context, change, reason):
    path = context.dataset_place / "users.parquet"
    change(pl.read_parquet(path)).write_parquet(path)
    assert reason in broken_dataset(context, "matrix_indptr" if "there are" in reason else "users.parquet")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda events: events.drop("weight"), "column weight is None"),
        (lambda events: events.drop("item_id"), "column item_id is None"),
        (lambda events: events.with_columns(pl.col("timestamp").cast(pl.Int64)), "timestamp is Int64"),
    ],
)
def test_clean_events_with_wrong_columns_are_named(context, change, reason):
    path = context.dataset_place / EVENTS
    change(pl.read_parquet(path)).write_parquet(path)
    assert reason in broken_dataset(context, EVENTS)


@pytest.mark.parametrize("name", ["users.parquet", EVENTS])
def test_a_file_that_is_not_parquet_is_named(context, name):
    (context.dataset_place / name).write_bytes(b"PAR1" + b"\xff" * 300 + b"PAR1")
    broken_dataset(context, name)


def broken_model(context, name=""):
    """Return the message about the model, whose file `name` was changed."""
    accept_files(context.models_place)
    with pytest.raises(ArtifactError, match=name) as raised:
        open_model(context.models_place)
    assert raised.value.hint == "run `als train` again"
    return raised.value.message


def write_items(context, **columns):
    """Write the table of items with `columns` in place of its own."""
    path = context.models_place / ITEM_FACTORS
    values = {
        "item_id": pa.array(["cup", "pot", "tea"]),
        "interactions": pa.array([2, 2, 2], pa.uint32()),
        "factors": vectors(np.ones((3, 2), np.float32)),
    }
    table = pa.table({name: column for name, column in (values | columns).items() if column is not None})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def vectors(factors):
    return pa.FixedSizeListArray.from_arrays(pa.array(factors.reshape(-1)), factors.shape[1])


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"factors": vectors(np.ones((3, 3), np.float32))}, "3 factors, those of the users 2"),
        ({"factors": vectors(np.full((3, 2), np.nan, np.float32))}, "not finite"),
        ({"factors": vectors(np.full((3, 2), np.inf, np.float32))}, "not finite"),
        ({"factors": vectors(np.ones((3, 2)))}, "another type"),
        ({"factors": pa.array([1.0, 2.0, 3.0], pa.float32())}, "another type"),
        ({"factors": pa.array([[1, 2], None, [1, 2]], pa.list_(pa.float32(), 2))}, "nulls"),
        ({"factors": pa.array([[1, 2], [None, 1], [1, 2]], pa.list_(pa.float32(), 2))}, "nulls"),
        ({"factors": pa.array([1, 2, 3])}, "no vectors"),
        ({"factors": None}, "other columns"),
        ({"interactions": None}, "other columns"),
        ({"extra": pa.array([1, 2, 3])}, "other columns"),
        ({"interactions": pa.array([2, None, 2], pa.uint32())}, "nulls"),
        ({"interactions": pa.array([2, 2, 2], pa.int64())}, "interactions is Int64"),
        ({"item_id": pa.array(["cup", None, "tea"])}, "nulls"),
        ({"item_id": pa.array(["cup", "cup", "tea"])}, "occur twice"),
        ({"item_id": pa.array(["tea", "pot", "cup"])}, "not sorted"),
        ({"item_id": pa.array(["cup", "pot", "tea"]).dictionary_encode()}, "another type"),
    ],
)
def test_a_wrong_table_of_items_is_named(context, columns, reason):
    write_items(context, **columns)
    assert reason in broken_model(context, ITEM_FACTORS)


def test_two_record_batches_are_an_error(context):
    path = context.models_place / USER_FACTORS
    with pa.OSFile(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    assert "2 record batches instead of one" in broken_model(context, USER_FACTORS)


def test_offsets_of_texts_outside_of_their_buffer_are_an_error(context):
    path = context.models_place / ITEM_FACTORS
    write_items(context)
    content = path.read_bytes()
    offsets = struct.pack("<4i", 0, 3, 6, 9)
    assert content.count(offsets) == 1
    path.write_bytes(content.replace(offsets, struct.pack("<4i", 0, 3, 6, 2**30)))
    broken_model(context, ITEM_FACTORS)


def test_an_arrow_stream_is_not_an_arrow_file(context):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, pa.schema({"item_id": pa.string()})):
        pass
    (context.models_place / ITEM_FACTORS).write_bytes(sink.getvalue())
    broken_model(context, ITEM_FACTORS)


@pytest.mark.parametrize(
    "change",
    [
        lambda recipe: recipe.clear(),
        lambda recipe: recipe.update(engine="spark"),
        lambda recipe: recipe.update(settings=None),
        lambda recipe: recipe["settings"].pop("seed"),
        lambda recipe: recipe["settings"].update(factors=10**30),
        lambda recipe: recipe["settings"].update(factors=0),
        lambda recipe: recipe["settings"].update(cg_steps="2"),
        lambda recipe: recipe["settings"].update(regularization=float("nan")),
        lambda recipe: recipe["settings"].update(regularization=-1.0),
        lambda recipe: recipe["settings"].update(warmth=1),
        lambda recipe: recipe["confidence"].update(scale=0.0),
        lambda recipe: recipe["confidence"].update(alpha=float("inf")),
        lambda recipe: recipe["confidence"].update(form="cubic"),
        lambda recipe: recipe.update(fold_in=[]),
        lambda recipe: recipe["demand"].update(half_life=-1.0),
        lambda recipe: recipe["demand"].update(offset=True),
    ],
)
def test_a_wrong_recipe_is_an_artifact_error(context, change):
    rewrite_manifest(context.models_place, lambda raw: change(raw["metrics"]["recipe"]))
    for stage in (recommend, show_model):
        with pytest.raises(ArtifactError, match="has no valid training recipe"):
            stage(context)


@pytest.mark.parametrize("losses", [None, 1, ["low"], {}, [10**400], [float("nan")], [float("-inf")]])
def test_wrong_losses_are_an_artifact_error(context, losses):
    rewrite_manifest(context.models_place, lambda raw: raw["metrics"].update(loss=losses))
    with pytest.raises(ArtifactError, match=r"metrics\.loss is not a list of numbers"):
        show_model(context)
