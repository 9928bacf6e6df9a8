"""The leading baseline: which one, in which metric, and the message."""

import pytest

from als_cli.config.evaluate import GateConfig
from als_cli.evaluation.leader import leader_of, leading_metric, log_leader
from als_cli.evaluation.report import LeaderReport


def metrics(**values):
    return {method: {"ndcg@10": value, "recall@5": 1 - value} for method, value in values.items()}


@pytest.mark.parametrize(
    ("values", "leader"),
    [
        ({"als": 0.2}, None),
        ({"als": 0.2, "popular": 0.1}, None),
        ({"als": 0.2, "popular": 0.2}, None),
        ({"als": 0.2, "popular": 0.21, "item_knn": 0.3, "recent_popular": 0.25}, "item_knn"),
        ({"als": 0.2, "popular": 0.3, "item_knn": 0.3}, "popular"),
        ({"als": 0.2, "popular": float("nan"), "item_knn": 0.3}, "item_knn"),
        ({"als": 0.2, "popular": float("nan")}, None),
        ({"als": 0.2, "popular": 0.1, "published": 0.25}, "published"),
    ],
)
def test_the_leader_is_the_strongest_baseline_if_it_is_better_than_the_model(values, leader):
    found = leader_of(metrics(**values), "ndcg@10")
    assert (found and found.baseline) == leader
    if found is not None:
        assert (found.metric, found.value, found.model) == ("ndcg@10", values[leader], 0.2)


def test_each_metric_has_its_leader():
    found = metrics(als=0.2, popular=0.1, item_knn=0.3)
    assert leader_of(found, "ndcg@10").baseline == "item_knn"
    assert leader_of(found, "recall@5").baseline == "popular"


@pytest.mark.parametrize(
    ("gate", "metric"),
    [
        (None, "ndcg@5"),
        (GateConfig(metric="recall@20"), "recall@20"),
        (GateConfig(metric="coverage@20"), "ndcg@5"),  # more coverage is not better
        (GateConfig(metric="popularity@20"), "ndcg@5"),
    ],
)
def test_the_metric_is_the_metric_of_the_gate_if_it_is_an_accuracy_metric(gate, metric):
    assert leading_metric(gate, (20, 5, 10)) == metric


def test_the_message_is_one_plain_line(caplog):
    log_leader(None)
    assert not caplog.records
    log_leader(LeaderReport(baseline="recent_popular", metric="ndcg@10", value=0.147, model=0.004))
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "recent_popular leads: ndcg@10 0.1470, als 0.0040; its lists would be better than the lists of the model"
    )
