"""One trial of `auto`: its validation metric, and the settings that it selects."""

import math
import re
from datetime import timedelta

import numpy as np
import pytest

from als_cli.als.native import NativeEngine
from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.evaluation.protocol import measure
from als_cli.evaluation.rankers import FactorRanker
from als_cli.ranking.native_top_n import item_index
from als_cli.splitting.validation import Horizon, ValidationRules, validation_sets
from als_cli.tuning import auto_training
from als_cli.tuning.auto_trial import TrialRunner, _listed
from als_cli.tuning.demand_search import demand_point
from als_cli.tuning.presets import FIRST_FOLD_IN
from tests.stages.evaluation_builders import two_tastes

TEMPERED = {"unobserved_weight": 20, "regularization": 0.01, "user_exponent": 0.25, "item_exponent": 0.4}
UNTEMPERED = TEMPERED | {"user_exponent": 0.0, "item_exponent": 0.0}
PLAIN = {"demand": {"exponent": 0.0, "long_run_exponent": 0.0, "offset": 0.0}}
"""Demand without influence."""
DAY = 86_400


@pytest.fixture(scope="module")
def periods():
    clean = two_tastes(users=240, items=60)
    return validation_sets(clean.lazy(), EventsConfig(source="events.csv"), Horizon(), ValidationRules())


@pytest.fixture(scope="module")
def newest(periods):
    return periods[:1]


def run(sets, point=TEMPERED, best_seen=0.0, factors=6, start=None, searched=10_000, **train):
    given = TrainConfig.model_validate({"factors": "auto", "iterations": "auto"} | train)
    return TrialRunner(given, 1, searched).run(
        sets, [{**point, **(start or FIRST_FOLD_IN)}], factors, best_seen
    )[0]


def dense_fold_in(sets, train, items):
    """Return the factors of the evaluated users, solved one by one from the definition in float64."""
    matrix, history, times = (
        sets.training.matrix, sets.holdout.test_set.history, sets.holdout.test_set.times.toarray()
    )  # fmt: skip
    interactions = np.maximum((matrix.toarray() != 0).sum(axis=0), 1.0)
    rule, fold_in, a0 = train.confidence, train.fold_in, train.unobserved_weight

    def weighed(strengths):
        here = np.asarray(strengths != 0)
        lengths = np.maximum(here.sum(axis=1, keepdims=True), 1.0)
        growth = 1 + rule.alpha * np.log1p(strengths / rule.epsilon)
        return here * growth * lengths**-rule.user_exponent * interactions**-fold_in.item_exponent

    before = weighed(matrix.toarray().astype(np.float64))
    confidence = weighed(history.toarray().astype(np.float64)) / before[before > 0].mean()
    if fold_in.half_life != "infinite":
        ages = np.maximum(times.max(axis=1, keepdims=True) - times, 0) / 1e6
        confidence *= 0.5 ** (ages / fold_in.half_life.total_seconds())
    items = items.astype(np.float64)
    users = []
    for row in confidence:
        ridge = fold_in.regularization * (row.sum() + a0 * len(items))
        system = (items.T * (row + a0)) @ items + ridge * np.eye(items.shape[1])
        users.append(np.linalg.solve(system, items.T @ row))
    return np.array(users)


def by_definition(sets, trial, items):
    """Return the scores (T, I) of the evaluated users under the demand of `trial`, in float64."""
    scores = dense_fold_in(sets, trial.train, items) @ items.T.astype(np.float64)
    times, demand = sets.training.times.tocoo(), trial.train.demand

    def users_of_items(half_life):
        ages = (times.data.max() - times.data) / 1e6
        seconds = np.inf if half_life == "infinite" else half_life.total_seconds()
        return np.array([(0.5 ** (ages[times.col == item] / seconds)).sum() for item in range(len(items))])

    recent, long_run = users_of_items(demand.half_life), users_of_items(demand.long_run_half_life)
    weights = (0.001 + recent) ** demand.exponent / (1 + long_run) ** demand.long_run_exponent
    return weights * (demand.offset + scores)


