"""The stored choice of `auto`: when it serves another run, and that one run chooses once."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from als_cli.errors import ArtifactError
from als_cli.stages.evaluate import evaluate
from als_cli.stages.train import train, train_key
from als_cli.storage.choice_files import CHOICE, ChoiceBasis, stored_choice, write_choice
from als_cli.storage.manifest import published_manifest
from als_cli.storage.publish import current_version
from als_cli.tuning.auto import AutoSearch, Choice
from tests.manifests import accept_files, rewrite_manifest
from tests.stages.evaluation_builders import context_for, publish_events, two_tastes

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
CUT_OFF = NOW - 7 * DAY
BASIS = ChoiceBasis(
    settings="s", dataset="d", as_of=None, events="e", until=CUT_OFF, interactions=1000, time=NOW
)
CHOICE_MADE = Choice({"factors": 8, "demand_half_life": math.inf}, "ndcg@10", 0.25, users=200, periods=2)
AUTO = {"engine": "native", "factors": "auto", "iterations": "auto"}


@pytest.fixture
def place(tmp_path):
    config = context_for(tmp_path).config
    write_choice(tmp_path / "choice", CHOICE_MADE, BASIS, config, threads=1, seconds=0.5)
    return tmp_path / "choice"


@pytest.mark.parametrize(
    ("change", "serves"),
    [
        ({}, True),
        ({"time": NOW + 30 * DAY}, True),
        ({"time": NOW + 31 * DAY}, False),
        ({"interactions": 1250}, True),
        ({"interactions": 1251}, False),
        ({"interactions": 799}, False),
        ({"settings": "other"}, False),
        ({"events": "other", "until": CUT_OFF + DAY}, True),
        ({"events": "other", "until": CUT_OFF - DAY}, True),
    ],
)
def test_a_choice_serves_until_settings_or_data_have_changed_much(place, change, serves):
    found = stored_choice(place, replace(BASIS, **change), 30 * DAY, unseen=False)
    assert found == (CHOICE_MADE if serves else None)


@pytest.mark.parametrize(
    ("change", "serves"),
    [
        ({}, True),
        ({"events": "other", "until": CUT_OFF + DAY}, True),
        ({"events": "other", "until": CUT_OFF - DAY}, False),  # it knows a day of the test period
        ({"events": "other", "until": None}, False),  # a random split has other test pairs
    ],
)
def test_an_evaluation_uses_no_choice_that_knows_its_test_set(place, change, serves):
    found = stored_choice(place, replace(BASIS, **change), 30 * DAY, unseen=True)
    assert found == (CHOICE_MADE if serves else None)


def test_a_broken_choice_is_an_error_because_a_new_choice_could_differ(place):
    path = current_version(place) / CHOICE
    path.write_text("x" * path.stat().st_size, encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"choice\.json is broken: its checksum differs") as raised:
        stored_choice(place, BASIS, 30 * DAY, unseen=False)
    assert raised.value.hint == f"remove {place}, so that `als train` selects the settings again"


@pytest.mark.parametrize(
    "point",
    [{"item_exqonent": 0.1}, {"alpha": "10"}, {"alpha": -1.0}, {"factors": 10**9}, {"iterations": 10**9}],
)
def test_a_choice_with_wrong_values_is_an_error(place, point):
    path = current_version(place) / CHOICE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"point": point}), encoding="utf-8")
    accept_files(current_version(place))
    with pytest.raises(ArtifactError, match=r"choice\.json is broken: .*the choice"):
        stored_choice(place, BASIS, 30 * DAY, unseen=False)


@pytest.mark.parametrize("other", [{"format_version": 2}, {"tool_version": "0.0.1"}])
def test_a_choice_of_another_version_is_made_again(place, other):
    rewrite_manifest(current_version(place), lambda raw: raw.update(other))
    assert stored_choice(place, BASIS, 30 * DAY, unseen=False) is None


def test_evaluation_and_training_of_a_run_use_one_choice(tmp_path, monkeypatch):
    context = publish_events(
        context_for(tmp_path, {"split": {"by": "time", "test": "6d"}, "baselines": ["popular"]}, train=AUTO),
        two_tastes(users=400, items=60),
    )
    searched, plain = [], AutoSearch.choose

    def recorded(search, section, events):
        searched.append(section)
        return plain(search, section, events)

    monkeypatch.setattr(AutoSearch, "choose", recorded)
    evaluate(context)
    trained = train(context)
    assert len(searched) == 1
    choice = Choice.from_json(published_manifest(context.models_place, "model").metrics["choice"])
    assert trained.factors == choice.point["factors"]
    assert published_manifest(context.models_place, "model").key == train_key(context)
    train(context)
    assert len(searched) == 1
