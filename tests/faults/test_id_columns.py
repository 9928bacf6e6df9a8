"""Columns of catalogues and users files whose type cannot hold ids, or not the ids of the dataset."""

import datetime as dt
from types import SimpleNamespace

import polars as pl
import pytest

from als_cli.config.recommend import CatalogConfig, UsersFile
from als_cli.errors import DataError
from als_cli.ranking.audience import audience_of
from als_cli.ranking.catalog import read_catalog

LISTS = pl.Series([[1], [2]])
STRUCTS = pl.Series([{"a": 1}, {"a": 2}])
DATES = pl.Series([dt.date(2026, 1, 1), dt.date(2026, 1, 2)])


def written(folder, ids):
    path = folder / "ids.arrow"
    pl.DataFrame({"item_id": ids, "user_id": ids}).write_ipc(path)
    return str(path)


@pytest.mark.parametrize("ids", [LISTS, STRUCTS, DATES], ids=str)
@pytest.mark.parametrize("id_type", [pl.String(), pl.Int64()], ids=str)
def test_a_type_that_cannot_be_an_id_is_named(tmp_path, ids, id_type):
    path = written(tmp_path, ids)
    known = SimpleNamespace(user_ids=pl.Series("user_id", ["1", "2"]).cast(id_type))
    for column, read in (
        ("item_id", lambda: read_catalog(CatalogConfig(catalog=path), id_type)),
        ("user_id", lambda: audience_of(UsersFile(file=path), known)),
    ):
        with pytest.raises(DataError) as caught:
            read()
        assert caught.value.message.startswith(f"{path}: column {column!r} holds {ids.dtype}")


@pytest.mark.parametrize("dtype", [pl.Binary(), pl.Categorical(), pl.Enum(["1", "x"])], ids=str)
def test_binary_and_categorical_ids_are_read_as_text(tmp_path, dtype):
    path = written(tmp_path, pl.Series(["1", "x"]).cast(dtype))
    assert read_catalog(CatalogConfig(catalog=path), pl.Int64()).item_ids.to_list() == [1, None]
    assert read_catalog(CatalogConfig(catalog=path), pl.String()).item_ids.to_list() == ["1", "x"]
