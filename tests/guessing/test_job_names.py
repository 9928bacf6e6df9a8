"""The name of a job comes from the folder or from a file with a name of its own."""

import pytest

from als_cli.config.loading import load_config
from als_cli.guessing.job_names import job_name
from tests.event_shapes import retail_rocket
from tests.in_process import done


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("shop", "shop"),
        ("shop/", "shop"),
        (".", "here"),
        ("shop/sales.csv", "sales"),
        ("shop/Sales 2024.csv.gz", "Sales-2024"),
        ("shop/users_interactions.csv.zip", "users_interactions"),
        ("shop/train.parquet", "shop"),
        ("shop/u.data", "shop"),
        ("shop/part-00000-5fb4.c000.snappy.parquet", "shop"),
        ("shop/events.csv", "shop"),
        ("ratings.csv", "here"),
        ("shop/*.csv", "shop"),
        ("shop/year=*/day=2024-01-01/*.parquet", "shop"),
        ("shop/day=2024-01-01/0.parquet", "shop"),
        ("/train.csv", "train"),
        ("/*.csv", "als"),
        ("日本/データ.csv", "als"),
    ],
)
def test_names(tmp_path, monkeypatch, source, name):
    here = tmp_path / "here"
    (here / "shop").mkdir(parents=True)
    monkeypatch.chdir(here)
    assert job_name(source) == name


def test_a_folder_names_its_workspace_and_its_lists(tmp_path, monkeypatch):
    folder = tmp_path / "garden centre"
    folder.mkdir()
    retail_rocket(folder).rename(folder / "year_2024.csv")
    monkeypatch.chdir(tmp_path)
    done("init", "garden centre", "--yes")
    config = load_config(tmp_path / "als.yaml", environment={})
    assert config.workspace == str(tmp_path / "work" / "garden-centre")
    assert config.recommend.output.path == str(tmp_path / "out" / "garden-centre")