def metric_of(sets, scores):
    """Return the NDCG@10 of lists by `scores` (T, I)."""
    ranker = FactorRanker(
        "als", scores.astype(np.float32), item_index(np.eye(scores.shape[1], dtype=np.float32)), 1
    )
    return measure(ranker, sets.holdout.test_set, (10,)).averages["ndcg@10"]


@pytest.fixture
def trained(monkeypatch):
    """Return the list of the factors after each iteration of all trainings, which it fills."""
    iterations = []
    plain = NativeEngine.iterate

    def recorded(engine, confidence, settings, numbers):
        for factors in plain(engine, confidence, settings, numbers):
            iterations.append(factors)
            yield factors

    monkeypatch.setattr(NativeEngine, "iterate", recorded)
    return iterations


def test_the_value_is_the_metric_of_users_solved_by_the_definition(newest, trained):
    far = {"regularization": 0.3, "item_exponent": 0.0, "half_life": "infinite"}  # unlike the iterations
    trial = run(newest, iterations=3, fold_in=far, **PLAIN)
    (sets,), last = newest, trained[-1]
    solved = dense_fold_in(sets, trial.train, last.items) @ last.items.T
    assert trial.value == pytest.approx(metric_of(sets, solved), abs=1e-4)
    unchanged = last.users[sets.holdout.user_rows] @ last.items.T
    assert abs(trial.value - metric_of(sets, unchanged)) > 1e-3


def test_the_value_has_the_demand_and_the_recency_of_the_config_by_the_definition(newest, trained):
    fold_in = {"regularization": 0.05, "item_exponent": 0.0, "half_life": "6d"}
    demand = {
        "half_life": "2d",
        "exponent": 1.5,
        "long_run_half_life": "30d",
        "long_run_exponent": 0.5,
        "offset": 0.1,
    }
    trial = run(newest, iterations=3, fold_in=fold_in, demand=demand)
    (sets,), items = newest, trained[-1].items
    assert trial.value == pytest.approx(metric_of(sets, by_definition(sets, trial, items)), abs=1e-4)
    for key, other in (("fold_in", fold_in | {"half_life": "infinite"}), ("demand", PLAIN["demand"])):
        changed = run(newest, iterations=3, **({"fold_in": fold_in, "demand": demand} | {key: other}))
        assert abs(trial.value - changed.value) > 1e-3


def test_the_value_with_the_selected_demand_is_the_metric_by_the_definition(newest, trained):
    trial = run(newest, iterations=3, start=FIRST_FOLD_IN | demand_point(4 * DAY, 1.0))
    (sets,), items = newest, trained[-1].items
    assert trial.value == pytest.approx(metric_of(sets, by_definition(sets, trial, items)), abs=1e-4)


def test_the_value_of_several_periods_is_the_mean_of_their_values(periods):
    fixed = {"iterations": 3, "fold_in": {"regularization": 0.02, "item_exponent": 0.1, "half_life": "20d"}}
    demand = {"half_life": "5d", "exponent": 1.0, "long_run_half_life": "infinite", "long_run_exponent": 0.5}
    settings = fixed | {"demand": demand | {"offset": 0.1}}
    alone = [run((one,), **settings).value for one in periods]
    assert len(set(alone)) == len(periods) == 4
    assert run(periods, **settings).value == pytest.approx(np.mean(alone), rel=1e-12)


def test_the_selected_fold_in_hyperparameters_are_relative_to_the_training(newest):
    trial = run(newest, iterations=2)
    point, fold_in = trial.point, trial.train.fold_in
    assert fold_in.regularization == pytest.approx(0.01 * point["fold_in_regularization"])
    assert fold_in.item_exponent == pytest.approx(0.4 * point["fold_in_item_exponent"])


def test_numbers_in_the_config_are_kept(newest):
    trial = run(newest, iterations=2, fold_in={"regularization": 0.3})
    assert (trial.train.iterations, trial.train.fold_in.regularization) == (2, 0.3)
    assert trial.point["fold_in_regularization"] == 1.0
    trial = run(newest, iterations=2, fold_in={"item_exponent": 0.3})
    assert trial.train.fold_in.item_exponent == 0.3
    assert trial.point["fold_in_item_exponent"] == 0.5
    assert run(newest, UNTEMPERED, iterations=2).point["fold_in_item_exponent"] == 0.5  # has no influence
    trial = run(newest, iterations=2, fold_in={"half_life": "9d"}, demand={"half_life": "3d", "offset": 0.2})
    assert trial.train.fold_in.half_life == timedelta(days=9)
    assert (trial.train.demand.half_life, trial.train.demand.offset) == (timedelta(days=3), 0.2)
    assert "auto" not in trial.train.demand.model_dump().values()


