"""`evaluate`: metrics, files, gate and key, on small data."""

import json
from pathlib import Path

import polars as pl
import pytest

from als_cli.errors import ArtifactError, ConfigError, DataError, GateError
from als_cli.stages.evaluate import evaluate, evaluate_key, recheck_gate
from als_cli.storage.manifest import read_manifest
from als_cli.storage.publish import current_version
from tests.stages.evaluation_builders import clean_events, context_for, publish_events, two_tastes

SPLITS = [
    {"by": "time", "test": "5d"},
    {"by": "last", "n": 2},
    {"by": "random", "fraction": 0.2},
    {"by": "users", "fraction": 0.3, "fold_in": 0.6},
]
METRICS = ("ndcg", "recall", "precision", "map", "mrr", "hit_rate")
BASELINES = ("popular", "recent_popular", "item_knn")
LIST_METRICS = ("coverage", "popularity", "gini", "novelty", "popularity_lift", "filled", "diversity")
SMALL = [("ann", "a", 0), ("ann", "b", 1), ("bob", "b", 1), ("bob", "c", 2), ("cat", "a", 2), ("cat", "c", 2)]


def figures(report):
    return {one.method: one.metrics for one in report.methods}


@pytest.mark.parametrize("engine", ["native", "implicit"])
@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split["by"])
def test_the_model_beats_popularity_where_tastes_differ(tmp_path, split, engine):
    context = publish_events(context_for(tmp_path, {"split": split}, train={"engine": engine}), two_tastes())
    report = evaluate(context)
    found = figures(report)
    assert list(found) == ["als", *BASELINES]
    assert found["als"]["ndcg@5"] > 1.2 * found["popular"]["ndcg@5"]
    assert found["item_knn"]["ndcg@5"] > 1.2 * found["popular"]["ndcg@5"]
    assert report.at == (3, 5)
    assert set(found["als"]) == {f"{name}@{k}" for name in (*METRICS, *LIST_METRICS) for k in (3, 5)}
    assert report.counts["users_evaluated"] > 10
    assert report.gate is None


def test_the_files_agree_with_the_report(tmp_path):
    context = publish_events(context_for(tmp_path), two_tastes())
    report = evaluate(context)
    folder = Path(report.evaluation)
    assert folder == current_version(context.evaluations_place)
    document = json.loads((folder / "metrics.json").read_text())
    assert {one["method"]: one["metrics"] for one in document["methods"]} == figures(report)
    assert document["split"] == {"by": "random", "fraction": 0.2, "seed": 0}
    manifest = read_manifest(folder, "evaluation")
    assert manifest.metrics["methods"] == figures(report)
    assert manifest.counts == document["counts"] == report.counts
    per_user = pl.read_parquet(folder / "per_user.parquet")
    assert per_user.columns == ["user_id", "method", "k", "test_items", *METRICS]
    assert per_user.height == report.counts["users_evaluated"] * 4 * 2
    means = per_user.group_by("method", "k").agg(pl.col(METRICS).mean())
    for row in means.iter_rows(named=True):
        for name in METRICS:
            assert row[name] == pytest.approx(figures(report)[row["method"]][f"{name}@{row['k']}"])


@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split["by"])
def test_the_same_seed_writes_the_same_bytes(tmp_path, split):
    written = []
    for name in ("one", "other"):
        context = publish_events(context_for(tmp_path / name, {"split": split, "users": 12}), two_tastes())
        folder = Path(evaluate(context).evaluation)
        written.append([(folder / file).read_bytes() for file in ("metrics.json", "per_user.parquet")])
    assert written[0] == written[1]


def test_the_sample_of_users_follows_the_seed(tmp_path):
    def users_of(seed):
        context = publish_events(context_for(tmp_path, {"users": 10, "seed": seed}), two_tastes())
        report = evaluate(context)
        assert report.counts["users_evaluated"] == 10
        return set(pl.read_parquet(Path(report.evaluation) / "per_user.parquet")["user_id"])

    assert users_of(1) == users_of(1) != users_of(2)


def test_without_baselines_only_the_model_is_evaluated(tmp_path):
    context = publish_events(context_for(tmp_path, {"baselines": []}), two_tastes())
    assert list(figures(evaluate(context))) == ["als"]


def test_lists_longer_than_the_catalogue_are_short(tmp_path):
    context = publish_events(context_for(tmp_path, {"at": [500]}), two_tastes())
    report = evaluate(context)
    assert {one.method: one.short_lists for one in report.methods} == dict.fromkeys(
        ("als", *BASELINES), report.counts["users_evaluated"]
    )
    assert figures(report)["als"]["hit_rate@500"] == 1.0


def test_users_without_history_are_the_fraction_of_the_fallback(tmp_path):
    rows = [*SMALL, ("ann", "c", 9), ("bob", "a", 9), ("dan", "a", 9), ("eve", "b", 9)]
    section = {"split": {"by": "time", "test": "3d"}, "at": [1, 2]}
    report = evaluate(
        publish_events(context_for(tmp_path, section, train={"factors": 2}), clean_events(rows))
    )
    assert (report.fallback.lists, report.fallback.fraction) == (2, 0.5)
    # ann and bob have two of three items, so one slot of their lists is empty. dan and eve get two popular items.
    assert report.fallback.slot_fraction == {"@1": 2 / 4, "@2": 4 / 6}
    document = json.loads((Path(report.evaluation) / "metrics.json").read_text())
    assert document["fallback"] == report.fallback.model_dump()


