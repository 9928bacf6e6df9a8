"""`evaluate.split`: what it is where nothing or only a part of it is said."""

import re
from datetime import timedelta

import pytest

from als_cli.config.evaluate import AutoSplit, FileSplit, LastSplit, RandomSplit, TimeSplit, UsersSplit
from als_cli.config.loading import load_config
from als_cli.config.writing import config_text
from als_cli.errors import ConfigError

BARE = "events: {source: e.csv}\n"


def loaded(folder, text=BARE, *settings):
    (folder / "shop.yaml").write_text(text)
    return load_config(folder / "shop.yaml", settings, environment={})


def split_of(folder, *settings):
    return loaded(folder, BARE, *settings).evaluate.split


def test_the_default_is_auto(tmp_path):
    assert split_of(tmp_path) == AutoSplit()
    assert split_of(tmp_path, "evaluate.split={}") == AutoSplit()
    assert split_of(tmp_path, "evaluate.split={by: auto}") == AutoSplit()


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        ("evaluate.split.test=14d", TimeSplit),
        ("evaluate.split.n=2", LastSplit),
        ("evaluate.split.fraction=0.3", RandomSplit),
        ("evaluate.split={fraction: 0.3, seed: 4}", RandomSplit),
        ("evaluate.split.fold_in=0.5", UsersSplit),
        ("evaluate.split={fold_in: 0.5, fraction: 0.2}", UsersSplit),
        ("evaluate.split.path=test.csv", FileSplit),
        ("evaluate.split={path: test.csv, separator: ';'}", FileSplit),
    ],
)
def test_a_key_that_only_one_split_has_is_enough(tmp_path, setting, kind):
    assert type(split_of(tmp_path, setting)) is kind


def test_the_given_values_are_kept_and_written_back(tmp_path):
    config = loaded(tmp_path, BARE, "evaluate.split.test=14d")
    assert config.evaluate.split.test == timedelta(days=14)
    assert loaded(tmp_path, config_text(config)).evaluate.split == config.evaluate.split


@pytest.mark.parametrize(
    "setting",
    [
        "evaluate.split={test: 7d, n: 1}",  # two kinds of split
        "evaluate.split.seed=3",  # random and users have one
        "evaluate.split.tset=7d",
        "evaluate.split=time",
        "evaluate.split={by: tiem, test: 7d}",
        "evaluate.split={by: [time]}",
    ],
)
def test_anything_else_names_by_and_its_values(tmp_path, setting):
    with pytest.raises(ConfigError) as refused:
        split_of(tmp_path, setting)
    assert "evaluate.split" in refused.value.message
    for kind in ("auto", "time", "last", "random", "users", "file"):
        assert re.search(
            rf"\b{kind}\b", refused.value.message.partition("expected")[2] or refused.value.message
        )
    assert "by" in refused.value.message
    assert "discriminator" not in refused.value.message
    assert "tag" not in refused.value.message


def test_a_key_of_another_split_is_said_to_be_one(tmp_path):
    with pytest.raises(ConfigError, match=r"evaluate\.split\.test .*this key belongs to by: time") as refused:
        loaded(tmp_path, f"{BARE}evaluate: {{split: {{by: random}}}}\n", "evaluate.split.test=14d")
    assert "did you mean test" not in refused.value.message
