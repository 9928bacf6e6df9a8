"""The shell blocks of the README and of the reference pages run in a shop as these pages assume it."""

import dataclasses
import gzip
import re
import shutil
import sys
import tempfile
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.docs_pages import LATER, PAGES, ROOT, Block, Reader, blocks_of
from tests.in_process import als_here, done
from tests.servers import redis_server

REFERENCE = [
    name
    for name in ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
    if name not in (*PAGES, *LATER) and any(block.language in ("bash", "sh") for block in blocks_of(name))
]
"""All pages with shell blocks that tests/test_docs_guides.py does not run."""
NOT_RUN = 10
"""The maximum number of blocks that are not run."""
VERSION = "20260301T040000000000-0a1b2c"
"""The version that the pages name. Tests replace it by the oldest one."""
SHOP = {
    "workspace": "work/shop",
    "events": {
        "source": "events/2026-02.parquet",
        "columns": {"timestamp": "ts", "type": "event", "value": "quantity"},
        "types": {"view": 1, "cart": 3, "purchase": 5},
    },
    "train": {"factors": 8, "iterations": 3},
    "evaluate": {"split": {"by": "time", "test": "7d"}, "at": [10], "baselines": ["popular"]},
    "recommend": {"top_n": 10, "output": {"path": "out/lists"}},
}
DUCKDB = """
import sys, duckdb
words = [word for word in sys.argv[1:] if word != "-readonly"]
query = words[words.index("-c") + 1]
connection = duckdb.connect(words[0] if words[0] != "-c" else ":memory:", read_only=words[0] != "-c")
print(*connection.execute(query).fetchall(), sep="\\n")
"""
SQLITE = "import sys, sqlite3; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]), sep='\\n')"


@pytest.fixture
def shop(monkeypatch):
    """Yield a reader in the folder of a shop with events until 1 March 2026 and three versions of its lists."""
    with tempfile.TemporaryDirectory(prefix="als-", dir="/tmp") as name:
        folder = Path(name)
        events = pl.read_parquet(ROOT / "sample_data" / "events.parquet")
        events = events.with_columns(pl.col("ts").dt.offset_by("364d"))
        march = pl.datetime(2026, 3, 2)
        (folder / "events").mkdir()
        events.filter(pl.col("ts") < march).write_parquet(folder / "events" / "2026-02.parquet")
        events.filter(pl.col("ts") >= march).write_parquet(folder / "events" / "2026-03.parquet")
        with gzip.open(folder / "events.csv.gz", "wb") as file:
            events.head(50_000).write_csv(file)
        numbered = events.head(50_000).with_columns(pl.col("user_id").rank("dense"))
        numbered.write_csv(folder / "events.csv")
        events.select("item_id").unique().sort("item_id").head(20).write_csv(folder / "campaign.csv")
        (folder / "shop.yaml").write_text(yaml.safe_dump(SHOP))
        config = folder / "shop.yaml"
        for more in (["--as-of", "2026-02-20"], ["--as-of", "2026-02-25"], []):
            done("run", "-c", config, *more)
        done("recommend", "-c", config, "--output", folder / "out" / "other", "--top-n", 5)
        als_here("schema", "--output", folder / "als-config.schema.json")
        yield Reader(folder, (programs(folder),))


def programs(folder: Path) -> Path:
    """Return a folder with the commands `duckdb` and `sqlite3`, made from the libraries of Python."""
    place = folder / "programs"
    place.mkdir()
    for name, code in (("duckdb", DUCKDB), ("sqlite3", SQLITE)):
        (place / f"run_{name}.py").write_text(code)
        script(place / name, f'exec "{sys.executable}" "{place}/run_{name}.py" "$@"')
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "als").symlink_to(Path(sys.executable).parent / "als")
    return place


def script(path: Path, command: str) -> None:
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)


def shell_blocks(page: str) -> list[Block]:
    return [block for block in blocks_of(page) if block.language in ("bash", "sh")]


def after_a_night(reader: Reader, page: str) -> None:
    """Run the nightly job. The lists of the page about evaluation are those of 1 March."""
    as_of = ("--as-of", "2026-03-01T23:00:00Z") if page == "docs/evaluation.md" else ()
    done("run", "-c", reader.folder / "shop.yaml", *as_of)


def with_a_version(reader: Reader, block: Block) -> Block:
    """Return `block` with the oldest version of the lists."""
    stored = done("versions", "-c", reader.folder / "shop.yaml")["versions"]
    oldest = min(version["version"] for version in stored if version["of"] == "lists")
    return dataclasses.replace(block, text=block.text.replace(VERSION, oldest))


@pytest.mark.parametrize("page", [page for page in REFERENCE if page != "docs/outputs.md"])
def test_the_commands_of_a_page_run(page, shop):
    for block in shell_blocks(page):
        if block.reason is None:
            after_a_night(shop, page)
            shop.run(with_a_version(shop, block))


def test_each_output_is_written_and_read(shop, postgres, monkeypatch):
    """Each config of an output runs before the command that reads it."""
    postgres.execute("create database shop")
    uri = f"postgresql:///shop?host={postgres.folder}&user=owner"
    monkeypatch.setenv("PGHOST", str(postgres.folder))
    monkeypatch.setenv("PGUSER", "owner")
    shop.programs = (*shop.programs, postgres.programs)
    read = 0
    with redis_server() as socket:
        script(shop.programs[0] / "redis-cli", f'exec {shutil.which("redis-cli")} -s {socket} "$@"')
        shop.run(Block("bash", 'psql -d shop -c "create schema shop"', None, None))
        config = None
        for block in blocks_of("docs/outputs.md"):
            if block.language == "yaml" and "output:" in block.text and "driver:" not in block.text:
                config = yaml.safe_load(block.text)["recommend"]
            elif block.language == "sh" and block.reason is None:
                write_lists(shop, config, uri)
                assert shop.run(block), block.text
                read += 1
                config = None
    assert read >= 7


def write_lists(reader: Reader, config: dict | None, uri: str) -> None:
    """Write shop.yaml with the output of `config` and make the lists. Without `config`, write the config of SHOP."""
    document = SHOP | {"recommend": {**SHOP["recommend"], **(config or {})}}
    text = yaml.safe_dump(document)
    text = text.replace("postgresql://recommender:${SHOP_PASSWORD}@db.example.com/shop", uri)
    (reader.folder / "shop.yaml").write_text(text)
    if config is not None:
        shutil.rmtree(reader.folder / "out", ignore_errors=True)
        done("recommend", "-c", reader.folder / "shop.yaml")


def test_few_blocks_are_not_run():
    skipped = [block.text for page in REFERENCE for block in shell_blocks(page) if block.reason is not None]
    assert len(skipped) <= NOT_RUN, skipped


def test_no_block_installs_anything():
    for page in (*REFERENCE, *PAGES):
        for block in shell_blocks(page):
            assert block.reason is not None or not re.search(r"\b(?:pip|apt-get) ", block.text), page
