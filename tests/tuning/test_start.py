"""A search of `tune` starts with the presets of `auto`."""

from als_cli.stages.tune import tune
from als_cli.tuning.presets import PRESETS
from tests.stages.tune_builders import SMALL, tuning


def test_the_search_starts_with_the_presets(tmp_path):
    report = tune(tuning(tmp_path, trials=9))
    given = report.trials[0].parameters
    names = ("unobserved_weight", "regularization", "user_exponent", "item_exponent")
    tried = [tuple(trial.parameters[name] for name in names) for trial in report.trials[1:]]
    points = [tuple(preset[name] for name in names) for preset in PRESETS]
    assert tried[: len(points)] == points
    assert tried[len(points)] not in points
    for trial in report.trials[1 : len(points) + 1]:
        assert trial.parameters["frequency_exponent"] == 1.0
        assert trial.parameters["factors"] == given["factors"]
        assert trial.parameters["fold_in_regularization"] == given["fold_in_regularization"]


def test_presets_outside_the_space_are_moved_into_it_and_evaluated_once(tmp_path):
    space = SMALL | {"unobserved_weight": [1, 2], "regularization": [0.03, 0.04], "item_exponent": [0.3, 0.5]}
    report = tune(tuning(tmp_path, trials=9, space=space))
    starts = [t.parameters for t in report.trials[1:5]]
    assert all(
        (p["unobserved_weight"], p["regularization"], p["item_exponent"]) == (2, 0.03, 0.3) for p in starts
    )
    assert [p["user_exponent"] for p in starts] == [0.2, 0.25, 0.5, 0.0]


def test_hu2008_has_no_presets(tmp_path):
    report = tune(tuning(tmp_path, trials=3, train={"objective": "hu2008"}))
    assert report.trials[1].parameters["regularization"] not in {
        preset["regularization"] for preset in PRESETS
    }
