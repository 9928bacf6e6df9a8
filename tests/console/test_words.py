"""Numbers agree with their nouns in all views."""

import re

import pytest

from als_cli.console.words import counted, have
from tests.in_process import als_here, done

PLURAL = re.compile(
    r"(?<![\d.,])1 (?:test |clean |more |relevant )?(?:rows|users|items|events|pairs|slots|lists|factors|iterations"
    r"|interactions|files|trials|folds|cut-offs|numbers|problems|upserts|deletes)\b"
)
CONFIG = """
workspace: work
events: {source: events.csv, columns: {user: user_id, item: item_id, timestamp: ts}}
train: {factors: 1, iterations: 1, regularization: 0.01}
recommend: {top_n: 1, exclude_seen: false, items: {catalog: catalog.csv}, output: {path: lists.parquet}}
"""


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 users"), (1, "1 user"), (2, "2 users"), (12345, "12,345 users")]
)
def test_a_noun_has_an_s_unless_the_number_is_one(number, shown):
    assert counted(number, "user") == shown


def test_the_verb_agrees():
    assert [have(number) for number in (0, 1, 2)] == ["have", "has", "have"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return the folder of a shop with two users with one item each, and one broken row."""
    folder = tmp_path_factory.mktemp("one")
    (folder / "events.csv").write_text(
        "user_id,item_id,ts\nann,tea,2026-01-01\nbob,cup,2026-01-01\n,cup,2026-01-01\n"
    )
    (folder / "catalog.csv").write_text("item_id,title\ntea,Tea\n")
    (folder / "shop.yaml").write_text(CONFIG.replace("ts}}", "ts}, max_bad_fraction: 1}"))
    (folder / "users.txt").write_text("user_id\nann\n")
    for command in ("ingest", "train", "recommend"):
        done(command, "-c", folder / "shop.yaml")
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["ingest"],
        ["train"],
        ["recommend", "--users", "users.txt"],
        ["compare", "lists.parquet", "lists.parquet"],
        ["similar", "items", "-n", "1", "-o", "near.parquet"],
        ["embeddings", "-o", "vectors"],
        ["show", "data"],
        ["show", "model"],
        ["show", "user", "ann"],
        ["show", "item", "tea"],
    ],
    ids=" ".join,
)
def test_one_of_anything_is_singular(shop, arguments):
    ended = als_here(*arguments, "-c", shop / "shop.yaml", "-v", cwd=shop)
    assert ended.returncode == 0, ended.stderr
    assert PLURAL.findall(ended.stdout + ended.stderr) == []


def test_one_row_of_a_file_is_singular(tmp_path):
    (tmp_path / "events.csv").write_text("user_id,item_id\nann,tea\n")
    ended = als_here("init", "events.csv", "--yes", "-v", cwd=tmp_path)
    assert "events.csv: 1 row, 1 sampled" in ended.stderr
