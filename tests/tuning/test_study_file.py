"""A changed study file is an error. It never loses trials silently, and never changes them."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from optuna.distributions import FloatDistribution

from als_cli.errors import ArtifactError, ResourceError, TrainingError
from als_cli.tuning.space import Dimension
from als_cli.tuning.study import Start, open_search, opened_storage

SPACE = (Dimension("regularization", "log", (0.001, 1.0)),)
NAME = "a" * 64
STARTS = (Start({"regularization": 0.1}), Start({"regularization": 0.9}))


def score(point):
    if point["regularization"] > 0.8:
        raise TrainingError("factors are not finite")
    return point["regularization"]


def search(file, trials):
    """Run `trials` more trials in the study in `file`; return all of them."""
    with opened_storage(file) as storage:
        found = open_search(storage, NAME, SPACE, seed=3)
        for number in range(trials):
            start = STARTS[number] if number < len(STARTS) else None
            found.run_one([score, score], start, random_trials=100)
        return [(trial.state, trial.value, trial.parameters) for trial in found.trials()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    search(folder / "study.sqlite3", 4)
    return folder


@pytest.fixture
def file(finished, tmp_path):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path / "study.sqlite3"


def execute(file, *statements):
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0
        connection.commit()


def refused(file):
    with pytest.raises(ArtifactError) as raised:
        search(file, 0)
    assert raised.value.exit_code == 4
    assert str(file) in raised.value.message
    assert "\n" not in raised.value.message
    assert raised.value.hint == "move the file away to start a new search"
    return raised.value.message


def test_an_unchanged_study_continues(file):
    before = search(file, 0)
    assert [state for state, _, _ in before] == ["done", "failed", "done", "done"]
    assert search(file, 2)[:4] == before


def test_an_interrupted_trial_is_not_an_error(file):
    with opened_storage(file) as storage:
        found = open_search(storage, NAME, SPACE, seed=3)
        trial = found.study.ask({"regularization": FloatDistribution(0.001, 1.0, log=True)})
        trial.report(0.5, step=1)
    assert len(search(file, 1)) == 5


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE trial_values SET value = value * 2 WHERE trial_id = 1", "trial 0 has changed"),
        ("UPDATE trial_values SET value = 'x' WHERE trial_id = 1", ""),
        ("UPDATE trial_params SET param_value = 0.2 WHERE trial_id = 3", "trial 2 has changed"),
        ("UPDATE trial_params SET param_name = 'r' WHERE trial_id = 3", "trial 2 has changed"),
        ("UPDATE trial_params SET distribution_json = '{' WHERE trial_id = 3", ""),
        ("UPDATE trial_intermediate_values SET intermediate_value = 9", "has changed"),
        (
            "UPDATE trial_user_attributes SET value_json = 'false' WHERE key = 'not_finite'",
            "trial 1 has changed",
        ),
        ("UPDATE trials SET state = 'COMPLETF' WHERE trial_id = 1", ""),
        ("UPDATE trials SET number = 7 WHERE trial_id = 4", "a trial is missing"),
        ("DELETE FROM trials WHERE trial_id = 3", ""),
        ("UPDATE trials SET datetime_start = 'noon'", ""),
        ("UPDATE trial_user_attributes SET value_json = '{' WHERE trial_id = 1", ""),
        ("DELETE FROM trial_user_attributes WHERE trial_id = 1", "trial 0 has changed"),
        ("UPDATE study_directions SET direction = 'MINIMIZE'", "direction"),
        ("UPDATE studies SET study_name = 'b'", "the name of a study has changed"),
        ("UPDATE study_user_attributes SET value_json = '\"b\"'", "the name of a study has changed"),
        ("UPDATE trials SET study_id = 5 WHERE trial_id = 1", "belongs to no row"),
    ],
)
def test_a_changed_value_is_an_error(file, statement, reason):
    execute(file, statement)
    assert reason in refused(file)


@pytest.mark.parametrize("size", [0, 10, 100, 4096, 9000])
def test_a_file_that_was_cut_off_is_an_error(file, size):
    file.write_bytes(file.read_bytes()[:size])
    refused(file)


def test_a_run_that_was_killed_while_it_created_the_file_leaves_no_broken_file(tmp_path, monkeypatch):
    left = tmp_path / ".study.sqlite3.0a1b2c3d.partial"
    left.write_bytes(b"")
    assert len(search(tmp_path / "study.sqlite3", 1)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study.sqlite3"]


@pytest.mark.parametrize(
    "reason", ["disk I/O error", "database or disk is full", "attempt to write a readonly database"]
)
def test_a_disk_that_fails_is_no_damage_of_the_study(tmp_path, reason):
    with (
        pytest.raises(ResourceError, match=f"study.sqlite3 cannot be written: {reason}"),
        opened_storage(tmp_path / "study.sqlite3"),
    ):
        raise sqlite3.OperationalError(reason)
