"""Section `tune`: what it takes and what it refuses."""

from datetime import timedelta

import pytest

from als_cli.config.loading import load_config
from als_cli.errors import ConfigError


@pytest.fixture
def shop(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text("events: {source: e.csv}\n", encoding="utf-8")
    return file


def test_flags_and_settings_reach_it(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = ["tune.time=2h", "tune.space.factors=[8]", "tune.space.regularization=[1, 2]"]
    tune = load_config(shop, settings, environment={}, flags={"tune.trials": 3, "tune.output": "b.yaml"}).tune
    assert (tune.trials, tune.time, tune.output) == (3, timedelta(hours=2), str(tmp_path / "b.yaml"))
    assert (tune.space.factors, tune.space.regularization) == ((8,), (1.0, 2.0))


@pytest.mark.parametrize(
    "wrong",
    [
        "tune.trials=0",
        "tune.folds=0",
        "tune.metric=gini@10",
        "tune.metric=ndcg",
        "tune.space.factors=[]",
        "tune.space.regularization=[0, 1]",
        "tune.space.unobserved_weight=[5, 1]",
        "tune.space.alpha=[1]",
        "tune.space.iterations=[1, 2, 3]",
        "tune.space.iterations=[0, 2]",
        "tune.space.faktors=[8]",
    ],
)
def test_mistakes_name_their_key(shop, wrong):
    with pytest.raises(ConfigError) as refused:
        load_config(shop, [wrong], environment={})
    said = [refused.value.message, *refused.value.problems]
    assert any(wrong.partition("=")[0] in line for line in said)
