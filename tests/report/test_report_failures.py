"""Reports that cannot be made or written: warnings, errors, and what stays as it was."""

import importlib.util
import os

import pytest

from tests.in_process import als_here, done, failed
from tests.report.shops import write_hostile_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return the config of a shop after `als run`, which wrote a report."""
    config = write_hostile_shop(tmp_path_factory.mktemp("shop"))
    done("run", "-c", config)
    return config


def page_of(config):
    return (config.parent / "report.html").read_bytes()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_report_that_cannot_be_written_is_a_warning(shop, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    ended = als_here("run", "-c", shop, "--report", closed / "report.html")
    assert ended.returncode == 0
    assert "warning: the report was not written" in ended.stderr


def test_a_place_that_becomes_a_folder_is_a_warning(shop, tmp_path, monkeypatch):
    from als_cli.stages import report as stage

    def refuse(path, page):
        path.mkdir()
        real(path, page)

    real = stage.write_report
    monkeypatch.setattr(stage, "write_report", refuse)
    ended = als_here("run", "-c", shop, "--force", "--report", tmp_path / "report.html")
    assert ended.returncode == 0
    assert "warning: the report was not written" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (shop.parent / "lists.parquet").exists()


def test_a_failed_write_leaves_the_old_report(shop, monkeypatch):
    before = page_of(shop)
    from als_cli.storage import publish

    def full(_path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publish, "sync_file", full)
    assert "no space left" in failed(7, "report", "-c", shop)["message"]
    assert page_of(shop) == before
    assert [path.name for path in shop.parent.iterdir() if "partial" in path.name] == []


def test_a_broken_artifact_is_an_error_of_the_command(tmp_path):
    config = write_hostile_shop(tmp_path)
    done("run", "-c", config)
    (tmp_path / "work" / "evaluations" / "metrics.json").write_text("{}", encoding="utf-8")
    assert "als evaluate" in failed(4, "report", "-c", config)["hint"]


@pytest.mark.parametrize("module", ["jinja2", "vl_convert"])
def test_without_the_extra_there_is_one_clear_error(shop, monkeypatch, module):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == module else find(name, *a)
    )
    for command in ("report", "run"):
        error = failed(2, command, "-c", shop)
        assert "is not installed" in error["message"]
        assert error["hint"] == "pip install 'als-cli[report]'"


def test_files_of_others_are_not_replaced(shop, tmp_path):
    other = tmp_path / "other.html"
    other.write_text("<p>not a report</p>", encoding="utf-8")
    assert "was not written by als" in failed(2, "report", "-c", shop, "--output", other)["message"]
    assert "was not written by als" in failed(2, "run", "-c", shop, "--report", other)["message"]
    assert other.read_text(encoding="utf-8") == "<p>not a report</p>"


@pytest.mark.parametrize(
    "place",
    [
        "shop.yaml",
        "events.parquet",
        "catalog.parquet",
        "work/dataset/x.html",
        "lists.parquet",
        "work",
        "work/tune/a.html",
    ],
)
def test_inputs_and_artifacts_are_not_overwritten(shop, place):
    error = failed(2, "report", "-c", shop, "--output", shop.parent / place)
    assert "report.path" in error["message"]
