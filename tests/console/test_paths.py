"""Paths of reports are short enough to copy."""

import pytest

from als_cli.console.paths import short_path
from tests.in_process import als_here, done
from tests.shop import write_shop


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("{here}/work/.evaluations.versions/20261126T171156671774-1f3c0b", "work/evaluations"),
        (
            "{here}/work/.models.versions/20261126T171156671774-1f3c0b/item_factors.arrow",
            "work/models/item_factors.arrow",
        ),
        ("{here}/out/.lists.parquet.versions/2026-1/lists.parquet", "out/lists.parquet"),
        ("work/.dataset.versions/2026-1", "work/dataset"),
        (".dataset.versions/2026-1", "dataset"),
        ("/elsewhere/work/.models.versions/2026-1", "/elsewhere/work/models"),
        ("{here}-2/work/dataset", "{here}-2/work/dataset"),
        ("{here}", "{here}"),
        ("postgresql://shop/lists", "postgresql://shop/lists"),
        ("/srv/.versions/lists", "/srv/.versions/lists"),
    ],
)
def test_a_path_is_that_of_the_link_relative_to_the_current_folder(tmp_path, monkeypatch, path, shown):
    monkeypatch.chdir(tmp_path)
    assert short_path(path.format(here=tmp_path)) == shown.format(here=tmp_path)


def test_the_root_folder_and_a_deleted_folder(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    assert short_path("/work/.models.versions/2026-1") == "work/models"
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert short_path("/work/.models.versions/2026-1") == "/work/models"


def test_views_print_the_links_that_exist(tmp_path):
    config = write_shop(tmp_path)
    done("run", "-c", config)
    for command, line in (
        ("ingest", "dataset: work/dataset"),
        ("train", "model: work/models"),
        ("evaluate", "evaluation: work/evaluations"),
    ):
        ended = als_here(command, "-c", config, "-v", cwd=tmp_path)
        assert line in ended.stderr.splitlines()
        assert (tmp_path / line.split()[1]).is_dir()
        assert ".versions" not in ended.stderr
