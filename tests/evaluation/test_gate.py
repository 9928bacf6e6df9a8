"""The gate: which models pass, and the error messages."""

import pytest

from als_cli.config.evaluate import EvaluateConfig, GateConfig
from als_cli.errors import ConfigError, ExitCode, GateError
from als_cli.evaluation.gate import check_gate, decide, require
from als_cli.evaluation.report import ComparisonReport, LeaderReport


def metrics(model=0.2, popular=0.1, **others):
    found = {"als": model, "popular": popular} | others
    return {method: {"ndcg@10": value} for method, value in found.items()}


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


@pytest.mark.parametrize("at_least", [0.0, "popular", "strongest"])
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


def test_the_default_gate_compares_with_the_strongest_baseline():
    assert GateConfig().at_least == "strongest"
    figures = metrics(model=0.2, popular=0.1, recent_popular=0.3, item_knn=0.2)
    found = verdict("strongest", figures)
    assert (found.met, found.baseline, found.threshold) == (False, "recent_popular", 0.3)
    assert verdict("strongest", metrics(model=0.3, popular=0.1, recent_popular=0.3)).met  # a tie passes
    # The config accepts the model with another baseline, a number, or no gate.
    assert verdict("item_knn", figures).met
    assert verdict(0.2, figures).met
    assert decide(None, figures, (), 30) is None
    require(None)


@pytest.mark.parametrize("popular", [0.1, float("nan")])
def test_published_and_nan_are_not_the_strongest_baseline(popular):
    figures = metrics(popular=popular, item_knn=0.15, published=0.9)
    assert verdict("strongest", figures).baseline == "item_knn"
    assert verdict("strongest", figures).met


def test_the_first_of_equally_strong_baselines_is_named():
    assert verdict("strongest", metrics(popular=0.3, item_knn=0.3)).baseline == "popular"


def test_the_error_names_the_strongest_baseline_and_both_values():
    with pytest.raises(
        GateError,
        match=r"ndcg@10 of the model is 0\.004, the strongest baseline, recent_popular, demands at least 0\.147$",
    ) as refused:
        require(verdict("strongest", metrics(model=0.004, popular=0.1, recent_popular=0.147)))
    for way in ("at_least to a number", "another baseline", "remove evaluate.gate"):
        assert way in refused.value.hint


def test_a_significant_gate_compares_with_the_strongest_baseline():
    figures = metrics(popular=0.19, item_knn=0.1)
    assert verdict("strongest", figures, comparison=(0.001, 0.2, 0.01)).met  # the comparison is with popular
    unclear = verdict("strongest", figures, comparison=(-0.001, 0.2, 0.2))
    assert not unclear.met
    with pytest.raises(
        GateError, match=r"the strongest baseline, popular, has 0\.19, and the difference is not"
    ):
        require(unclear)


@pytest.mark.parametrize("baselines", [(), ("published",)])
def test_a_gate_on_the_strongest_of_no_baselines_is_an_error(baselines):
    config = EvaluateConfig(baselines=baselines, gate=GateConfig())
    with pytest.raises(
        ConfigError, match=r"at_least is strongest, but evaluate\.baselines contains no baseline"
    ):
        check_gate(config)
    check_gate(config.model_copy(update={"baselines": ("item_knn", *baselines)}))


@pytest.mark.parametrize(
    ("at_least", "figures", "users", "explained"),
    [
        ("strongest", metrics(popular=0.3), 30, True),
        ("popular", metrics(popular=0.3), 30, True),
        ("strongest", metrics(popular=0.3), 29, False),  # the error is about the users
        (0.25, metrics(popular=0.3), 30, False),
        ("item_knn", metrics(popular=0.3, item_knn=0.25), 30, False),
        ("item_knn", metrics(popular=0.3, item_knn=0.1), 30, False),
    ],
)
def test_the_error_names_the_leading_baseline_once(at_least, figures, users, explained):
    leader = LeaderReport(baseline="popular", metric="ndcg@10", value=0.3, model=0.2)
    found = verdict(at_least, figures, users)
    assert found.explains(leader) is explained
    other_metric = leader.model_copy(update={"metric": "ndcg@5"})
    assert not found.explains(other_metric)
    if found.met:
        require(found, leader)
        return
    with pytest.raises(GateError) as refused:
        require(found, leader)
    assert ("; popular leads: ndcg@10 0.3000, als 0.2000" in refused.value.message) is not explained
    with pytest.raises(GateError, match=r"; popular leads: ndcg@5 0\.3000, als 0\.2000$"):
        require(found, other_metric)
    with pytest.raises(GateError) as refused:
        require(found, None)
    assert "leads" not in refused.value.message
