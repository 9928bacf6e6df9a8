"""What is stored about the trials of `auto`."""

import json

import pytest

from als_cli.config.train import TrainConfig
from als_cli.errors import ArtifactError
from als_cli.splitting.validation import Horizon, validation_sets
from als_cli.storage.choice_files import compared_trials
from als_cli.tuning.auto import Choice
from als_cli.tuning.compared import ComparedTrial
from als_cli.tuning.contest import AutoRules, Contest
from als_cli.tuning.presets import PRESETS
from tests.in_process import done
from tests.shop import CONFIG, write_shop
from tests.stages.evaluation_builders import two_tastes
from tests.tuning.test_auto_contest import FEW, SAMPLING, SIGNAL, Scripted

TRIAL = ComparedTrial(
    screening=False, factors=8, iterations=3, start={"regularization": 0.1}, value=0.25, all_users=True
)


@pytest.fixture(scope="module")
def sets():
    """Return four periods of the same length."""
    return validation_sets(two_tastes(users=240, items=60).lazy(), SIGNAL, Horizon(), AutoRules().validation)


def compared_in(sets, **rules):
    train = TrainConfig(iterations=3)
    script = Scripted(train, lambda number, factors: 0.1 + number / 100 + factors / 1000)
    contest = Contest(train, sets, script, AutoRules(**(FEW | rules)), script)
    best = contest.best()
    return contest.compared, script, best


def test_every_trial_is_recorded_in_order(sets):
    compared, script, best = compared_in(sets)
    assert [one.factors for one in compared] == [factors for _, factors in script.tried]
    assert [one.value for one in compared] == script.values
    assert [one.start for one in compared] == [dict(PRESETS[number]) for number, _ in script.tried]
    assert {one.all_users for one in compared} == {True}  # there are few users, so no sample is made
    assert best.value in [one.value for one in compared]


def test_trials_on_a_sample_of_users_are_marked(sets):
    compared, script, _ = compared_in(sets, validation=SAMPLING)
    whole = {one.training.matrix.shape[0] for one in sets}
    assert [one.all_users for one in compared] == [users == whole for users in script.users]
    assert {one.all_users for one in compared} == {True, False}


def test_the_choice_does_not_depend_on_what_was_compared():
    plain = Choice({"factors": 8}, "ndcg@10", 0.25, users=200, periods=2)
    with_trials = Choice({"factors": 8}, "ndcg@10", 0.25, users=200, periods=2, compared=(TRIAL,))
    assert plain == with_trials
    assert plain.to_json() == with_trials.to_json()
    assert "compared" not in plain.to_json()
    assert Choice.from_json(with_trials.to_json()).compared == ()


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    """Return the folder of a choice that `auto` made on a small shop."""
    folder = tmp_path_factory.mktemp("shop")
    config = write_shop(folder, CONFIG.replace("train: {factors: 8, iterations: 5}", "train: {factors: 8}"))
    done("ingest", "-c", config)
    done("train", "-c", config)
    return folder / "work" / "choice"


def test_the_presets_and_trials_are_stored_beside_the_choice(chosen):
    stored = compared_trials(chosen)
    choice = json.loads((chosen / "choice.json").read_text(encoding="utf-8"))
    screened, trials = ([one for one in stored if one.screening is flag] for flag in (True, False))
    assert sorted((one.start for one in screened), key=str) == sorted(map(dict, PRESETS), key=str)
    assert [one.value for one in screened] == sorted((one.value for one in screened), reverse=True)
    assert {(one.factors, one.iterations) for one in screened} == {(8, 3)}
    assert max(one.value for one in trials) == choice["value"]
    [selected] = [one for one in trials if one.value == choice["value"]]
    assert (selected.factors, selected.iterations) == (8, choice["point"]["iterations"])
    assert selected.start.items() <= choice["point"].items()
    assert "compared" not in choice


def test_no_choice_has_no_trials(tmp_path):
    assert compared_trials(tmp_path / "choice") == ()


def test_broken_trials_are_an_error(chosen, monkeypatch):
    from als_cli.storage import choice_files

    folder, manifest = choice_files.current_artifact(chosen, "choice")
    broken = manifest.model_copy(update={"metrics": {"compared": [{"factors": "many"}]}})
    monkeypatch.setattr(choice_files, "current_artifact", lambda *_: (folder, broken))
    with pytest.raises(ArtifactError, match=r"metrics\.compared is not valid"):
        compared_trials(chosen)
