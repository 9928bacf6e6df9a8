"""`als tune`: the events that it reads, the trials that it keeps, and the config that it writes."""

import sys

import numpy as np
import polars as pl
import pytest

from als_cli.config.loading import load_config
from als_cli.errors import ArtifactError, ConfigError, DataError, ResourceError, TrainingError
from als_cli.stages.tune import tune
from als_cli.storage.dataset_files import open_dataset
from als_cli.tuning.auto import AutoSearch
from als_cli.tuning.space import searched_config
from als_cli.tuning.tune_trial import FoldTrial
from tests.stages.evaluation_builders import START, clean_events, two_tastes
from tests.stages.tune_builders import SMALL, SPLITS, folds_of, training_matrix_of, tuning


def seen_of(report):
    return [(t.number, t.state, t.value, t.parameters) for t in report.trials]


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """The context and the report of a whole search. Tests only read them."""
    context = tuning(tmp_path_factory.mktemp("search"))
    return context, tune(context)


@pytest.fixture(scope="module")
def longer_search(tmp_path_factory):
    """The report of a whole search with 12 trials. Tests only read it."""
    return tune(tuning(tmp_path_factory.mktemp("longer"), trials=12))


def test_the_first_trial_is_the_config_as_given_and_the_best_is_never_worse(search):
    context, report = search
    first = report.trials[0]
    assert first.untuned
    assert [trial.untuned for trial in report.trials[1:]] == [False] * 6
    folds = folds_of(context)
    expected = np.mean(
        [
            FoldTrial(
                fold, context.config.train, context.config.events, context.config.evaluate.split, "ndcg@5", 1
            ).value(None)
            for fold in folds
        ]
    )
    assert first.value == pytest.approx(expected, abs=1e-12)
    assert report.best.value == max(t.value for t in report.trials if t.value is not None) >= first.value


def test_trials_depend_on_the_seed(tmp_path, longer_search):
    one, default = longer_search, tuning(tmp_path).config.tune.seed
    same, other = (
        tune(tuning(tmp_path / name, seed=seed, trials=12))
        for name, seed in (("a", default), ("b", default + 1))
    )
    assert seen_of(one) == seen_of(same)
    sampled, sampled_with_other_seed = ([t.parameters for t in report.trials[9:]] for report in (one, other))
    assert sampled != sampled_with_other_seed


def test_all_sampled_values_are_in_the_space(tmp_path):
    space = SMALL | {"regularization": [0.01, 0.02], "unobserved_weight": [2, 3], "alpha": [0, 1]}
    space |= {"frequency_exponent": [0.9, 1.1], "user_exponent": [0, 0.1], "item_exponent": [0.2, 0.2]}
    for trial in tune(tuning(tmp_path, trials=12, space=space)).trials[1:]:
        sampled = trial.parameters
        assert sampled["factors"] in (2, 4, 8)
        assert 2 <= sampled["iterations"] <= 5
        assert 0.01 <= sampled["regularization"] <= 0.02
        assert 2 <= sampled["unobserved_weight"] <= 3
        assert 0 <= sampled["alpha"] <= 1
        assert 0.9 <= sampled["frequency_exponent"] <= 1.1
        assert 0 <= sampled["user_exponent"] <= 0.1
        assert sampled["item_exponent"] == 0.2


def test_a_longer_search_continues_as_one_without_interruption(tmp_path, longer_search):
    first = tune(tuning(tmp_path / "a", trials=4))
    longer = tune(tuning(tmp_path / "a", trials=12))
    assert (first.new_trials, longer.new_trials) == (4, 8)
    assert seen_of(longer) == seen_of(longer_search)
    again = tune(tuning(tmp_path / "a", trials=12))
    assert (again.new_trials, seen_of(again)) == (0, seen_of(longer))


