"""`recommend` with a demand rule: lists of an old model follow the newest dataset, and the manifest says how."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from als_cli.als.demand import DemandRule
from als_cli.als.engine import Factors
from als_cli.errors import ArtifactError
from als_cli.ranking.item_demand import demand_facts
from als_cli.stages.recommend import published_recommendations, recommend, recommend_key
from als_cli.stages.show import show_model, show_user
from tests.stages.builders import NEWEST, context_for, interactions_of, publish_dataset, publish_model
from tests.stages.tea_shop import PAIRS, written

WEEK = 7 * 86_400.0
RULE = DemandRule(
    half_life=WEEK, exponent=1.0, long_run_half_life=10 * WEEK, long_run_exponent=0.5, offset=2.0
)
FACTORS = Factors(np.ones((4, 2), np.float32), np.array([[4, 0], [3, 0], [2, 0], [1, 0]], np.float32))


def ages(*days):
    return [timedelta(days=day) for day in days]


def open_shop(tmp_path, rule=RULE, interactions=None, **section):
    """Return a context with a model of the tea shop by `rule`, and a dataset: by default that of the model."""
    context = context_for(tmp_path, section)
    publish_dataset(context, interactions or interactions_of(PAIRS))
    publish_model(context, interactions_of(PAIRS), FACTORS, demand=rule)
    return context


def best_of(tmp_path):
    lists = written(tmp_path)
    return dict(lists.filter(pl.col("rank") == 1).select("user_id", "item_id").rows())


def test_lists_of_an_old_model_follow_the_newest_dataset(tmp_path):
    rule = DemandRule(half_life=86_400, exponent=2.0)
    context = open_shop(tmp_path, rule, top_n=3, exclude_seen=False)
    # The ages of the newest pairs in days: tea 0, cup 1, pot 3, jug 6.
    recommend(context)
    assert set(best_of(tmp_path).values()) == {"tea"}
    # The next day, other users want the jug, and a new item that the model does not know.
    later = [("eve", "jug"), ("fay", "jug"), ("eve", "ale"), ("fay", "ale")]
    older = ages(*range(20, 27), 0, 0, 0, 0)
    publish_dataset(context, interactions_of([*PAIRS, *later], ages=older))
    recommend(context)
    assert set(best_of(tmp_path).values()) == {"jug"}
    assert "ale" not in written(tmp_path)["item_id"]


@pytest.mark.parametrize("section", [{"path": "lists"}, {"path": "lists.parquet"}])
def test_the_manifest_names_the_rule_and_its_instants(tmp_path, section):
    target = tmp_path / section["path"]
    context = open_shop(tmp_path, top_n=2, output={"path": str(target)})
    recommend(context)
    beside = target.with_name(f"{target.name}.manifest.json")
    demand = json.loads(beside.read_text(encoding="utf-8"))["metrics"]["demand"]
    instants = [datetime.fromisoformat(demand.pop(name)) for name in ("as_of", "newest_event")]
    assert instants == [NEWEST, NEWEST]
    assert demand == {
        "half_life": WEEK,
        "exponent": 1.0,
        "long_run_half_life": 10 * WEEK,
        "long_run_exponent": 0.5,
        "offset": 2.0,
    }


def test_an_instant_of_the_config_is_named_beside_the_newest_event():
    instant = datetime(2026, 3, 2, tzinfo=UTC)
    facts = demand_facts(RULE, interactions_of(PAIRS), instant)
    assert (facts["as_of"], facts["newest_event"]) == (instant, NEWEST)


def test_a_neutral_rule_changes_no_byte_and_is_not_in_the_manifest(tmp_path):
    contents = []
    for rule in (DemandRule(), DemandRule(half_life=WEEK, long_run_half_life=WEEK, offset=9.0)):
        context = open_shop(tmp_path, rule, top_n=3)
        recommend(context)
        manifest = published_recommendations(context)
        assert (manifest.metrics["demand"], manifest.metrics["rules"]) == (None, {})
        assert set(manifest.metrics) == {"demand", "rules", "unknown_items", "dataset", "model"}
        contents.append([output.sha256 for output in manifest.outputs])
    assert contents[0] == contents[1]
    assert written(tmp_path).filter(pl.col("user_id") == "ann")["score"].to_list() == [3, 2]


def test_the_key_depends_on_the_rule_although_no_file_of_the_model_does(tmp_path):
    keys = {recommend_key(open_shop(tmp_path, rule)) for rule in (DemandRule(), RULE, DemandRule(None, 1.0))}
    assert len(keys) == 3


def test_one_user_and_all_users_get_the_same_lists(tmp_path):
    context = open_shop(tmp_path, top_n=3)
    recommend(context)
    together = written(tmp_path)
    recommend(context_for(tmp_path, {"top_n": 3, "block_users": 1}))
    assert written(tmp_path).equals(together)
    for user in ("ann", "bob", "cid", "dot"):
        shown = show_user(context, user).recommended
        assert [(item.item_id, item.score) for item in shown] == together.filter(
            pl.col("user_id") == user
        ).select("item_id", "score").rows()


def test_a_dataset_without_times_is_an_error_and_writes_nothing(tmp_path):
    context = open_shop(tmp_path, interactions=interactions_of(PAIRS, timed=False))
    for command in (recommend, lambda context: show_user(context, "ann")):
        with pytest.raises(ArtifactError, match=r"depends on recent events \(train.demand\)") as raised:
            command(context)
        assert raised.value.exit_code == 4
        assert "run `als ingest`" in raised.value.hint
    assert not (tmp_path / "lists").exists()


@pytest.mark.parametrize("command", [recommend, show_model])
def test_a_model_of_an_older_format_version_is_one_clear_message(tmp_path, command):
    context = open_shop(tmp_path)
    manifest = context.models_place / "manifest.json"
    older = json.loads(manifest.read_text(encoding="utf-8")) | {"format_version": 1}
    del older["metrics"]["recipe"]["demand"]
    manifest.write_text(json.dumps(older), encoding="utf-8")
    with pytest.raises(
        ArtifactError, match=r"has format version 1, but als-cli .* reads version 3"
    ) as raised:
        command(context)
    assert raised.value.exit_code == 4
    assert raised.value.hint.startswith("run `als train` again")
