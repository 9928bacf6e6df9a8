"""The gate: what passes, and what its refusal says."""

import pytest

from als_cli.errors import ExitCode, GateError
from als_cli.evaluation.gate import Lead, Verdict, decide, require

MODEL = {"ndcg@10": 0.2}
POPULAR = {"popular": {"ndcg@10": 0.1}}


def test_a_model_as_good_as_the_threshold_passes():
    verdict = decide("ndcg@10", 0.2, MODEL, {}, 30)
    assert verdict.met
    require(verdict)


def test_refusal_names_metric_value_and_number():
    with pytest.raises(
        GateError, match=r"ndcg@10 of the model is 0\.2, the gate demands at least 0\.25"
    ) as refused:
        require(decide("ndcg@10", 0.25, MODEL, {}, 30))
    assert refused.value.exit_code == ExitCode.GATE
    assert "evaluate.gate" in refused.value.hint


def test_refusal_names_the_baseline():
    with pytest.raises(GateError, match=r"0\.2, baseline popular demands at least 0\.3"):
        require(decide("ndcg@10", "popular", MODEL, {"popular": {"ndcg@10": 0.3}}, 30))


def test_a_figure_that_is_no_number_does_not_pass():
    assert not decide("ndcg@10", 0.1, {"ndcg@10": float("nan")}, {}, 30).met


@pytest.mark.parametrize("at_least", [0.0, "popular"])
def test_fewer_than_thirty_test_users_pass_no_gate(at_least):
    verdict = decide("ndcg@10", at_least, MODEL, POPULAR, 29)
    assert not verdict.met
    with pytest.raises(
        GateError, match="the number of test users is 29, a gate needs at least 30"
    ) as refused:
        require(verdict)
    assert "evaluate.split" in refused.value.hint


def test_a_gate_without_anything_to_fall_below_needs_the_users_as_well():
    require(Verdict("ndcg@10", 0.2, None, "published", 30))
    with pytest.raises(GateError, match="test users is 29"):
        require(Verdict("ndcg@10", 0.2, None, "published", 29))


@pytest.mark.parametrize(
    ("low", "p_value", "met"),
    [
        (0.001, 0.049, True),
        (0.001, 0.051, False),  # the interval is above zero, the test says that it may be chance
        (0.0, 0.001, False),
        (-0.1, 0.001, False),
        (float("nan"), 0.001, False),
        (0.001, float("nan"), False),
    ],
)
def test_a_clear_lead_is_one_by_interval_and_test(low, p_value, met):
    lead = Lead(low, 0.2, p_value)
    assert decide("ndcg@10", "popular", MODEL, POPULAR, 30, lead).met is met


@pytest.mark.parametrize(("low", "p_value"), [(-0.05, 0.01), (0.05, 0.054)])
def test_refusal_names_interval_and_p_value_where_only_the_lead_fails(low, p_value):
    verdict = decide("ndcg@10", "popular", MODEL, POPULAR, 30, Lead(low, 0.25, p_value))
    said = rf"popular has 0\.1, and the lead is not clear: 95 % interval \{low:+} to \+0\.25, p = {p_value}"
    with pytest.raises(GateError, match=said):
        require(verdict)