def gate(metric, at_least):
    return {"gate": {"metric": metric, "at_least": at_least}}


def test_gate_that_is_met_is_reported(tmp_path):
    context = publish_events(context_for(tmp_path, gate("ndcg@5", "popular")), two_tastes())
    found = evaluate(context).gate
    assert (found.met, found.metric, found.baseline) == (True, "ndcg@5", "popular")
    recheck_gate(context)


def test_gate_that_is_not_met_fails_after_the_evaluation_is_published(tmp_path):
    context = publish_events(context_for(tmp_path, gate("recall@3", 0.99)), two_tastes())
    with pytest.raises(GateError, match=r"recall@3 of the model is 0\.\d+, the gate demands at least 0\.99"):
        evaluate(context)
    document = json.loads((current_version(context.evaluations_place) / "metrics.json").read_text())
    assert document["gate"]["met"] is False
    # A later run finds the evaluation up to date. The gate must stop it too.
    with pytest.raises(GateError, match="recall@3"):
        recheck_gate(context)


def test_a_lower_gate_needs_no_new_evaluation(tmp_path):
    strict = publish_events(context_for(tmp_path, gate("recall@3", 0.99)), two_tastes())
    with pytest.raises(GateError):
        evaluate(strict)
    lax = context_for(tmp_path, gate("recall@3", 0.01))
    assert evaluate_key(lax) == evaluate_key(strict)
    recheck_gate(lax)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (gate("ndcg@10", "popular"), "evaluate.gate.metric is ndcg@10, but evaluate.at does not contain 10"),
        (gate("ndcg@5", "popular") | {"baselines": ["item_knn"]}, "evaluate.baselines does not contain it"),
    ],
)
def test_a_gate_on_a_metric_that_is_not_computed_fails_before_training(tmp_path, section, message):
    context = publish_events(context_for(tmp_path, section), two_tastes())
    for stage in (evaluate, recheck_gate):
        with pytest.raises(ConfigError, match=message):
            stage(context)
    assert current_version(context.evaluations_place) is None


def test_without_a_dataset_the_hint_is_to_ingest(tmp_path):
    with pytest.raises(ArtifactError, match="no dataset") as refused:
        evaluate(context_for(tmp_path))
    assert "als ingest" in refused.value.hint


def test_more_factors_than_training_users_is_a_config_error(tmp_path):
    context = publish_events(context_for(tmp_path, train={"factors": 60}), two_tastes())
    with pytest.raises(ConfigError, match=r"train\.factors"):
        evaluate(context)
    assert current_version(context.evaluations_place) is None


@pytest.mark.parametrize(
    ("rows", "split", "error", "message"),
    [
        ([(1, "a", None), (1, "b", None)], {"by": "time"}, ConfigError, "events have no timestamps"),
        (SMALL, {"by": "time", "test": "2030-01-01"}, DataError, "no event at or after the cut-off"),
        # Only a user without history has events in the test period.
        (
            [*SMALL, ("dan", "a", 9)],
            {"by": "time", "test": "3d"},
            DataError,
            "none of 1 test users can be evaluated",
        ),
        # The test period contains repeat purchases only.
        (
            [*SMALL, ("ann", "a", 9)],
            {"by": "time", "test": "3d"},
            DataError,
            "none of 1 test users can be evaluated",
        ),
    ],
)
def test_a_split_without_test_users_publishes_nothing(tmp_path, rows, split, error, message):
    context = publish_events(
        context_for(tmp_path, {"split": split}, train={"factors": 2}), clean_events(rows)
    )
    with pytest.raises(error, match=message):
        evaluate(context)
    assert current_version(context.evaluations_place) is None


def test_minimum_counts_that_empty_the_training_set_are_a_data_error(tmp_path):
    context = context_for(tmp_path, events={"min_user_interactions": 2})
    rows = [(user, item, 0) for user in range(3) for item in "ab"]
    publish_events(context, clean_events(rows))
    split = {"split": {"by": "last", "n": 1}}
    timed = context_for(tmp_path, split, events={"min_user_interactions": 2})
    with pytest.raises(DataError, match="no interaction is left in the training set"):
        evaluate(timed)


def test_the_key_depends_on_the_inputs_of_the_metrics_only(tmp_path):
    context = publish_events(context_for(tmp_path), two_tastes())
    key = evaluate_key(context)
    evaluate(context)
    assert read_manifest(current_version(context.evaluations_place), "evaluation").key == key
    assert evaluate_key(context_for(tmp_path, {"gate": {"metric": "ndcg@5"}})) == key
    assert evaluate_key(context_for(tmp_path, {"at": [3]})) != key
    assert evaluate_key(context_for(tmp_path, {"split": {"by": "last"}})) != key
    assert evaluate_key(context_for(tmp_path, train={"seed": 1})) != key
    assert evaluate_key(context_for(tmp_path, events={"half_life": "9d"})) != key
    publish_events(context, two_tastes(users=61))
    assert evaluate_key(context) != key
