"""Baseline `published`: section `train` of the published model, trained on the training set."""

import json

import pytest

from als_cli.config.loading import load_config
from als_cli.errors import ArtifactError, ConfigError, GateError
from als_cli.stages.context import StageContext
from als_cli.stages.evaluate import evaluate, evaluate_key, recheck_gate
from als_cli.stages.run import run
from als_cli.stages.train import train
from tests.manifests import rewrite_manifest
from tests.shop import write_shop
from tests.stages.builders import interactions_of, publish_model
from tests.stages.evaluation_builders import context_for, publish_events, two_tastes

POOR = {"factors": 1, "iterations": 1}
GATE = {"gate": {"metric": "ndcg@5", "at_least": "published"}}


def comparing(folder, train_section=None, **evaluate_section):
    """Return a context with events and baseline `published`."""
    section = {"baselines": ["popular", "published"]} | evaluate_section
    return publish_events(context_for(folder, section, train=train_section or {}), two_tastes())


def figures(report):
    return {one.method: one.metrics for one in report.methods}


@pytest.mark.parametrize("split", [{"by": "time", "test": "5d"}, {"by": "users", "fraction": 0.3}])
def test_its_metrics_equal_an_evaluation_with_its_settings(tmp_path, split):
    train(comparing(tmp_path / "a", POOR))
    report = evaluate(comparing(tmp_path / "a", split=split))
    alone = evaluate(comparing(tmp_path / "b", POOR, split=split, baselines=["popular"]))
    assert report.published == "compared"
    assert figures(report)["published"] == figures(alone)["als"]
    assert figures(report)["als"]["ndcg@5"] > figures(report)["published"]["ndcg@5"]
    [lead] = [one for one in report.comparisons if (one.baseline, one.metric) == ("published", "ndcg@5")]
    assert 0 < lead.low < lead.difference < lead.high
    assert "published" in report.cohorts[0].methods


def test_the_stored_factors_are_not_used(tmp_path):
    train(comparing(tmp_path, POOR))
    first = evaluate(comparing(tmp_path))
    publish_model(comparing(tmp_path, POOR), interactions_of([("a", "x"), ("b", "y"), ("c", "x")]))
    assert figures(evaluate(comparing(tmp_path))) == figures(first)


def test_without_a_model_it_is_left_out_with_a_warning_and_the_gate_is_met(tmp_path, caplog):
    context = comparing(tmp_path, **GATE)
    report = evaluate(context)
    assert list(figures(report)) == ["als", "popular"]
    assert (report.published, report.gate.met, report.gate.threshold) == ("no_model", True, None)
    assert [record.levelname for record in caplog.records if "published" in record.message] == ["WARNING"]
    assert "evaluate.gate lets the model pass" in caplog.text
    recheck_gate(context)


def test_a_model_with_the_same_settings_is_left_out_without_a_warning_and_the_gate_is_met(tmp_path, caplog):
    significant = {"gate": GATE["gate"] | {"significant": True}}
    train(comparing(tmp_path))
    report = evaluate(comparing(tmp_path, **significant))
    assert list(figures(report)) == ["als", "popular"]
    assert (report.published, report.gate.met) == ("same_settings", True)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_worse_model_than_the_published_one_fails_the_gate_now_and_later(tmp_path):
    train(comparing(tmp_path))
    worse = comparing(tmp_path, POOR, **GATE)
    for apply_gate in (evaluate, recheck_gate):
        with pytest.raises(GateError, match="baseline published demands at least"):
            apply_gate(worse)
    evaluate(comparing(tmp_path, {"factors": 5}, gate=GATE["gate"] | {"at_least": 0.0}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.update(format_version=99), "format version 99"),
        (
            lambda raw: raw["config"]["train"].update(warmth=3),
            "settings that this version of als-cli does not support",
        ),
        (lambda raw: raw.update(config={}), "settings that this version of als-cli does not support"),
        (lambda raw: raw["outputs"][0].update(bytes=1), "broken"),
    ],
)
def test_a_broken_or_unknown_model_is_an_error_only_with_baseline_published(tmp_path, change, message):
    context = comparing(tmp_path, POOR)
    train(context)
    rewrite_manifest(context.models_place, change)
    for stage in (evaluate, evaluate_key):
        with pytest.raises(ArtifactError, match=message):
            stage(comparing(tmp_path))
    assert evaluate(comparing(tmp_path, baselines=["popular"])).published is None


def test_settings_that_the_training_set_is_too_small_for_are_an_error_that_names_the_baseline(tmp_path):
    few = {"split": {"by": "users", "fraction": 0.5}}  # 60 users in all, 30 of them in training
    train(comparing(tmp_path, {"factors": 40}))
    with pytest.raises(ConfigError, match=r"baseline published: .*train\.factors is 40") as refused:
        evaluate(comparing(tmp_path, **few))
    assert "remove published from evaluate.baselines" in refused.value.hint


def shop_with(folder, **train_section):
    config = load_config(folder / "shop.yaml", environment={})
    evaluating = config.evaluate.model_copy(update={"baselines": ("popular", "published")})
    training = config.train.model_copy(update=train_section)
    return StageContext(config.model_copy(update={"evaluate": evaluating, "train": training}))


def done(context):
    return [one.stage for one in run(context).stages if one.status == "done"]


def methods_published(context):
    document = json.loads((context.evaluations_place / "metrics.json").read_text())
    return [one["method"] for one in document["methods"]]


def test_als_run_has_nothing_to_do_after_each_change(tmp_path):
    write_shop(tmp_path)
    first, second = shop_with(tmp_path), shop_with(tmp_path, factors=4)
    assert done(first) == ["ingest", "evaluate", "train", "recommend"]
    assert done(first) == done(first) == []
    assert methods_published(first) == ["als", "popular"]
    # The second config is compared with the first. The comparison is kept after the second is published.
    assert done(second) == ["evaluate", "train", "recommend"]
    assert done(second) == done(second) == []
    assert methods_published(second) == ["als", "popular", "published"]
    # A model that is published with `als train` changes the baseline.
    train(shop_with(tmp_path, factors=2))
    assert done(second) == ["evaluate", "train"]
    assert done(second) == []
    # A forced run evaluates without baseline published, and is then up to date.
    assert run(second, force=True).stages[1].status == "done"
    assert methods_published(second) == ["als", "popular"]
    assert done(second) == []


def test_settings_read_from_the_manifest_are_equal(tmp_path):
    section = {"engine": "native", "confidence": {"form": "linear", "alpha": 3}, "regularization": 1}
    context = comparing(tmp_path, section)
    train(context)
    assert evaluate(context).published == "same_settings"
