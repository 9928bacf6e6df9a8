"""A written config loads back to the same one, from whatever folder."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from als_cli.config.loading import load_config
from als_cli.config.modeline import SCHEMA_MODELINE
from als_cli.config.writing import config_text
from als_cli.config.yaml_text import parse_yaml, write_yaml
from als_cli.storage.sinks.target import target_of
from tests.config.configs import used_values

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
WORDS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12),
    st.sampled_from(["1e5", "007", "no", "yes", "null", "~", "-", "2026-01-31", "1_000", "0x1f", ".inf", "\t", "a: b", "#"]),
)  # fmt: skip
VALUES = st.one_of(WORDS, st.integers(), st.floats(allow_nan=False), st.booleans(), st.none())


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_loads_back_equal_from_another_folder(path, tmp_path):
    config = load_config(path, environment={})
    copy = tmp_path / "elsewhere.yaml"
    copy.write_text(config_text(config, "two\nlines"), encoding="utf-8")
    assert used_values(load_config(copy, environment={})) == used_values(config)
    assert copy.read_text().startswith(f"{SCHEMA_MODELINE}\n# two\n# lines\n")


def test_defaults_that_are_paths_stay_where_they_were(tmp_path):
    (tmp_path / "bare.yaml").write_text(
        "events: {source: e.csv}\nevaluate: {split: {by: time, test: 2026-01-31}}\n"
    )
    config = load_config(tmp_path / "bare.yaml", environment={})
    (tmp_path / "far").mkdir()
    (tmp_path / "far/copy.yaml").write_text(config_text(config))
    assert load_config(tmp_path / "far/copy.yaml", environment={}) == config
    assert set(yaml.safe_load(config_text(config))) == {
        *("workspace", "events", "evaluate", "recommend", "embeddings"),
    }


def test_the_file_of_a_database_stays_where_it_was(tmp_path):
    (tmp_path / "shop.yaml").write_text(
        "events: {source: e.csv}\nrecommend: {output: {database: {uri: 'duckdb:out/x.duckdb'}}}\n"
    )
    config = load_config(tmp_path / "shop.yaml", environment={})
    (tmp_path / "far").mkdir()
    (tmp_path / "far/copy.yaml").write_text(config_text(config))
    copy = load_config(tmp_path / "far/copy.yaml", environment={})
    assert target_of(copy.recommend.output).path == f"duckdb:{tmp_path}/out/x.duckdb recommendations"


@given(st.dictionaries(WORDS.filter(lambda word: word != "<<"), VALUES, max_size=4))
def test_any_values_read_back_the_same(tree):
    assert parse_yaml(write_yaml({"top": [tree]}), "here").tree == {"top": [tree]}
