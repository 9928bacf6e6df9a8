"""One trial of `auto`: its validation metric, and the settings that it selects."""

import numpy as np
import pytest

from als_cli.als.native import NativeEngine
from als_cli.config.train import TrainConfig
from als_cli.evaluation.protocol import measure
from als_cli.evaluation.rankers import FactorRanker
from als_cli.splitting.validation import Horizon, ValidationRules, validation_sets
from als_cli.tuning.auto_trial import TrialRunner
from als_cli.tuning.presets import FIRST_FOLD_IN
from tests.stages.evaluation_builders import context_for, two_tastes

TEMPERED = {"unobserved_weight": 20, "regularization": 0.01, "user_exponent": 0.25, "item_exponent": 0.4}
UNTEMPERED = TEMPERED | {"user_exponent": 0.0, "item_exponent": 0.0}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    context = context_for(tmp_path_factory.mktemp("sets"))
    clean = two_tastes(users=240, items=60)
    return next(
        iter(validation_sets(clean.lazy(), context.config.events, Horizon(), ValidationRules())), None
    )


def run(sets, point=TEMPERED, best_seen=0.0, factors=6, start=None, **train):
    given = TrainConfig.model_validate({"factors": "auto", "iterations": "auto"} | train)
    return TrialRunner(given, 1).run(sets, {**point, **(start or FIRST_FOLD_IN)}, factors, best_seen)


def dense_fold_in(sets, train, items):
    """Return the factors of the evaluated users, solved one by one from the definition in float64."""
    matrix, history = sets.training.matrix, sets.holdout.test_set.history
    interactions = np.maximum((matrix.toarray() != 0).sum(axis=0), 1.0)
    rule, fold_in, a0 = train.confidence, train.fold_in, train.unobserved_weight

    def weighed(strengths):
        here = np.asarray(strengths != 0)
        lengths = np.maximum(here.sum(axis=1, keepdims=True), 1.0)
        growth = 1 + rule.alpha * np.log1p(strengths / rule.epsilon)
        return here * growth * lengths**-rule.user_exponent * interactions**-fold_in.item_exponent

    before = weighed(matrix.toarray().astype(np.float64))
    confidence = weighed(history.toarray().astype(np.float64)) / before[before > 0].mean()
    items = items.astype(np.float64)
    users = []
    for row in confidence:
        ridge = fold_in.regularization * (row.sum() + a0 * len(items))
        system = (items.T * (row + a0)) @ items + ridge * np.eye(items.shape[1])
        users.append(np.linalg.solve(system, items.T @ row))
    return np.array(users)


def test_the_value_is_the_metric_of_users_solved_by_the_definition(sets, monkeypatch):
    iterations = []
    plain = NativeEngine.iterate

    def recorded(engine, confidence, settings):
        for factors in plain(engine, confidence, settings):
            iterations.append(factors)
            yield factors

    monkeypatch.setattr(NativeEngine, "iterate", recorded)
    far = {"regularization": 0.3, "item_exponent": 0.0}  # from how the iterations solve users
    trial = run(sets, iterations=3, fold_in=far)
    items = iterations[-1].items

    def worth(users):
        ranker = FactorRanker("als", users.astype(np.float32), items, 1)
        return measure(ranker, sets.holdout.test_set, (10,)).averages["ndcg@10"]

    assert trial.value == pytest.approx(worth(dense_fold_in(sets, trial.train, items)), abs=1e-4)
    assert abs(trial.value - worth(iterations[-1].users[sets.holdout.user_rows])) > 1e-3


def test_the_selected_fold_in_hyperparameters_are_relative_to_the_training(sets):
    trial = run(sets, iterations=2)
    point, fold_in = trial.point, trial.train.fold_in
    assert fold_in.regularization == pytest.approx(0.01 * point["fold_in_regularization"])
    assert fold_in.item_exponent == pytest.approx(0.4 * point["fold_in_item_exponent"])


def test_numbers_in_the_config_are_kept(sets):
    trial = run(sets, iterations=2, fold_in={"regularization": 0.3})
    assert (trial.train.iterations, trial.train.fold_in.regularization) == (2, 0.3)
    assert trial.point["fold_in_regularization"] == 1.0
    trial = run(sets, iterations=2, fold_in={"item_exponent": 0.3})
    assert trial.train.fold_in.item_exponent == 0.3
    assert trial.point["fold_in_item_exponent"] == 0.5
    assert run(sets, UNTEMPERED, iterations=2).point["fold_in_item_exponent"] == 0.5  # has no influence


def test_there_is_no_fold_in_search_far_below_the_best_value(sets):
    trial = run(sets, iterations=2)
    assert run(sets, iterations=2, best_seen=trial.value) == trial
    hopeless = run(sets, iterations=2, best_seen=9.0)
    assert hopeless.point == {**TEMPERED, **FIRST_FOLD_IN}
    assert hopeless.value <= trial.value


def test_the_search_starts_with_the_fold_in_hyperparameters_of_the_start(sets):
    start = {"fold_in_regularization": 16.0, "fold_in_item_exponent": 0.0}
    far = run(sets, iterations=2, best_seen=9.0, start=start)
    assert (far.train.fold_in.regularization, far.train.fold_in.item_exponent) == (pytest.approx(0.16), 0.0)
