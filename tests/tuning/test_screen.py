"""Screening of `tune` on a sample of users: its users, the points that it keeps, and how it is resumed."""

import numpy as np
import pytest

from als_cli.config.train import TrainConfig
from als_cli.errors import TrainingError
from als_cli.splitting.subsample import sample_users
from als_cli.stages.tune import tune
from als_cli.tuning.tune_trial import FoldTrial
from tests.stages.evaluation_builders import context_for, publish_events, two_tastes
from tests.stages.tune_builders import divisions_of, folds_and_samples_of, folds_of

SPLITS = {
    "time": {"by": "time", "test": "3d"},
    "last": {"by": "last"},
    "random": {"by": "random", "fraction": 0.2},
    "users": {"by": "users", "fraction": 0.3},
}
SECTION = {
    "trials": 6,
    "folds": 2,
    "metric": "ndcg@5",
    "space": {"factors": [2, 4, 8], "iterations": [2, 4]},
    "screen": {"trials": 5, "users": 20, "keep": 2},
}


def screening(folder, split="time", **tune_section):
    """Return a context with 120 users for a search with screening."""
    context = context_for(
        folder, {"split": SPLITS[split]}, train={"engine": "native", "factors": 2, "iterations": 2}
    )
    raw = context.config.model_dump(mode="json", exclude_unset=True) | {"tune": SECTION | tune_section}
    context = type(context)(config=type(context.config).model_validate(raw), threads=1)
    return publish_events(context, two_tastes(users=120))


def seen_of(trials):
    return [(t.number, t.state, t.untuned, t.value, t.parameters) for t in trials]


def both_of(report):
    return seen_of(report.screen.trials), seen_of(report.trials)


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """The context and the report of a whole search. Tests only read them."""
    context = screening(tmp_path_factory.mktemp("search"))
    return context, tune(context)


@pytest.mark.parametrize("split", SPLITS)
def test_a_sample_is_the_same_fold_with_fewer_users(tmp_path, split):
    context = screening(tmp_path, split)
    for sets in divisions_of(context):
        sample = sample_users(sets, 20, seed=3)
        whole, small = sets.training, sample.training
        assert small.users.height == 20
        assert small.item_ids.equals(whole.item_ids)
        rows = [whole.user_ids.to_list().index(user) for user in small.user_ids]
        np.testing.assert_array_equal(small.matrix.toarray(), whole.matrix.toarray()[rows])
        test_set, users = sample.holdout.test_set, sample.holdout.user_ids.to_list()
        np.testing.assert_array_equal(test_set.interactions, (small.matrix.toarray() != 0).sum(axis=0))
        assert test_set.training_users == 20
        everyone = sets.holdout.user_ids.to_list()
        if split == "users":
            assert users == everyone
        else:
            assert users == [user for user in everyone if user in set(small.user_ids)]
            assert [small.user_ids[int(row)] for row in sample.holdout.user_rows] == users
        places = [everyone.index(user) for user in users]
        assert len(users) > 2
        for name in ("history", "relevant"):
            expected = getattr(sets.holdout.test_set, name).toarray()[places]
            np.testing.assert_array_equal(getattr(test_set, name).toarray(), expected)


