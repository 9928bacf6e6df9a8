"""`evaluate` compares the model with each baseline by user, and a gate can require that it is better."""

import json
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from als_cli.errors import GateError
from als_cli.evaluation.significance import compare
from als_cli.stages.evaluate import evaluate, evaluate_key, recheck_gate
from tests.stages.evaluation_builders import clean_events, context_for, publish_events, two_tastes

METRICS = ("ndcg", "recall", "precision", "map", "mrr", "hit_rate")


def test_every_metric_is_compared_with_every_baseline(tmp_path):
    report = evaluate(publish_events(context_for(tmp_path, {"seed": 3}), two_tastes()))
    assert [(one.baseline, one.metric) for one in report.comparisons] == [
        (baseline, f"{metric}@{k}")
        for baseline in ("popular", "recent_popular", "item_knn")
        for k in (3, 5)
        for metric in METRICS
    ]
    folder = Path(report.evaluation)
    document = json.loads((folder / "metrics.json").read_text())
    assert document["comparisons"] == [one.model_dump() for one in report.comparisons]
    # per_user.parquet is enough to compute the same numbers again.
    by_method = pl.read_parquet(folder / "per_user.parquet").partition_by("method", "k", as_dict=True)
    for one in report.comparisons:
        metric, k = one.metric.split("@")
        model, baseline = by_method["als", int(k)], by_method[one.baseline, int(k)]
        assert model["user_id"].equals(baseline["user_id"])
        found = compare((model[metric] - baseline[metric]).to_numpy()[:, None], 3)
        assert (one.difference, one.low, one.high, one.p_value) == pytest.approx(
            [float(field[0]) for field in vars(found).values()]
        )


def test_without_a_baseline_nothing_is_compared(tmp_path):
    report = evaluate(publish_events(context_for(tmp_path, {"baselines": []}), two_tastes()))
    assert report.comparisons == ()


def significant(at_least="popular", metric="ndcg@5"):
    return {"gate": {"metric": metric, "at_least": at_least, "significant": True}}


def test_a_model_that_is_clearly_better_passes(tmp_path):
    context = publish_events(context_for(tmp_path, significant()), two_tastes())
    found = evaluate(context).gate
    assert found.met
    assert found.low > 0
    recheck_gate(context)


def test_a_difference_that_may_be_chance_does_not_pass(tmp_path):
    # item_knn is as good as the model on this data, so a difference is chance.
    context = publish_events(context_for(tmp_path, significant("item_knn", "hit_rate@5")), two_tastes())
    with pytest.raises(GateError, match=r"hit_rate@5 of the model is"):
        evaluate(context)
    with pytest.raises(GateError, match=r"hit_rate@5 of the model is"):
        recheck_gate(context)
    assert evaluate_key(context_for(tmp_path)) == evaluate_key(context)


def test_few_users_are_a_warning(tmp_path, caplog):
    rows = [(user, item, day) for user in range(6) for day, item in enumerate("abcdef"[user % 3 :])]
    context = context_for(tmp_path, {"split": {"by": "last", "n": 1}}, train={"factors": 2})
    evaluate(publish_events(context, clean_events(rows)))
    assert "users were evaluated, so intervals and p-values are unreliable" in caplog.text


@pytest.mark.parametrize(
    ("at_least", "metric", "message"),
    [
        (0.2, "ndcg@5", "at_least is a number"),
        (1, "ndcg@5", "at_least is a number"),
        ("popular", "coverage@5", "a figure per user"),
    ],
)
def test_a_gate_without_an_interval_cannot_be_significant(tmp_path, at_least, metric, message):
    with pytest.raises(ValidationError, match=message):
        context_for(tmp_path, significant(at_least, metric))
