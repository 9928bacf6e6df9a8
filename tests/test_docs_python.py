"""The Python blocks of the docs run, in their order, in a folder with the sample data and a finished shop."""

import shutil
from pathlib import Path

import pytest

from tests.docs_pages import PAGES as GUIDES
from tests.docs_pages import blocks_of
from tests.in_process import done

ROOT = Path(__file__).parents[1]
NAMES = [
    path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
]
PAGES = {
    name: [block.text for block in blocks_of(name) if block.language == "python" and block.reason is None]
    for name in NAMES
    if name not in GUIDES  # tests/test_docs_guides.py runs them
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return a folder with the sample data, and a workspace and vectors where the pages have theirs."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "sample_data", folder / "sample_data")
    config = ROOT / "configs" / "quickstart.yaml"
    moved = ("--set", f"workspace={folder / 'work' / 'shop'}")
    done("run", "-c", config, *moved, "--set", f"recommend.output.path={folder / 'out' / 'lists.parquet'}")
    done("embeddings", "-c", config, *moved, "--output", folder / "out" / "embeddings")
    return folder


def test_there_are_blocks():
    assert len(PAGES["docs/library.md"]) >= 7


@pytest.mark.parametrize("page", [page for page, blocks in PAGES.items() if blocks])
def test_the_blocks_of_a_page_run(page, shop, monkeypatch):
    monkeypatch.chdir(shop)
    names = {"__name__": page}
    for number, block in enumerate(PAGES[page], 1):
        exec(compile(block, f"{page}, block {number}", "exec"), names)


def test_the_example_runs(shop, monkeypatch, capsys):
    monkeypatch.chdir(shop)
    path = ROOT / "docs" / "examples" / "shop.py"
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {"__name__": "example"})
    assert "Dataset(" in capsys.readouterr().out
    assert (shop / "lists.parquet").exists()
