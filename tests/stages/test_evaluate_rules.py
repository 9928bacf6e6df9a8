"""`evaluate.rules`: the model under the rules of the lists, beside the model without them."""

import json

import polars as pl
import pytest

from als_cli.config.evaluate import GateConfig
from als_cli.evaluation.gate import decide
from als_cli.evaluation.leader import leader_of
from als_cli.evaluation.metrics import USER_METRICS
from tests.in_process import done
from tests.shop import CONFIG, write_shop

RULES = """
  rules:
    limits: [{column: colour, at_most: 2}]
    pinned: [{positions: [1], where: title = 'Red thing 3'}]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    config = write_shop(folder, CONFIG.rstrip() + RULES)
    items = pl.read_csv(folder / "catalog.csv")
    items.with_columns(colour=pl.col("item_id").str.slice(1).cast(pl.Int64) % 4).write_csv(
        folder / "catalog.csv"
    )
    done("ingest", "-c", config)
    return config


def metrics_of(shop, *options):
    report = done("evaluate", "-c", shop, "--set", "evaluate.rules=true", *options)
    return {method["method"]: method["metrics"] for method in report["methods"]}, report


def test_the_rules_change_the_lists_of_their_own_method_only(shop):
    found, report = metrics_of(shop)
    plain = done("evaluate", "-c", shop)
    assert list(found)[:2] == ["als", "als_with_rules"]
    assert found["als"] == {method["method"]: method["metrics"] for method in plain["methods"]}["als"]
    assert found["als_with_rules"]["ndcg@5"] < found["als"]["ndcg@5"]
    # With at most two items of each of four colours, a list of ten has eight items at most.
    assert found["als_with_rules"]["filled@5"] == 1
    assert found["als_with_rules"]["filled@10"] == 0
    assert found["als"]["filled@10"] == 1
    assert {one["baseline"] for one in report["comparisons"]} >= {"als_with_rules", "popular"}
    assert set(USER_METRICS) <= {name.partition("@")[0] for name in found["als_with_rules"]}


def test_without_effective_rules_both_methods_are_equal(shop):
    found, _ = metrics_of(shop, "--set", "recommend.rules={}", "--set", "recommend.items=null")
    assert found["als_with_rules"] == found["als"]


@pytest.mark.parametrize("rule", ["1s", "{purchase: 1s, view: 1s}"])
def test_the_rules_decide_which_seen_items_may_come_again(shop, rule):
    plain = (
        "--set",
        "recommend.rules={}",
        "--set",
        "recommend.items=null",
        "--set",
        "evaluate.exclude_seen=false",
    )
    found, _ = metrics_of(shop, *plain, "--set", f"recommend.seen_again_after={rule}")
    assert found["als_with_rules"] == found["als"]
    # Both types of events are younger than 40 days, so no item comes again.
    later = rule.replace("1s", "40d")
    hidden, _ = metrics_of(shop, *plain, "--set", f"recommend.seen_again_after={later}")
    assert hidden["als"] == found["als"]
    assert hidden["als_with_rules"]["filled@10"] == 1
    assert hidden["als_with_rules"]["ndcg@10"] != found["als"]["ndcg@10"]


def test_the_gate_and_the_leader_do_not_look_at_the_method_with_rules():
    metrics = {"als": {"ndcg@5": 0.3}, "als_with_rules": {"ndcg@5": 0.4}, "popular": {"ndcg@5": 0.2}}
    assert leader_of(metrics, "ndcg@5") is None
    verdict = decide(GateConfig(metric="ndcg@5", significant=False), metrics, (), 1000)
    assert (verdict.baseline, verdict.threshold) == ("popular", 0.2)


def test_the_evaluation_depends_on_the_rules_and_their_files(shop):
    def key(*options):
        metrics_of(shop, *options)
        folder = shop.parent / "work" / "evaluations"
        return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["key"]

    first = key()
    assert key() == first
    assert key("--set", "recommend.rules.minimum_score=0.1") != first
    catalog = shop.parent / "catalog.csv"
    catalog.write_text(catalog.read_text(encoding="utf-8") + "i99,Green thing,1,3\n", encoding="utf-8")
    assert key() != first
