"""Section `train`: the keys of demand, horizon and metric, and the messages about wrong values."""

from datetime import timedelta

import pytest

from als_cli.config.loading import load_config
from als_cli.errors import ConfigError

DURATION = "a length of time such as 30d or 12h (units: s m h d w)"
HALF_LIFE = f"expected one of auto, infinite, or {DURATION}"
METRIC = "a metric is one of ndcg, recall, precision, map, mrr, hit_rate, then @k, for example ndcg@10"


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        file = tmp_path / "shop.yaml"
        file.write_text(f"events: {{source: e.csv}}\n{text}\n", encoding="utf-8")
        return load_config(file, environment={})

    return loaded


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("demand: {exponent: -0.5}", "demand.exponent (line 2): expected auto or a number from 0 to 4, got -0.5"),
        ("demand: {exponent: 1e9}", "demand.exponent (line 2): expected auto or a number from 0 to 4, got 1000000000.0"),
        ("demand: {exponent: .inf}", "demand.exponent (line 2): expected auto or a number from 0 to 4, got .inf"),
        ("demand: {long_run_exponent: 2.5}", "demand.long_run_exponent (line 2): expected auto or a number from 0 to 2, got 2.5"),
        ("demand: {offset: 1001}", "demand.offset (line 2): expected auto or a number from 0 to 1000, got 1001"),
        ("demand: {half_life: 0d}", f"demand.half_life (line 2): {HALF_LIFE}, got '0d'"),
        ("demand: {half_life: -3d}", f"demand.half_life (line 2): {HALF_LIFE}, got '-3d'"),
        ("demand: {half_life: soon}", f"demand.half_life (line 2): {HALF_LIFE}, got 'soon'"),
        ("demand: {long_run_half_life: 7}", f"demand.long_run_half_life (line 2): {HALF_LIFE}, got 7"),
        ("demand: {half_life: infinit}", f"demand.half_life (line 2): {HALF_LIFE}, got 'infinit'; did you mean infinite?"),
        ("demand: {half_lif: 3d}", "demand.half_lif (line 2): unknown key, did you mean half_life?"),
        ("demand: fast", "demand (line 2): expected a section with keys half_life, exponent, long_run_half_life, long_run_exponent and others, got 'fast'"),
        ("fold_in: {half_life: 0d}", f"fold_in.half_life (line 2): {HALF_LIFE}, got '0d'"),
        ("horizon: 0d", f"horizon (line 2): expected auto or {DURATION}, got '0d'"),
        ("horizon: -3d", f"horizon (line 2): expected auto or {DURATION}, got '-3d'"),
        ("horizon: soon", f"horizon (line 2): expected auto or {DURATION}, got 'soon'"),
        ("horizon: infinite", f"horizon (line 2): expected auto or {DURATION}, got 'infinite'"),
        ("horizon: 2026-01-01", f"horizon (line 2): expected auto or {DURATION}, got 2026-01-01"),
        ("metric: ndcg", f"metric (line 2): {METRIC}, got 'ndcg'"),
        ("metric: recall@0", f"metric (line 2): {METRIC}, got 'recall@0'"),
        ("metric: coverage@10", f"metric (line 2): {METRIC}, got 'coverage@10'"),
        ("metric: NDCG@10", f"metric (line 2): {METRIC}, got 'NDCG@10'"),
    ],
)  # fmt: skip
def test_messages_by_example(load, text, says):
    with pytest.raises(ConfigError) as refused:
        load(f"train: {{{text}}}")
    assert refused.value.message.endswith(f"train.{says}")
    assert refused.value.problems == ()


def test_all_wrong_values_of_demand_are_reported_together(load):
    with pytest.raises(ConfigError) as refused:
        load("train: {demand: {exponent: -1, half_life: soon}, horizon: soon, metric: ndcg}")
    assert [problem.split(" ")[0] for problem in refused.value.problems] == [
        "train.demand.half_life", "train.demand.exponent", "train.metric", "train.horizon",
    ]  # fmt: skip


def test_values_within_the_bounds_are_accepted(load):
    train = load(
        "train: {demand: {half_life: 36h, exponent: 4, long_run_half_life: infinite, long_run_exponent: 0, offset: 1000}, "
        "fold_in: {half_life: 2w}, horizon: 7d, metric: recall@100}"
    ).train
    assert (train.demand.half_life, train.demand.long_run_half_life) == (timedelta(hours=36), "infinite")
    assert (train.demand.exponent, train.demand.long_run_exponent, train.demand.offset) == (4, 0, 1000)
    assert (train.fold_in.half_life, train.horizon, train.metric) == (
        timedelta(14),
        timedelta(7),
        "recall@100",
    )
    assert type(train).model_validate(train.model_dump(mode="json")) == train


def test_demand_is_auto_by_default(load):
    train = load("train: {}").train
    assert set(train.demand.model_dump().values()) == {"auto"}
    assert (train.fold_in.half_life, train.horizon, train.metric) == ("auto", "auto", "ndcg@10")
