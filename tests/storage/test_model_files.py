"""A model is read as it was written, with any Arrow reader. Errors name broken files."""

import uuid
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from als_cli.als.engine import Factors
from als_cli.errors import ArtifactError
from als_cli.storage.manifest import write_manifest
from als_cli.storage.model_files import ITEM_FACTORS, USER_FACTORS, open_model, write_model
from als_cli.storage.publish import staged_folder

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
USER_IDS = {
    "int": pl.Series("user_id", [1, 3, 2**40], dtype=pl.Int64),
    "int32": pl.Series("user_id", [1, 2, 3], dtype=pl.Int32),
    "uint64": pl.Series("user_id", [1, 3, 2**64 - 1], dtype=pl.UInt64),
    "string": pl.Series("user_id", ["", "a", "ü"], dtype=pl.String),
    "uuid": pl.Series("user_id", [str(uuid.UUID(int=n)) for n in range(3)]),
}


def publish_model(place, user_ids=USER_IDS["int"], factors=5):
    rng = np.random.default_rng(0)
    items = pl.DataFrame({"item_id": ["x", "y"], "interactions": pl.Series([3, 1], dtype=pl.UInt32)})
    trained = Factors(rng.random((3, factors), dtype=np.float32), rng.random((2, factors), dtype=np.float32))
    users = pl.DataFrame(
        {
            "user_id": user_ids,
            "events": pl.Series([4, 5, 6], dtype=pl.UInt32),
            "last_time": pl.Series([None, EPOCH, EPOCH], dtype=pl.Datetime("us", "UTC")),
        }
    )
    with staged_folder(place) as folder:
        write_model(folder, users, items, trained)
        write_manifest(folder, kind="model", key="k", config={})
    return trained


@pytest.mark.parametrize("kind", USER_IDS)
def test_ids_and_factors_come_back_unchanged(tmp_path, kind):
    trained = publish_model(tmp_path / "models", USER_IDS[kind])
    model = open_model(tmp_path / "models")
    assert model.user_ids.equals(USER_IDS[kind], check_names=True)
    assert model.user_ids.dtype == USER_IDS[kind].dtype
    assert model.user_events.rows() == [(4, -1), (5, 0), (6, 0)]
    assert model.item_ids.to_list() == ["x", "y"]
    assert model.item_interactions.to_list() == [3, 1]
    np.testing.assert_array_equal(model.factors.users, trained.users)
    np.testing.assert_array_equal(model.factors.items, trained.items)
    assert model.factors.users.flags["C_CONTIGUOUS"]


def test_any_arrow_reader_reads_the_factors(tmp_path):
    trained = publish_model(tmp_path / "models")
    with pa.memory_map(str(tmp_path / "models" / ITEM_FACTORS)) as source:
        table = pa.ipc.open_file(source).read_all()
        assert table.column_names == ["item_id", "interactions", "factors"]
        np.testing.assert_array_equal(np.array(table["factors"].to_pylist(), dtype=np.float32), trained.items)
    assert pl.read_ipc(tmp_path / "models" / USER_FACTORS)["user_id"].to_list() == [1, 3, 2**40]


def test_without_a_model_the_hint_names_the_command(tmp_path):
    with pytest.raises(ArtifactError, match="no model in") as caught:
        open_model(tmp_path / "models")
    assert "als train" in caught.value.hint


def test_a_truncated_model_is_named(tmp_path):
    publish_model(tmp_path / "models")
    path = tmp_path / "models" / USER_FACTORS
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ArtifactError, match=USER_FACTORS):
        open_model(tmp_path / "models")


def test_a_file_of_the_right_size_that_is_not_arrow_is_named(tmp_path):
    publish_model(tmp_path / "models")
    path = tmp_path / "models" / ITEM_FACTORS
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(ArtifactError, match=ITEM_FACTORS):
        open_model(tmp_path / "models")


def test_a_model_without_a_recipe_is_an_artifact_error(tmp_path):
    publish_model(tmp_path / "models")
    with pytest.raises(ArtifactError, match="has no valid training recipe"):
        open_model(tmp_path / "models").recipe(threads=1)
