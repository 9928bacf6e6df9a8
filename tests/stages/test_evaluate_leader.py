"""`evaluate` when a baseline is better than the model: the warning, the report and the gate."""

import json
from pathlib import Path

import pytest

from als_cli.errors import ConfigError, GateError
from als_cli.stages.evaluate import evaluate, recheck_gate
from als_cli.storage.publish import current_version
from tests.stages.evaluation_builders import context_for, fashion, publish_events, two_tastes

BASELINES = ("popular", "recent_popular", "item_knn")


def figures(report):
    return {one.method: one.metrics for one in report.methods}


def leading_messages(caplog):
    return [record.getMessage() for record in caplog.records if "leads" in record.getMessage()]


def fresh(folder, **section):
    section = {"split": {"by": "time", "test": "4d"}, "recent_half_life": "1d"} | section
    return publish_events(context_for(folder, section), fashion(5))


def test_a_leading_baseline_is_one_warning_and_is_in_the_report(tmp_path, caplog):
    context = fresh(tmp_path)
    report = evaluate(context)
    found = figures(report)
    values = {name: found[name]["ndcg@3"] for name in BASELINES}
    assert values["recent_popular"] == max(values.values()) > found["als"]["ndcg@3"]
    leader = report.leader
    assert (leader.baseline, leader.metric) == ("recent_popular", "ndcg@3")
    assert (leader.value, leader.model) == (values["recent_popular"], found["als"]["ndcg@3"])
    [message] = leading_messages(caplog)
    assert message.startswith(f"recent_popular leads: ndcg@3 {leader.value:.4f}, als {leader.model:.4f}; ")
    document = json.loads((Path(report.evaluation) / "metrics.json").read_text())
    assert document["leader"] == leader.model_dump()
    assert {one["method"]: one["half_life"] for one in document["methods"]} == {
        "als": None,
        "popular": None,
        "recent_popular": "1d",
        "item_knn": None,
    }
    caplog.clear()
    recheck_gate(context)  # a later run finds the evaluation up to date
    assert leading_messages(caplog) == [message]


def test_without_a_leading_baseline_nothing_is_said(tmp_path, caplog):
    context = publish_events(context_for(tmp_path, {"gate": {"metric": "ndcg@3"}}), two_tastes())
    report = evaluate(context)
    recheck_gate(context)
    assert report.leader is None
    assert leading_messages(caplog) == []


@pytest.mark.parametrize("at_least", [None, "recent_popular"])
def test_the_default_gate_fails_if_a_baseline_leads_and_its_error_is_the_only_message(
    tmp_path, caplog, at_least
):
    asked = {"metric": "ndcg@5"} | ({} if at_least is None else {"at_least": at_least})
    context = fresh(tmp_path, gate=asked)
    for stage in (evaluate, recheck_gate):
        with pytest.raises(
            GateError, match=r"ndcg@5 of the model is 0[.\d]*, .*recent_popular,? demands at least 0"
        ):
            stage(context)
    assert leading_messages(caplog) == []
    document = json.loads((current_version(context.evaluations_place) / "metrics.json").read_text())
    assert document["leader"]["baseline"] == document["gate"]["baseline"] == "recent_popular"
    assert document["gate"]["met"] is False


@pytest.mark.parametrize("accepting", [{"gate": None}, {"gate": {"metric": "ndcg@5", "at_least": 0.0}}])
def test_a_config_that_accepts_a_weaker_model_passes_with_the_warning(tmp_path, caplog, accepting):
    context = fresh(tmp_path, **accepting)
    evaluate(context)
    recheck_gate(context)
    assert len(leading_messages(caplog)) == 2


def test_the_error_of_a_gate_that_fails_for_another_reason_names_the_leader(tmp_path, caplog):
    context = fresh(tmp_path, gate={"metric": "ndcg@5", "at_least": 0.99})
    for stage in (evaluate, recheck_gate):
        with pytest.raises(
            GateError,
            match=r"the gate demands at least 0\.99; recent_popular leads: ndcg@5 0\.\d+, als 0\.\d+$",
        ):
            stage(context)
    assert leading_messages(caplog) == []


def test_a_gate_on_no_baseline_fails_before_training(tmp_path):
    context = publish_events(
        context_for(tmp_path, {"baselines": [], "gate": {"metric": "ndcg@5"}}), two_tastes()
    )
    for stage in (evaluate, recheck_gate):
        with pytest.raises(ConfigError, match=r"evaluate\.gate\.at_least is strongest"):
            stage(context)
    assert current_version(context.evaluations_place) is None
