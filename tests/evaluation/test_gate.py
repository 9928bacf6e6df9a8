"""The gate: which models pass, and the error messages."""

import pytest

from als_cli.config.evaluate import GateConfig
from als_cli.errors import ExitCode, GateError
from als_cli.evaluation.gate import decide, require
from als_cli.evaluation.report import ComparisonReport


def metrics(model=0.2, popular=0.1):
    return {"als": {"ndcg@10": model}, "popular": {"ndcg@10": popular}}


def verdict(at_least, figures=None, users=30, comparison=None):
    """Return the verdict of a gate on ndcg@10; with `comparison` (low, high, p-value) the gate is significant."""
    gate = GateConfig(metric="ndcg@10", at_least=at_least, significant=comparison is not None)
    compared = ()
    if comparison is not None:
        low, high, p_value = comparison
        compared = (
            ComparisonReport(
                baseline="popular", metric="ndcg@10", difference=0.1, low=low, high=high, p_value=p_value
            ),
        )
    return decide(gate, figures or metrics(), compared, users)


def test_a_model_as_good_as_the_threshold_passes():
    assert verdict(0.2).met
    require(verdict(0.2))


def test_the_error_names_metric_value_and_number():
    with pytest.raises(
        GateError, match=r"ndcg@10 of the model is 0\.2, the gate demands at least 0\.25"
    ) as refused:
        require(verdict(0.25))
    assert refused.value.exit_code == ExitCode.GATE
    assert "evaluate.gate" in refused.value.hint


def test_the_error_names_the_baseline():
    with pytest.raises(GateError, match=r"0\.2, baseline popular demands at least 0\.3"):
        require(verdict("popular", metrics(popular=0.3)))


def test_nan_does_not_pass():
    assert not verdict(0.1, metrics(model=float("nan"))).met


@pytest.mark.parametrize("at_least", [0.0, "popular"])
def test_a_gate_is_not_met_with_fewer_than_thirty_test_users(at_least):
    assert not verdict(at_least, users=29).met
    with pytest.raises(
        GateError, match="the number of test users is 29, a gate needs at least 30"
    ) as refused:
        require(verdict(at_least, users=29))
    assert "evaluate.split" in refused.value.hint


def test_a_gate_without_the_published_baseline_needs_thirty_users_too():
    require(verdict("published"))
    with pytest.raises(GateError, match="test users is 29"):
        require(verdict("published", users=29))


@pytest.mark.parametrize(
    ("low", "p_value", "met"),
    [
        (0.001, 0.049, True),
        (0.001, 0.051, False),  # the interval excludes zero, the test does not
        (0.0, 0.001, False),
        (-0.1, 0.001, False),
        (float("nan"), 0.001, False),
        (0.001, float("nan"), False),
    ],
)
def test_a_significant_gate_needs_interval_and_test(low, p_value, met):
    assert verdict("popular", comparison=(low, 0.2, p_value)).met is met


@pytest.mark.parametrize(("low", "p_value"), [(-0.05, 0.01), (0.05, 0.054)])
def test_the_error_names_interval_and_p_value_if_only_the_comparison_fails(low, p_value):
    message = rf"popular has 0\.1, and the difference is not clear: 95 % interval \{low:+} to \+0\.25, p = {p_value}"
    with pytest.raises(GateError, match=message):
        require(verdict("popular", comparison=(low, 0.25, p_value)))
