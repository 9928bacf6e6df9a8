"""`recommend`: published lists are reproducible, have a manifest, and are known to be up to date."""

import json
from contextlib import nullcontext

import numpy as np

from als_cli.stages.recommend import published_recommendations, recommend, recommend_key
from tests.stages.builders import context_for, interactions_of, publish_dataset, publish_model
from tests.stages.tea_shop import PAIRS, written


def test_block_size_does_not_change_the_lists(tmp_path):
    rng = np.random.default_rng(3)
    pairs = sorted({(int(u), int(i)) for u, i in rng.integers(0, 60, (900, 2))})
    context = context_for(tmp_path)
    interactions = interactions_of(pairs)
    publish_dataset(context, interactions)
    publish_model(context, interactions)
    recommend(context_for(tmp_path, {"top_n": 7}))
    expected = written(tmp_path)
    for block_users in (1, 7, 59):
        recommend(context_for(tmp_path, {"top_n": 7, "block_users": block_users}))
        assert written(tmp_path).equals(expected)


def test_the_same_run_writes_the_same_bytes(shop):
    contents = []
    for _ in range(2):
        context = shop(top_n=2)
        recommend(context)
        contents.append(published_recommendations(context).content)
    assert contents[0] == contents[1]


class TestKey:
    """The key depends on the same inputs as the lists."""

    def test_after_a_run_it_is_the_published_key(self, shop):
        context = shop(top_n=2)
        assert published_recommendations(context) is None
        recommend(context)
        assert published_recommendations(context).key == recommend_key(context)

    def test_paths_and_block_size_do_not_matter(self, shop, tmp_path):
        key = recommend_key(shop(top_n=2))
        assert recommend_key(shop(top_n=2, output={"path": str(tmp_path / "elsewhere")})) == key
        assert recommend_key(shop(top_n=2, block_users=1)) == key

    def test_rules_layout_and_file_contents_matter(self, shop, tmp_path):
        catalog = tmp_path / "items.csv"
        catalog.write_text("item_id\ntea\n", encoding="utf-8")
        items = {"catalog": str(catalog)}
        keys = [
            recommend_key(shop(top_n=2)),
            recommend_key(shop(top_n=3)),
            recommend_key(shop(top_n=2, exclude_seen=False)),
            recommend_key(shop(top_n=2, output={"path": str(tmp_path / "lists"), "layout": "lists"})),
            recommend_key(shop(top_n=2, items=items)),
        ]
        catalog.write_text("item_id\ntea\ncup\n", encoding="utf-8")
        keys.append(recommend_key(shop(top_n=2, items=items)))
        assert len(set(keys)) == len(keys)

    def test_the_model_matters(self, shop):
        context = shop(top_n=2)
        key = recommend_key(context)
        publish_model(context, interactions_of(PAIRS))
        assert recommend_key(context) != key


def test_the_manifest_has_inputs_counts_and_config(shop, tmp_path):
    (tmp_path / "items.csv").write_text("item_id\ncup\n", encoding="utf-8")
    context = shop(top_n=2, items={"catalog": str(tmp_path / "items.csv")})
    recommend(context)
    manifest = json.loads((tmp_path / "lists.manifest.json").read_text(encoding="utf-8"))
    assert manifest["kind"] == "recommendations"
    assert [file["path"] for file in manifest["inputs"]] == [str(tmp_path / "items.csv")]
    assert manifest["counts"]["users"] == 4
    assert manifest["counts"]["shortfall_too_few_candidates"] == 4
    assert manifest["config"]["recommend"]["top_n"] == 2
    assert {output["path"] for output in manifest["outputs"]} == {
        f"lists/part-00000-{manifest['key'][:12]}.parquet", "lists.shortfall.parquet",
    }  # fmt: skip


def test_progress_counts_users(shop):
    steps = []

    class Recorder:
        def task(self, description, total=None):
            steps.append((description, total))
            return nullcontext(self)

        def advance(self, count):
            steps.append(count)

    context = shop(top_n=1, block_users=3)
    object.__setattr__(context, "progress", Recorder())
    recommend(context)
    assert steps == [("recommending", 4), 3, 1]
