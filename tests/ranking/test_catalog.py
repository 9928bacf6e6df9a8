"""The catalogue: ids, titles and allowed items."""

from datetime import UTC, datetime

import polars as pl
import pytest

from als_cli.config.recommend import CatalogConfig
from als_cli.errors import ConfigError, DataError
from als_cli.ranking.catalog import read_catalog

ITEMS = pl.Series(["a", "b", "c"])


def catalog(tmp_path, text, id_type=None, name="items.csv", **config):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_catalog(
        CatalogConfig.model_validate({"catalog": str(tmp_path / name)} | config), id_type or pl.String()
    )


def test_without_condition_every_known_item_is_allowed(tmp_path):
    found = catalog(tmp_path, "item_id\nc\nx\na\nc\n").candidates(ITEMS)
    assert found.allowed.tolist() == [True, False, True]
    assert (found.selected, found.never_interacted) == (4, 1)


def test_an_item_is_allowed_if_one_of_its_rows_satisfies_the_condition(tmp_path):
    text = "item_id,stock\na,0\na,3\nb,0\n"
    assert catalog(tmp_path, text, where="stock > 0").candidates(ITEMS).allowed.tolist() == [
        True,
        False,
        False,
    ]


def test_blank_values_satisfy_no_condition(tmp_path):
    text = "item_id,price,on_sale\na,,true\nb,2,\nc,3,false\n"
    assert catalog(tmp_path, text, where="price > 0").candidates(ITEMS).allowed.tolist() == [
        False,
        True,
        True,
    ]
    assert catalog(tmp_path, text, where="not on_sale").candidates(ITEMS).allowed.tolist() == [
        False,
        False,
        True,
    ]


def test_titles_follow_the_items(tmp_path):
    found = catalog(tmp_path, "item_id,title\nc,See\na,Ay\na,Other\n")
    assert found.titles_of(ITEMS).to_list() == ["Ay", None, "See"]
    named = catalog(tmp_path, "item_id,label\na,Ay\n", columns={"title": "label"})
    assert named.titles_of(ITEMS).to_list() == ["Ay", None, None]
    assert catalog(tmp_path, "item_id,label\na,Ay\n").titles_of(ITEMS) is None


def test_text_without_header(tmp_path):
    found = catalog(
        tmp_path, "7|Heat (1995)|x\n8|Ran (1985)|y\n", pl.Int64(), name="u.item",
        header=False, separator="|", columns={"item": 1, "title": 2},
    )  # fmt: skip
    assert found.titles_of(pl.Series([8, 7])).to_list() == ["Ran (1985)", "Heat (1995)"]


def test_a_parquet_catalogue_keeps_its_types(tmp_path):
    pl.DataFrame({"item_id": [1, 2], "stock": [True, None], "code": ["01", "1"]}).write_parquet(
        tmp_path / "i.parquet"
    )
    config = {"catalog": str(tmp_path / "i.parquet"), "where": "stock"}
    found = read_catalog(CatalogConfig.model_validate(config), pl.Int64()).candidates(pl.Series([1, 2]))
    assert found.allowed.tolist() == [True, False]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"columns": {"item": "itemid"}}, "recommend.items.columns.item: .*no column 'itemid'"),
        ({"columns": {"title": "name"}}, "recommend.items.columns.title"),
        ({"where": "prize > 0"}, "recommend.items.where: .*no column 'prize'"),
        ({"where": "price + 1"}, "recommend.items.where"),
    ],
)
def test_config_mistakes_name_their_key(tmp_path, config, message):
    with pytest.raises(ConfigError, match=message):
        catalog(tmp_path, "item_id,price\na,1\n", **config)


def test_no_rows(tmp_path):
    with pytest.raises(DataError, match=r"items\.csv has no rows"):
        catalog(tmp_path, "item_id,price\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item_id,until\na,2026-01-01\nb,2026-01-01\n", r"no item of .*items\.csv is available"),
        (
            "item_id,until\na,2026-01-01\nnew,\n",
            r"no item of .*items\.csv that the model knows is available",
        ),
    ],
)
def test_items_that_are_not_available_name_the_key_and_the_instant(tmp_path, text, message):
    (tmp_path / "items.csv").write_text(text, encoding="utf-8")
    config = {
        "catalog": str(tmp_path / "items.csv"), "where": "true", "available": {"until": "until"},
    }  # fmt: skip
    instant = datetime(2026, 3, 1, 12, tzinfo=UTC)
    found = read_catalog(CatalogConfig.model_validate(config), pl.String(), instant=instant)
    with pytest.raises(
        DataError, match=rf"recommend\.items\.available: {message} at 2026-03-01 12:00:00 UTC"
    ) as raised:
        found.candidates(ITEMS)
    assert "events.as_of" in raised.value.hint


def test_items_that_do_not_satisfy_the_condition_are_not_called_unavailable(tmp_path):
    text = "item_id,price,until\na,1,\nb,2,2026-01-01\nnew,3,\n"
    found = catalog(tmp_path, text, where="price > 2", available={"until": "until"})
    with pytest.raises(DataError, match=r"that satisfies recommend\.items\.where is known to the model"):
        found.candidates(ITEMS)
