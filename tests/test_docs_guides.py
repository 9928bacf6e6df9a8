"""The quickstart, the guides and the concepts: all their blocks run in order, and print what the pages show."""

import ast
import shutil
import sys
import types

import pytest

from tests.docs_pages import LATER, PAGES, ROOT, Block, Reader, blocks_of, difference

NOT_RUN = 8
"""The maximum number of blocks that need a program which tests cannot have."""
RUNNING = ("bash", "sh", "python")


@pytest.fixture
def reader(tmp_path):
    """Return a reader in a folder with the configs and the sample data."""
    for name in ("configs", "sample_data"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return Reader(tmp_path)


def read(reader: Reader, page: str) -> list[Block]:
    """Run all blocks of `page`, compare their output, and return the blocks."""
    blocks = blocks_of(page)
    for block in blocks:
        real = reader.run(block)
        if block.output is not None and block.reason is None and real is not None:
            assert (text := difference(block.output, real)) is None, f"{page}:\n{block.text}\n{text}"
    return blocks


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in (*LATER, "docs/guides/postgresql.md")]
)
def test_the_blocks_of_a_page_run(page, reader):
    assert read(reader, page)


def test_the_guide_to_postgresql(reader, postgres, schema, monkeypatch):
    monkeypatch.setenv("LISTS_DATABASE", f"{postgres.uri()}&options=-csearch_path%3D{schema}")
    reader.programs = (postgres.programs,)
    read(reader, "docs/guides/postgresql.md")
    assert postgres.read(f"select count(*) as n from {schema}.recommendations").item() > 10_000


def test_few_blocks_are_not_run():
    skipped = {
        (page, block.text.strip().splitlines()[0]): block.reason
        for page in PAGES
        for block in blocks_of(page)
        if block.reason is not None and block.language in RUNNING
    }
    assert len(skipped) <= NOT_RUN, skipped


def test_every_guide_has_commands_and_output():
    for page in PAGES:
        if page.startswith("docs/guides/") and page not in LATER:
            blocks = blocks_of(page)
            assert any(block.language in RUNNING and block.reason is None for block in blocks), page
            assert any(block.output is not None for block in blocks), page


@pytest.mark.parametrize(
    ("shown", "real", "same"),
    [
        ("wrote 100 slots in 0.5 s\n", "wrote 102 slots in 12.0 s\n", True),
        ("wrote 100 slots in 0.5 s\n", "wrote 120 slots in 0.5 s\n", False),
        ("first\n…\nlast\n", "first\nsecond\n\nthird\nlast\n", True),
        ("first\n…\nlast\n", "first\nsecond\n", False),
        ("lists: …/out/lists (parquet)\n", "lists: /tmp/1/out/lists (parquet)\n", True),
        ("als  0.2187*\n", "als       0.2188*\n", True),
        ("BOO-1133  0.17\n", "BOO-1134  0.17\n", False),
        ("", "something\n", False),
    ],
)
def test_the_comparison_of_output(shown, real, same):
    assert (difference(shown, real) is None) == same


@pytest.mark.parametrize(
    ("text", "file"), [("# shop.yaml\na: 1\n", "shop.yaml"), ("-- m/a.sql\nselect 1\n", "m/a.sql"), ("# a\n", None)]
)
def test_the_file_of_a_block(text, file):
    assert Block("yaml", text, None, None).file == file
