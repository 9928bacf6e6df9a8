"""The verdict on an evaluation: each outcome, and the figures in its sentences."""

import math
import re

import pytest

from als_cli.evaluation.report import ComparisonReport
from als_cli.evaluation.verdict import metric_name, verdict_of

METRIC = "ndcg@10"


def verdict(values, *, low=0.0, high=0.0, p_value=0.001, users=1000, compared=None):
    """Return the verdict on methods with `values`; the strongest baseline has this interval and p-value."""
    baselines = {name: value for name, value in values.items() if name not in ("als", "als_with_rules")}
    comparisons = [
        ComparisonReport(
            baseline=name,
            metric=METRIC,
            difference=values["als"] - value,
            low=low if name == (compared or max(baselines, key=baselines.get)) else 0.5,
            high=high if name == (compared or max(baselines, key=baselines.get)) else 0.6,
            p_value=p_value,
        )
        for name, value in baselines.items()
    ]
    return verdict_of({name: {METRIC: value} for name, value in values.items()}, comparisons, users, METRIC)


def test_a_clear_win():
    found = verdict({"als": 0.22, "popular": 0.05, "item_knn": 0.20}, low=0.01, high=0.03)
    assert (found.outcome, found.best, found.baseline) == ("better", "als", "item_knn")
    assert found.result == (
        "The model gives the best lists: its NDCG@10 is 0.2200, 10.0 % above the strongest baseline, item_knn (0.2000)."
    )
    assert found.certainty == (
        "The difference is clear: the 95 % interval of the difference is +0.0100 to +0.0300, "
        "which does not include zero (1,000 test users)."
    )
    assert found.advice == "Publish the lists of the model."
    assert found.text == f"{found.result} {found.certainty} {found.advice}"


def test_a_large_win_is_a_multiple():
    found = verdict({"als": 0.25, "popular": 0.05}, low=0.1, high=0.3)
    assert "5.0 times as high as the strongest baseline, popular" in found.result


def test_a_win_over_a_baseline_without_hits_has_no_ratio():
    found = verdict({"als": 0.2, "popular": 0.0}, low=0.1, high=0.3)
    assert "is 0.2000, above the strongest baseline, popular (0.0000)" in found.result


def test_a_clear_loss():
    found = verdict({"als": 0.15, "popular": 0.05, "item_knn": 0.20}, low=-0.06, high=-0.04)
    assert (found.outcome, found.best) == ("worse", "item_knn")
    assert found.result == (
        "The model does not give the best lists: its NDCG@10 is 0.1500, 25.0 % below the strongest baseline, "
        "item_knn (0.2000)."
    )
    assert "which does not include zero" in found.certainty
    assert found.advice.startswith("Do not publish")


def test_an_interval_that_includes_zero():
    found = verdict({"als": 0.21, "item_knn": 0.20}, low=-0.01, high=0.03, p_value=0.3)
    assert (found.outcome, found.best) == ("not clear", "als")
    assert found.result.startswith("It is not clear whether the model or the strongest baseline, item_knn,")
    assert "which includes zero" in found.certainty
    assert "als backtest" in found.advice


def test_an_interval_without_zero_whose_test_is_not_clear():
    found = verdict({"als": 0.21, "item_knn": 0.20}, low=0.001, high=0.03, p_value=0.06)
    assert found.outcome == "not clear"
    assert "but the p-value 0.060 is not below 0.05" in found.certainty
    assert "includes zero" not in found.certainty


@pytest.mark.parametrize("users", [0, 1, 29])
def test_too_few_users(users):
    found = verdict({"als": 0.4, "popular": 0.1}, low=0.2, high=0.4, users=users)
    assert found.outcome == "too few users"
    assert f"Only {users} test users" in found.certainty
    assert "at least 30" in found.certainty
    assert "0.4000" in found.result
    assert "0.1000" in found.result


def test_thirty_users_are_enough():
    assert verdict({"als": 0.4, "popular": 0.1}, low=0.2, high=0.4, users=30).outcome == "better"


def test_no_method_has_a_hit():
    found = verdict({"als": 0.0, "popular": 0.0, "item_knn": math.nan})
    assert found.outcome == "no hits"
    assert "no list contains an item of the test set" in found.result


def test_no_baseline():
    found = verdict({"als": 0.2})
    assert (found.outcome, found.baseline) == ("no baseline", None)
    assert "evaluate.baselines" in found.advice


def test_the_model_with_rules_is_no_baseline():
    found = verdict({"als": 0.2, "als_with_rules": 0.3, "popular": 0.1}, low=0.05, high=0.15)
    assert (found.outcome, found.baseline) == ("better", "popular")


def test_the_published_model_has_a_readable_name():
    found = verdict({"als": 0.2, "published": 0.19, "popular": 0.1}, low=-0.01, high=0.03, p_value=0.4)
    assert found.baseline == "published"
    assert "the published model" in found.result


def test_another_metric_decides():
    metrics = {"als": {METRIC: 0.1, "recall@20": 0.5}, "popular": {METRIC: 0.2, "recall@20": 0.3}}
    compared = ComparisonReport(
        baseline="popular", metric="recall@20", difference=0.2, low=0.1, high=0.3, p_value=0.001
    )
    found = verdict_of(metrics, [compared], 500, "recall@20")
    assert (found.outcome, found.metric) == ("better", "recall@20")
    assert "recall@20 is 0.5000" in found.result


@pytest.mark.parametrize("values", [{"als": 0.2, "b": 0.1}, {"als": 0.1, "b": 0.2}, {"als": 0.0, "b": 0.0}])
@pytest.mark.parametrize("interval", [(-0.3, -0.1), (-0.1, 0.1), (0.1, 0.3)])
def test_each_sentence_is_one_sentence(values, interval):
    found = verdict(values, low=interval[0], high=interval[1])
    for sentence in (found.result, found.certainty, found.advice):
        assert re.fullmatch(r"[A-Z].*\.", sentence)
        assert "nan" not in sentence
        assert "  " not in sentence


def test_names_of_metrics():
    names = [metric_name(name) for name in ("ndcg@10", "map@5", "hit_rate@20", "recall@1")]
    assert names == ["NDCG@10", "MAP@5", "hit rate@20", "recall@1"]
