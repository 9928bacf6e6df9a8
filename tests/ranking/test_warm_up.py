"""Only commands that need kernels compile them, in the background while data loads.

Each test starts a process, and checks the modules that it imported and the kernels in its cache.
"""

import shutil

import pytest

from tests.imports import imports_of
from tests.in_process import als_here
from tests.shop import write_shop

RANKING = "als_cli.ranking.kernel_top_n.rank_users"
ROWS = {
    f"als_cli.als.kernels.{kind}_rows.solve_{kind}_rows" for kind in ("dense", "long", "longest", "short")
}
BACKGROUND = "als-warm-up"


@pytest.fixture(scope="module")
def finished_shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    ended = als_here("run", "-c", write_shop(folder))
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture
def config(finished_shop, tmp_path):
    shutil.copytree(finished_shop, tmp_path / "shop", symlinks=True)
    return tmp_path / "shop" / "shop.yaml"


@pytest.mark.parametrize(
    "command",
    [
        ["ingest"],
        ["show", "model"],
        ["show", "user", "u000"],
        ["show", "item", "i01"],
        ["train", "--set", "train.engine=implicit"],
        ["run"],  # up to date
    ],
    ids=" ".join,
)
def test_a_command_that_needs_no_kernel_compiles_none(config, tmp_path, command):
    cache = tmp_path / "cache"
    cache.mkdir()
    imported = imports_of(*command, "-c", config, NUMBA_CACHE_DIR=str(cache))
    assert "polars" in imported
    assert [name for name in imported if name.split(".")[0] in {"numba", "llvmlite"}] == []
    assert not {RANKING, *ROWS} & imported.keys()
    assert list(cache.iterdir()) == []


def kernels_in(cache):
    return {path.name for path in cache.rglob("als_cli.*")}


def test_recommend_compiles_the_ranking_in_the_background(config, tmp_path):
    cache = tmp_path / "cache"
    imported = imports_of("recommend", "-c", config, NUMBA_CACHE_DIR=str(cache))
    assert {imported["numba"], imported["llvmlite"]} == {BACKGROUND}
    assert kernels_in(cache) == {RANKING}
    assert "pandas" not in imported
    warm = imports_of("recommend", "-c", config, NUMBA_CACHE_DIR=str(cache))
    assert warm["llvmlite"] == BACKGROUND
    assert "numba" not in warm


def test_training_loads_the_rows_in_the_background_and_no_ranking(config):
    imported = imports_of("train", "-c", config)
    assert imported["llvmlite"] == BACKGROUND
    assert imported.keys() >= ROWS
    assert RANKING not in imported
    assert "pandas" not in imported


def test_training_with_auto_settings_also_loads_the_ranking(config):
    imported = imports_of("train", "-c", config, "--set", "train.iterations=auto")
    assert imported["llvmlite"] == BACKGROUND
    assert ROWS | {RANKING} <= imported.keys()


def test_engine_implicit_loads_the_ranking_only(config):
    imported = imports_of("run", "-c", config, "--set", "train.engine=implicit")
    assert imported["llvmlite"] == BACKGROUND
    assert RANKING in imported
    assert "implicit" in imported
    assert not ROWS & imported.keys()