def test_the_sample_depends_on_the_seed(tmp_path):
    context = screening(tmp_path)
    sets = next(divisions_of(context))
    one, same, other = (sample_users(sets, 20, seed).training.user_ids for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


def test_screening_does_not_change_the_folds(tmp_path):
    context = screening(tmp_path, users=7)
    folds, samples = folds_and_samples_of(context)
    assert len(samples) == len(folds) == 2
    for fold, same in zip(
        folds, folds_of(screening(tmp_path / "off", users=7, screen={"trials": 0})), strict=True
    ):
        assert fold.holdout.test_set.users == 7
        assert fold.holdout.user_ids.equals(same.holdout.user_ids)
    assert all(0 < sample.holdout.test_set.users <= 7 for sample in samples)


@pytest.mark.parametrize(
    ("screen", "said"),
    [
        ({"users": 25}, "no screening"),
        ({"trials": 0, "users": 20}, ""),
        ({"users": 24}, "screening on 24"),
    ],
)
def test_small_data_is_not_screened_and_screening_can_be_disabled(tmp_path, caplog, screen, said):
    caplog.set_level("INFO")
    report = tune(screening(tmp_path, trials=2, screen={"trials": 3} | screen))
    assert (report.screen is None) == ("on 24" not in said)
    assert said in caplog.text


def test_the_search_starts_with_the_config_as_given_and_the_best_points_of_screening(search):
    report = search[1]
    first, second = report.screen.trials, report.trials
    assert (len(first), len(second)) == (5, 6)
    assert (report.screen.users, report.screen.kept) == (20, 2)
    assert second[0].untuned
    assert not any(trial.untuned for trial in (*first, *second[1:]))
    done = sorted((t for t in first[1:] if t.value is not None), key=lambda t: -t.value)
    assert [trial.parameters for trial in second[1:3]] == [trial.parameters for trial in done[:2]]
    assert first[0].parameters == second[0].parameters


def test_screening_trials_are_evaluated_on_the_samples(search):
    context, report = search
    trial = next(t for t in report.screen.trials[1:] if t.value is not None)
    _, samples = folds_and_samples_of(context)
    folds = [
        FoldTrial(
            one, context.config.train, context.config.events, context.config.evaluate.split, "ndcg@5", 1
        )
        for one in samples
    ]
    expected = np.mean([fold.value(trial.parameters) for fold in folds])
    assert trial.value == pytest.approx(expected, abs=1e-12)


def test_the_same_seed_gives_the_same_trials_and_a_longer_search_keeps_them(tmp_path):
    straight = both_of(tune(screening(tmp_path / "a", trials=9)))
    tune(screening(tmp_path / "b", trials=1))
    tune(screening(tmp_path / "b", trials=4))
    assert both_of(tune(screening(tmp_path / "b", trials=9))) == straight
    assert both_of(tune(screening(tmp_path / "c", trials=9, seed=1))) != straight


@pytest.mark.parametrize("when", [1, 9, 14])
def test_an_interrupted_search_continues_to_the_same_result(tmp_path, monkeypatch, search, when):
    calls, plain = [], FoldTrial.value

    def interrupted(fold, point):
        calls.append(1)
        if len(calls) == when:
            raise KeyboardInterrupt
        return plain(fold, point)

    context = screening(tmp_path / "a")
    with monkeypatch.context() as patch:
        patch.setattr(FoldTrial, "value", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tune(context)
    assert both_of(tune(context)) == both_of(search[1])


def test_screening_takes_at_most_half_of_the_time_and_is_not_continued_later(tmp_path):
    hurried = tune(screening(tmp_path, time="0.000001s"))
    assert (len(hurried.screen.trials), len(hurried.trials)) == (1, 1)
    longer = tune(screening(tmp_path, time="10m"))
    assert (len(longer.screen.trials), len(longer.trials)) == (1, 6)
    assert longer.screen.kept == 0


def test_screening_reduces_factors_above_the_number_of_sampled_users(tmp_path):
    context = screening(tmp_path, space={"factors": [30], "iterations": [2, 3]})
    config = context.config.model_copy(
        update={"train": TrainConfig(factors=30, iterations=2)},
    )
    report = tune(type(context)(config=config, threads=1))
    assert {trial.parameters["factors"] for trial in report.screen.trials} == {30}
    assert all(trial.state != "failed" for trial in report.screen.trials)


def test_screening_without_a_finite_trial_does_not_change_the_search(tmp_path, monkeypatch):
    plain = FoldTrial.value

    def fails_on_samples(fold, point):
        if fold.matrix.shape[0] == 20:
            raise TrainingError("not finite")
        return plain(fold, point)

    monkeypatch.setattr(FoldTrial, "value", fails_on_samples)
    report = tune(screening(tmp_path))
    assert {trial.state for trial in report.screen.trials} == {"failed"}
    assert (report.screen.kept, len(report.trials)) == (0, 6)
