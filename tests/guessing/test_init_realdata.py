"""`als init` on real events: the right columns, and a config that passes `als check`."""

from pathlib import Path

import pytest

from als_cli.config.loading import load_config
from tests.in_process import done

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not DATA.is_dir(), reason="the research data sets are not there"),
]


def written(folder, events, *options):
    """Return the config that `als init` writes for `events`. It passes `als check`."""
    target = folder / "als.yaml"
    done("init", events, "--yes", "--output", target, *options)
    assert done("check", "-c", target)["ok"]
    return load_config(target, environment={})


@pytest.mark.parametrize("name", ["gowalla/train.parquet", "ml1m_topn/train.parquet", "gowalla"])
def test_pairs_without_times(tmp_path, name):
    config = written(tmp_path, DATA / name)
    assert Path(str(config.events.source)).name == "train.parquet"
    assert config.evaluate.split.by == "random"


def test_ratings_without_times(tmp_path):
    config = written(tmp_path, DATA / "ml1m_ncf" / "train.parquet")
    assert config.events.columns.value == "rating"
    assert config.events.where == "rating >= 4"


def test_movielens_with_its_titles(tmp_path):
    config = written(tmp_path, DATA / "ml100k" / "u.data", "--catalog", DATA / "ml100k" / "u.item")
    columns = config.events.columns
    assert (columns.user, columns.item, columns.value, columns.timestamp) == (1, 2, 3, 4)
    assert (config.events.separator, config.events.header, config.events.timestamp_format) == (
        "\t",
        False,
        "s",
    )
    items = config.recommend.items
    assert (items.columns.item, items.columns.title, items.separator, items.header) == (1, 2, "|", False)


def test_the_catalogue_of_movielens_is_found_in_its_folder(tmp_path):
    config = written(tmp_path, DATA / "ml100k" / "u.*")
    assert Path(str(config.events.source)).name == "u.data"
    assert Path(str(config.recommend.items.catalog)).name == "u.item"


def test_two_years_with_different_column_names(tmp_path):
    config = written(tmp_path, DATA / "online_retail")
    assert [source.columns.user for source in config.events.source] == ["Customer ID", "CustomerID"]
    for source in config.events.source:
        columns = source.columns
        assert (columns.item, columns.timestamp, columns.value) == ("StockCode", "InvoiceDate", "Quantity")
        assert columns.title == "Description"
    assert config.events.max_bad_fraction >= 0.25
    assert config.events.value_transform == "log1p"


def test_events_with_types(tmp_path):
    config = written(tmp_path, DATA / "deskdrop")
    assert config.events.source == str(DATA / "deskdrop" / "users_interactions.csv.zip")
    columns = config.events.columns
    assert (columns.user, columns.item) == ("personId", "contentId")
    assert (columns.timestamp, columns.type) == ("timestamp", "eventType")
    weights = config.events.types
    assert weights["VIEW"] < min(weights[name] for name in ("LIKE", "BOOKMARK", "FOLLOW", "COMMENT CREATED"))
