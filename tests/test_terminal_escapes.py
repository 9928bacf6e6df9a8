"""Ids, titles and names of files cannot control the terminal: every view shows their control characters as text."""

import importlib
import inspect
import pkgutil
import re

import polars as pl
import pytest

from als_cli.console import views
from als_cli.console.escapes import escaped
from als_cli.reports import Report
from tests.in_process import als_here, done
from tests.report.hostile import HOSTILE
from tests.report.shops import write_hostile_shop

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
FOLDER = "shop\x1bc\u202e\x9b2J"
ESCAPES = ("\\x1b[31m", "\\u202e", "\\x9b2J", "\\u2028", "\\x00", "\\x07")
TUNE = {"trials": 2, "space": {"factors": [4, 8]}}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return the folder of a shop with hostile ids, titles and paths, and with two versions of lists."""
    folder = tmp_path_factory.mktemp("hostile") / FOLDER
    folder.mkdir()
    config = write_hostile_shop(folder, tune=TUNE, report={})
    done("run", "-c", config)
    done("recommend", "-c", config, "--top-n", 4)
    events = pl.read_parquet(folder / "events.parquet").with_columns(ts=pl.lit("1771700000"))
    events.write_parquet(folder / "later.parquet")
    (folder / "items.txt").write_text("item_id\nplain-1\nplain-2\n")
    return folder


COMMANDS = [
    ["init", "events.parquet", "--yes", "--force", "-o", "als.yaml"],
    ["check"],
    ["ingest"],
    ["train"],
    ["evaluate"],
    ["evaluate", "--published", "lists.parquet", "--events", "later.parquet", "--as-of", "2026-03-01"],
    ["backtest"],
    ["tune"],
    ["recommend"],
    ["run", "--force"],
    ["show", "data"],
    ["show", "model"],
    ["show", "config"],
    ["show", "user", HOSTILE[5]],
    ["show", "user", "user-03"],
    ["show", "item", HOSTILE[6]],
    ["show", "item", HOSTILE[4]],
    ["compare"],
    ["similar", "items", "-o", "near\x1b.parquet"],
    ["similar", "users", "-o", "near-users\x1b.parquet"],
    ["audience", "--items", "items.txt", "-o", "audience\x1b.parquet"],
    ["embeddings", "-o", "vectors\x1b"],
    ["versions"],
    ["report", "-o", "page\x1b.html"],
    ["rollback"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(arguments[:2])[:20])
@pytest.mark.parametrize("columns", ["80", "160"])
def test_every_view_shows_control_characters_as_text(shop, arguments, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    config = [] if arguments[0] == "init" else ["-c", str(shop / "shop.yaml")]
    # -v prints the report without the colours of a terminal.
    ended = als_here(*arguments, *config, "-v", cwd=shop)
    assert ended.returncode == 0, ended.stderr
    assert CONTROL.findall(ended.stdout + ended.stderr) == []


def test_the_escapes_are_in_the_output(shop):
    shown = [als_here("show", "user", HOSTILE[5], "-c", str(shop / "shop.yaml")).stdout]
    shown += [als_here("show", "item", item, "-c", str(shop / "shop.yaml")).stdout for item in HOSTILE[4:7]]
    shown.append(als_here("train", "-c", str(shop / "shop.yaml"), "-v").stderr)
    assert [escape for escape in ESCAPES if escape not in "".join(shown)] == []


def test_json_has_the_exact_ids(shop):
    assert done("show", "user", HOSTILE[5], "-c", shop / "shop.yaml")["user_id"] == HOSTILE[5]
    assert done("show", "item", HOSTILE[6], "-c", shop / "shop.yaml")["item_id"] == HOSTILE[6]


def test_every_view_escapes_the_texts_of_its_report():
    modules = [
        importlib.import_module(one.name)
        for one in pkgutil.iter_modules(views.__path__, f"{views.__name__}.")
    ]
    renders = [
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("render_")
    ]
    assert len(renders) >= 20
    assert [one.__qualname__ for one in renders if not hasattr(one, "__wrapped__")] == []


class _Inner(Report):
    names: tuple[str, ...]


class _Outer(Report):
    inner: _Inner | None
    counts: dict[str, list[str | int]]


def test_texts_at_every_depth_are_escaped():
    report = _Outer(inner=_Inner(names=("a\nb", "c")), counts={"\x1b": ["\x9b", 3]})
    assert escaped(report) == _Outer(inner=_Inner(names=("a\\nb", "c")), counts={"\\x1b": ["\\x9b", 3]})