def test_a_trial_is_logged_in_words_with_durations(newest):
    given = {"fold_in": {"half_life": "9d"}, "demand": {"half_life": "36h", "offset": 0.2}}
    trial = run(newest, iterations=2, **given)
    text = str(trial)
    assert text.startswith(f"{trial.train.metric} {trial.value:.4f}, factors=")
    assert " iterations=2 " in text
    assert " half_life=9d)" in text
    assert "demand(half_life=36h " in text
    assert "offset=0.2)" in text
    assert re.findall(r"[{}']|\d{8}|infinite", text) == []


def test_screened_presets_are_logged_in_words_with_durations():
    point = {"regularization": 0.0123456, "demand_half_life": 28 * 86_400.0, "long_run_half_life": math.inf}
    assert _listed(point) == "regularization=0.01235 demand_half_life=28d"


def test_there_is_no_search_far_below_the_best_value(newest):
    trial = run(newest, iterations=2, **PLAIN)
    hopeless = run(newest, iterations=2, best_seen=9.0, **PLAIN)
    assert hopeless.point == {**TEMPERED, **FIRST_FOLD_IN, "iterations": 2}
    assert hopeless.value < trial.value
    assert run(newest, iterations=2, best_seen=hopeless.value / 0.99, **PLAIN) == trial
    assert run(newest, iterations=2, best_seen=hopeless.value / 0.98, **PLAIN) == hopeless


def test_the_search_starts_with_the_fold_in_hyperparameters_of_the_start(newest):
    start = {"fold_in_regularization": 16.0, "fold_in_item_exponent": 0.0}
    far = run(newest, iterations=2, best_seen=9.0, start=start)
    assert (far.train.fold_in.regularization, far.train.fold_in.item_exponent) == (pytest.approx(0.16), 0.0)


def test_searches_evaluate_a_sample_and_the_value_is_that_of_all_users(newest, monkeypatch):
    evaluated = []
    plain = auto_training.mean_metric

    def counted(ranker, test_set, metric):
        evaluated.append(test_set.users)
        return plain(ranker, test_set, metric)

    monkeypatch.setattr(auto_training, "mean_metric", counted)
    (sets,) = newest
    users = sets.holdout.test_set.users
    trial = run(newest, iterations=3, searched=40)
    assert len(evaluated) > 10
    assert evaluated == [40] * (len(evaluated) - 1) + [users - 40]
    fixed = trial.train.model_dump(include={"fold_in", "demand"})
    whole = run(newest, iterations=3, **fixed)
    assert trial.value == pytest.approx(whole.value, rel=1e-9)
    assert trial.score != trial.value
    assert whole.score == whole.value


def test_the_value_does_not_depend_on_the_number_of_threads(periods):
    given = TrainConfig(factors="auto", iterations="auto")
    starts = [{**TEMPERED, **FIRST_FOLD_IN}, {**UNTEMPERED, **FIRST_FOLD_IN}]
    one, three = (TrialRunner(given, threads, 300) for threads in (1, 3))
    assert one.run(periods, starts, 6) == three.run(periods, starts, 6)
    assert one.screen(periods, starts, 6) == three.screen(periods, starts, 6)


def test_no_point_is_evaluated_twice_after_the_same_iteration(newest, monkeypatch):
    evaluated = []
    plain = auto_training._Fit.value

    def recorded(fit, point, given, rule, holdout):
        evaluated.append((id(fit), tuple(sorted(point.items()))))
        return plain(fit, point, given, rule, holdout)

    monkeypatch.setattr(auto_training._Fit, "value", recorded)
    run(newest)
    assert len(evaluated) == len(set(evaluated)) > 10
