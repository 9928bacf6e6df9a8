"""`als report` and the reports of other commands: the file, its bytes, and what happens if it cannot be written."""

import json
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from als_cli.report.page import MAXIMUM_BYTES
from tests.in_process import done, failed
from tests.report.shops import write_hostile_shop

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return the config of a shop after `als run`, which wrote a report."""
    config = write_hostile_shop(tmp_path_factory.mktemp("shop"))
    report = done("run", "-c", config)
    assert [stage["status"] for stage in report["stages"]] == ["done"] * 4
    return config


class Elements(HTMLParser):
    """The elements of a page: names and attributes, ids, and the text of scripts."""

    def __init__(self, page):
        super().__init__()
        self.found, self.scripts, self._in_script = [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_data(self, text):
        if self._in_script:
            self.scripts[-1] += text

    def handle_endtag(self, _tag):
        self._in_script = False


def page_of(config):
    return (config.parent / "report.html").read_bytes()


def test_run_writes_the_report(shop):
    page = page_of(shop).decode("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert len(page.encode()) < MAXIMUM_BYTES
    names = {attributes.get("id") for tag, attributes in Elements(page).found if tag == "section"}
    assert names == {"verdict", "quality", "lists", "users", "items", "data", "training", "about"}


def test_hostile_texts_add_no_element_and_no_script(shop):
    page = Elements(page_of(shop).decode("utf-8"))
    assert len(page.scripts) == 3
    assert {tag for tag, _ in page.found} & {
        "img",
        "iframe",
        "link",
        "object",
        "embed",
        "form",
        "base",
        "b",
    } == set()
    attributes = {name for _, found in page.found for name in found}
    assert not [name for name in attributes if name.startswith("on")]
    assert attributes & {"src", "srcset", "background"} == set()
    assert {found["href"][0] for _, found in page.found if "href" in found} == {"#"}
    json.loads(page.scripts[0])
    assert not set(page.scripts[0]) & set("<>&")


def test_hostile_texts_are_shown(shop):
    page = page_of(shop).decode("utf-8")
    assert "&lt;script&gt;window.hacked = 1&lt;/script&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert "שלום עולם" in page
    for character in ("\x00", "\x07", "\x1b", "\u2028", "\u2029", "\u202e"):
        assert character not in page


def test_every_link_inside_the_page_has_its_target(shop):
    page = Elements(page_of(shop).decode("utf-8"))
    ids = [found["id"] for _, found in page.found if "id" in found]
    assert len(ids) == len(set(ids))
    assert {found["href"][1:] for _, found in page.found if "href" in found} <= set(ids)


def test_the_same_artifacts_give_the_same_bytes(shop):
    before = page_of(shop)
    report = done("report", "-c", shop)
    assert report["bytes"] == len(before)
    assert report["verdict"].startswith(("The model", "It is not clear", "No conclusion"))
    other = shop.parent / "other.html"
    done("report", "-c", shop, "--output", other, "--threads", 1)
    assert page_of(shop) == before == other.read_bytes()


def test_a_run_without_news_writes_the_same_report(shop):
    before = page_of(shop)
    (shop.parent / "report.html").unlink()
    assert [stage["status"] for stage in done("run", "-c", shop)["stages"]] == ["up_to_date"] * 4
    assert page_of(shop) == before


def test_the_default_place_is_the_workspace(shop):
    report = done("report", "-c", shop, "--set", "report.path=")
    assert report["report"] == str(shop.parent / "work" / "report.html")


def test_evaluate_and_backtest_write_it_with_an_option(shop, tmp_path):
    for command in ("evaluate", "backtest"):
        path = tmp_path / f"{command}.html"
        done(command, "-c", shop, "--report", path)
        assert path.stat().st_size > 100_000
    assert 'id="backtest"' in (tmp_path / "backtest.html").read_text(encoding="utf-8")


def test_a_category_that_the_catalogue_lacks_is_an_error(shop):
    error = failed(2, "report", "-c", shop, "--set", "report.category=color")
    assert "report.category" in error["message"]
    page = page_of(shop)
    done("report", "-c", shop, "--set", "report.category=title", "--output", shop.parent / "title.html")
    assert (shop.parent / "title.html").read_bytes() != page


def test_tune_stores_and_shows_its_trials(tmp_path):
    config = write_hostile_shop(tmp_path)
    done("tune", "-c", config, "--trials", 3)
    page = page_of(config).decode("utf-8")
    assert 'id="search"' in page
    assert 'id="quality"' not in page
    assert "There is no model yet" in page
    assert "have not been evaluated" in page


def test_other_commands_write_no_report(tmp_path):
    config = write_hostile_shop(tmp_path)
    for command in ("ingest", "train"):
        done(command, "-c", config)
    assert not (tmp_path / "report.html").exists()
    report = done("report", "-c", config)
    assert report["sections"] == ["users", "items", "data", "training", "about"]
    assert report["verdict"] is None


def test_a_report_needs_a_dataset(tmp_path):
    error = failed(4, "report", "-c", write_hostile_shop(tmp_path))
    assert "als ingest" in error["hint"]


def test_a_gate_that_is_not_met_still_gets_a_report(tmp_path):
    gate = {"split": {"by": "time", "test": "7d"}, "at": [5], "gate": {"metric": "ndcg@5", "at_least": 0.99}}
    config = write_hostile_shop(tmp_path, evaluate=gate)
    failed(5, "run", "-c", config)
    assert "The quality gate is not met" in page_of(config).decode("utf-8")


def test_lists_that_the_report_cannot_read(tmp_path):
    output = {"top_n": 5, "items": {"catalog": "catalog.parquet"}, "output": {"path": "lists.resp"}}
    config = write_hostile_shop(tmp_path, recommend=output)
    done("run", "-c", config)
    page = page_of(config).decode("utf-8")
    assert "The lists are in a format for key-value stores" in page
    assert "The lists are made for this report" in page


@pytest.mark.parametrize(("suffix", "layout"), [("csv", "rows"), ("ndjson", "lists"), ("arrow", "lists")])
def test_lists_in_other_formats(tmp_path, suffix, layout):
    output = {"top_n": 5, "output": {"path": f"lists.{suffix}", "layout": layout}}
    config = write_hostile_shop(tmp_path, recommend=output)
    done("run", "-c", config)
    page = page_of(config).decode("utf-8")
    assert "because of" in page
    assert "The items in most lists" in page


def test_without_users_there_is_no_user_id(tmp_path):
    config = write_hostile_shop(tmp_path, report={"path": "report.html", "users": 0})
    done("run", "-c", config)
    page = page_of(config).decode("utf-8")
    assert 'id="users"' not in page
    assert "user-0" not in page


def test_events_without_times(tmp_path):
    config = write_hostile_shop(tmp_path)
    settings = json.loads(config.read_text(encoding="utf-8"))
    del settings["events"]["columns"]["timestamp"], settings["events"]["as_of"]
    settings["evaluate"] = {"split": {"by": "random", "fraction": 0.2}, "at": [5]}
    config.write_text(json.dumps(settings), encoding="utf-8")
    done("run", "-c", config)
    page = page_of(config).decode("utf-8")
    assert "The events have no timestamps" in page
    assert "strength" in page


def test_the_report_of_the_sample_shop_is_small(tmp_path):
    arguments = ["-c", ROOT / "configs" / "quickstart.yaml", "--set", f"workspace={tmp_path / 'work'}"]
    arguments += [
        "--set",
        f"recommend.output.path={tmp_path / 'lists.parquet'}",
        "--set",
        "train.iterations=4",
    ]
    done("run", *arguments, "--report", tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 2_000_000
    titles = pl.read_parquet(ROOT / "sample_data" / "catalog.parquet")["title"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert sum(title in page for title in titles) > 500
