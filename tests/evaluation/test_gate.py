"""The gate: what passes, and what its refusal says."""

import pytest

from als_cli.errors import ExitCode, GateError
from als_cli.evaluation.gate import judge, require

MODEL = {"ndcg@10": 0.2}


def test_a_model_as_good_as_the_threshold_passes():
    verdict = judge("ndcg@10", 0.2, MODEL, {})
    assert verdict.met
    require(verdict)


def test_refusal_names_metric_value_and_number():
    with pytest.raises(
        GateError, match=r"ndcg@10 of the model is 0\.2, the gate demands at least 0\.25"
    ) as refused:
        require(judge("ndcg@10", 0.25, MODEL, {}))
    assert refused.value.exit_code == ExitCode.GATE
    assert "evaluate.gate" in refused.value.hint


def test_refusal_names_the_baseline():
    with pytest.raises(GateError, match=r"0\.2, baseline popular demands at least 0\.3"):
        require(judge("ndcg@10", "popular", MODEL, {"popular": {"ndcg@10": 0.3}}))


def test_a_figure_that_is_no_number_does_not_pass():
    assert not judge("ndcg@10", 0.1, {"ndcg@10": float("nan")}, {}).met


@pytest.mark.parametrize(("low", "met"), [(0.001, True), (0.0, False), (-0.1, False), (float("nan"), False)])
def test_where_chance_is_to_be_excluded_the_interval_must_lie_above_nought(low, met):
    assert judge("ndcg@10", "popular", MODEL, {"popular": {"ndcg@10": 0.1}}, low).met is met


def test_refusal_names_the_interval_where_only_that_fails():
    verdict = judge("ndcg@10", "popular", MODEL, {"popular": {"ndcg@10": 0.1}}, -0.05)
    with pytest.raises(
        GateError, match=r"baseline popular has 0\.1, and the interval of the difference begins at -0\.05"
    ):
        require(verdict)
