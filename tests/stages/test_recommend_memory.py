"""Memory of `recommend` depends on candidates and block size, not on N. Too little memory is an error at the start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from als_cli.als.engine import Factors
from als_cli.dataset.interactions import Interactions
from als_cli.stages.recommend import recommend
from tests.in_process import als_here
from tests.shop import CONFIG, als, write_shop
from tests.stages.builders import context_for, interactions_of, publish_dataset, publish_model
from tests.stages.tea_shop import open_shop, shortfall, written

ROOT = Path(__file__).parents[2]
USERS, ITEMS, SEEN = 2000, 600, 3
GIB = 2**30


@pytest.fixture
def large_shop(tmp_path):
    """Return a shop with a published dataset and model of 600 items and 2,000 users."""
    context = context_for(tmp_path)
    pairs = [(f"u{user:04d}", f"i{(user * 7 + k) % ITEMS:03d}") for user in range(USERS) for k in range(SEEN)]
    interactions = interactions_of(pairs)
    publish_dataset(context, interactions)
    publish_model(context, interactions)
    (tmp_path / "shop.yaml").write_text(
        CONFIG.replace("  items: {catalog: catalog.csv, where: price > 0}\n", "")
    )
    return tmp_path


def test_a_list_longer_than_the_catalogue_takes_no_more_memory(large_shop):
    ended = als("recommend", "-c", large_shop / "shop.yaml", "-n", "100000", cwd=large_shop)
    assert ended.returncode == 0, ended.stderr
    said = ended.stderr
    manifest = json.loads((large_shop / "lists.manifest.json").read_text(encoding="utf-8"))
    assert manifest["peak_memory_bytes"] < GIB
    assert "2000 of 2000 users got fewer than 100000 items" in said
    assert pl.read_parquet(large_shop / "lists/part-*.parquet").height == USERS * (ITEMS - SEEN)
    missing = pl.read_parquet(large_shop / "lists.shortfall.parquet")
    assert missing.select("rows", "wanted", "reason").unique().rows() == [
        (ITEMS - SEEN, 100_000, "too_few_candidates")
    ]


def test_n_above_the_number_of_candidates_changes_only_wanted(tmp_path):
    catalog = tmp_path / "items.csv"
    catalog.write_text("item_id\ncup\njug\n", encoding="utf-8")
    found = []
    for top_n in (2, 3, 1000):
        report = recommend(
            open_shop(tmp_path, top_n=top_n, exclude_seen=False, items={"catalog": str(catalog)})
        )
        found.append(written(tmp_path))
        assert report.top_n == top_n
        # With two candidates a list of two is full, a longer one is not.
        assert report.shortfall == ({} if top_n == 2 else {"too_few_candidates": 4})
        assert shortfall(tmp_path)["wanted"].to_list() == ([] if top_n == 2 else [top_n] * 4)
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])


@pytest.mark.parametrize("top_n", ["99999999999", str(2**31)])
def test_n_above_int32_is_a_config_error(tmp_path, top_n):
    ended = als_here("recommend", "-c", write_shop(tmp_path), "-n", top_n)
    assert ended.returncode == 2, ended.stderr
    assert "recommend.top_n" in ended.stderr


LIMITED = """
import resource, sys
from pathlib import Path
from als_cli.cli import main
from als_cli.console import session
import als_cli.stages.recommend
from als_cli.ranking.native_top_n import warm_up

warm_up()

used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
session.check_address_space = lambda: None  # it refuses limits as low as this one
resource.setrlimit(resource.RLIMIT_AS, (used + 900 * 2**20,) * 2)
main()
"""


def test_too_little_memory_is_an_error_before_any_work(tmp_path):
    # The factors of 100,000 items take 391 MiB. Ranking holds two more copies.
    few = interactions_of([(user, item) for user in range(2) for item in range(2)])
    items = pl.DataFrame({"item_id": np.arange(100_000)}).with_columns(
        interactions=pl.lit(1, pl.UInt32),
        events=pl.lit(1, pl.UInt32),
        first_time=few.newest,
        last_time=few.newest,
    )
    matrix = csr_matrix((few.matrix.data, few.matrix.indices, few.matrix.indptr), shape=(2, len(items)))
    many = Interactions(few.users, items, matrix, few.newest)
    context = context_for(tmp_path)
    publish_dataset(context, many)
    publish_model(
        context, many, Factors(np.ones((2, 1024), np.float32), np.ones((len(items), 1024), np.float32))
    )
    (tmp_path / "shop.yaml").write_text("events: {source: events.csv}\nrecommend: {output: {path: lists}}\n")
    # malloc reserves address space per thread, which counts towards the limit.
    environment = {"PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "1", "POLARS_MAX_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, "recommend", "-c", "shop.yaml", "--threads", "1"],
        cwd=tmp_path, capture_output=True, text=True, env=os.environ | environment,
    )  # fmt: skip
    assert ended.returncode == 7, ended.stderr
    assert "ranking needs about 0.8 GiB of memory" in ended.stderr
    assert "hint: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "lists").exists()