@pytest.mark.parametrize("when", [1, 2, 6])
def test_after_ctrl_c_finished_trials_stay_and_the_search_continues(tmp_path, monkeypatch, search, when):
    calls, plain = [], FoldTrial.value

    def interrupted(fold, point):
        calls.append(1)
        if len(calls) == when:
            raise KeyboardInterrupt
        return plain(fold, point)

    context = tuning(tmp_path / "a")
    with monkeypatch.context() as patch:
        patch.setattr(FoldTrial, "value", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tune(context)
    assert not (context.workspace / "tune/best.yaml").exists()
    assert seen_of(tune(context)) == seen_of(search[1])


def test_another_search_starts_a_new_study_and_a_longer_one_does_not(tmp_path):
    names = {tune(tuning(tmp_path, trials=1)).study_name}
    for change in ({"seed": 1}, {"folds": 1}, {"metric": "recall@5"}, {"train": {"seed": 5}}):
        names.add(tune(tuning(tmp_path, trials=1, **change)).study_name)
    assert len(names) == 5
    assert tune(tuning(tmp_path, trials=2)).new_trials == 1


@pytest.mark.parametrize("split", SPLITS)
def test_folds_have_training_events_only_and_validate_on_other_pairs(tmp_path, split):
    context = tuning(tmp_path, split, folds=3)
    folds = folds_of(context)
    assert len(folds) == 3
    outer = training_matrix_of(context)
    for fold in folds:
        assert 0 < fold.training.matrix.nnz < outer.nnz
        test_set = fold.holdout.test_set
        assert test_set.history.multiply(test_set.relevant).nnz == 0
        assert fold.users_are_held_out == (split == "users")


def test_time_folds_are_consecutive_periods(tmp_path):
    context = tuning(tmp_path, "time", folds=3)
    newest = (
        open_dataset(context.dataset_place).scan_events().select(pl.col("timestamp").max()).collect().item()
    )
    folds = folds_of(context)
    assert [(newest - fold.cut_off).days for fold in folds] == [6, 9, 12]
    for fold in folds:
        assert fold.training.newest < fold.cut_off


def test_events_of_the_test_set_change_no_trial(tmp_path):
    """All test events except the newest are replaced by events of other users, items, times and weights."""
    clean = two_tastes()
    newest = clean["timestamp"].max()
    cut_off = newest - pl.duration(days=3)
    before = clean.filter(pl.col("timestamp") < cut_off)
    last = clean.filter(pl.col("timestamp") == newest)
    hours = ((newest - START).total_seconds() / 86_400) - np.linspace(0.01, 2.9, 400)
    noise = clean_events([(int(n % 70), 900 + n % 7, float(day), 50.0) for n, day in enumerate(hours)])
    changed = pl.concat([before, noise, last])
    one, other = tuning(tmp_path / "a", clean=clean), tuning(tmp_path / "b", clean=changed)
    first, second = tune(one), tune(other)
    assert first.study_name != second.study_name
    assert seen_of(first) == seen_of(second)
    best = [
        load_config(context.workspace / "tune/best.yaml", environment={}).train for context in (one, other)
    ]
    assert best[0] == best[1]


@pytest.mark.parametrize("split", SPLITS)
def test_folds_train_and_validate_on_pairs_of_the_training_set_only(tmp_path, split):
    context = tuning(tmp_path, split, folds=3)
    allowed = set(training_pairs(context).rows())
    for fold in folds_of(context):
        items, holdout = fold.training.item_ids, fold.holdout
        for users, matrix in (
            (fold.training.user_ids, fold.training.matrix),
            (holdout.user_ids, holdout.test_set.relevant),
            (holdout.user_ids, holdout.test_set.history),
        ):
            pairs = matrix.tocoo()
            assert set(zip(users.gather(pairs.row), items.gather(pairs.col), strict=True)) <= allowed


@pytest.mark.parametrize("by", ["last", "random", "users"])
def test_the_weight_of_test_pairs_changes_no_trial(tmp_path, by):
    clean = two_tastes()
    context = tuning(tmp_path / "a", by, clean=clean)
    visible = training_pairs(context)
    in_training = clean.join(visible, on=["user_id", "item_id"], how="semi")
    rest = clean.join(visible, on=["user_id", "item_id"], how="anti")
    assert rest.height > 50
    changed = pl.concat([in_training, rest.with_columns(pl.col("weight") * 9)])
    assert seen_of(tune(context)) == seen_of(tune(tuning(tmp_path / "b", by, clean=changed)))


def training_pairs(context):
    """Return the pairs of the training set of evaluate.split."""
    from als_cli.splitting.splits import split_events

    events = open_dataset(context.dataset_place).scan_events()
    training = split_events(events, context.config.evaluate.split).training
    return training.select("user_id", "item_id").unique().collect()


def test_the_test_file_and_candidates_are_not_opened(tmp_path):
    context = tuning(tmp_path)
    evaluate = {"split": {"by": "file", "path": "nowhere.csv"}, "candidates": {"path": "nowhere.csv"}}
    raw = context.config.model_dump(mode="json", exclude_unset=True) | {"evaluate": evaluate}
    context = type(context)(config=type(context.config).model_validate(raw), threads=1)
    assert len(tune(context).trials) == 7


def test_too_few_periods_are_warned_of_and_none_is_an_error(tmp_path, caplog):
    clean = two_tastes(days=10)
    assert tune(tuning(tmp_path / "a", clean=clean, folds=8, trials=1)).folds == 2
    assert "only 2 of 8" in caplog.text
    with pytest.raises(DataError, match="cannot be split again"):
        tune(tuning(tmp_path / "b", clean=two_tastes(days=5), trials=1))


def test_half_of_the_later_trials_are_pruned(tmp_path):
    report = tune(tuning(tmp_path, trials=25))
    assert report.count("pruned") >= 3
    assert report.count("done") + report.count("pruned") + report.count("failed") == 25
    assert all((trial.value is None) == (trial.state != "done") for trial in report.trials)


def test_trials_that_are_not_finite_are_counted_and_do_not_stop_the_search(tmp_path, monkeypatch):
    plain = FoldTrial.value

    def fails_for_many_factors(fold, point):
        if point is not None and point["factors"] == 8:
            raise TrainingError("not finite")
        return plain(fold, point)

    monkeypatch.setattr(FoldTrial, "value", fails_for_many_factors)
    report = tune(tuning(tmp_path, trials=10))
    failed = [trial for trial in report.trials if trial.state == "failed"]
    assert failed
    assert {trial.parameters["factors"] for trial in failed} == {8}
    assert len(report.trials) == 10


def test_a_config_that_cannot_be_trained_is_an_error(tmp_path, monkeypatch):
    def fails(*_arguments):
        raise TrainingError("not finite")

    monkeypatch.setattr(FoldTrial, "value", fails)
    for _ in range(2):
        with pytest.raises(TrainingError, match="config as given"):
            tune(tuning(tmp_path))


def test_only_the_trial_of_the_config_as_given_resolves_auto_once_per_fold(tmp_path, monkeypatch):
    resolved, plain = [], AutoSearch.choose

    def recorded(search, train, clean):
        resolved.append(train)
        return plain(search, train, clean)

    monkeypatch.setattr(AutoSearch, "choose", recorded)
    auto = {"factors": "auto", "iterations": "auto"}
    context = tuning(tmp_path, train=auto)
    report = tune(context)
    assert resolved == [context.config.train] * report.folds


def test_no_trial_starts_after_the_time_limit(tmp_path):
    assert len(tune(tuning(tmp_path, time="0.000001s")).trials) == 1


def test_the_best_config_loads_and_differs_in_section_train_only(tmp_path):
    context = tuning(tmp_path, trials=12)
    report = tune(context)
    won = load_config(context.workspace / "tune/best.yaml", environment={})
    assert not report.best.untuned
    for section in ("evaluate", "tune"):
        assert getattr(won, section) == getattr(context.config, section)
    assert won.workspace == context.config.workspace
    assert won.train.seed == context.config.train.seed
    matrix = training_matrix_of(context)
    assert won.train == searched_config(context.config.train, report.best.parameters, matrix)
    assert won.train.factors == report.best.parameters["factors"]
    expected = report.best.parameters["unobserved_weight"] * matrix.nnz / np.prod(matrix.shape)
    assert won.train.unobserved_weight == pytest.approx(expected, rel=1e-3)


def test_without_optuna_the_hint_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match="Optuna") as missing:
        tune(tuning(tmp_path))
    assert "als-cli[tune]" in missing.value.hint


def test_an_invalid_study_file_is_an_error(tmp_path):
    context = tuning(tmp_path / "a")
    study = context.workspace / "tune/study.sqlite3"
    study.parent.mkdir(parents=True)
    study.write_text("no database at all" * 100)
    with pytest.raises(ArtifactError, match=r"study\.sqlite3 is not a valid study"):
        tune(context)
    study.unlink()
    study.mkdir()
    with pytest.raises(ResourceError, match=r"study\.sqlite3"):
        tune(context)
