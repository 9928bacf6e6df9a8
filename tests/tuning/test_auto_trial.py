"""One trial of `auto`: what a fold-in is worth, and how the one that suits is found."""

import numpy as np
import pytest

from als_cli.config.train import TrainConfig
from als_cli.evaluation.protocol import measure
from als_cli.evaluation.rankers import FactorRanker
from als_cli.tuning import auto_trial as selection_trial
from als_cli.tuning.auto_trial import TrialRunner
from als_cli.tuning.parameters import LossPoint
from als_cli.tuning.presets import FoldInPoint, Start
from als_cli.tuning.validation import validation_part
from tests.stages.evaluation_builders import context_for, two_tastes

TEMPERED = LossPoint(multiple=20, regularization=0.01, user_exponent=0.25, item_exponent=0.4)
UNTEMPERED = LossPoint(multiple=20, regularization=0.01, user_exponent=0.0, item_exponent=0.0)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    context = context_for(tmp_path_factory.mktemp("parts"), train={"engine": "native"})
    return validation_part(context, two_tastes(users=240, items=60).lazy())


def run(parts, point=TEMPERED, best_seen=0.0, factors=6, start=None, **train):
    given = TrainConfig.model_validate({"factors": "auto", "iterations": "auto"} | train)
    return TrialRunner(given, 1).run(parts, Start(point, start or FoldInPoint()), factors, best_seen)


def scripted(monkeypatch, worth):
    """Let fold-ins be worth `worth(multiple, share)` after every sweep; returns the list of those looked at."""
    seen = []

    def value(judge, point):
        seen.append((point.multiple, point.share))
        return worth(point.multiple, point.share)

    monkeypatch.setattr(selection_trial._Judge, "value", value)
    return seen


def dense_fold_in(parts, train, items):
    """The judged users solved one by one from the definition, in float64."""
    matrix, history = parts.training.matrix, parts.holdout.part.history
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


def test_the_value_is_that_of_users_solved_by_the_definition(parts, monkeypatch):
    sweeps = []
    plain = selection_trial.NativeEngine.sweeps

    def recorded(engine, confidence, settings):
        for swept in plain(engine, confidence, settings):
            sweeps.append(swept)
            yield swept

    monkeypatch.setattr(selection_trial.NativeEngine, "sweeps", recorded)
    far = {"regularization": 0.3, "item_exponent": 0.0}  # from how the sweeps solve users
    trial = run(parts, iterations=3, fold_in=far)
    items = sweeps[-1].items

    def worth(users):
        ranker = FactorRanker("als", users.astype(np.float32), items, 1)
        return measure(ranker, parts.holdout.part, (10,)).averages["ndcg@10"]

    assert trial.value == pytest.approx(worth(dense_fold_in(parts, trial.train, items)), abs=1e-4)
    assert abs(trial.value - worth(sweeps[-1].users[parts.holdout.user_rows])) > 1e-3


@pytest.mark.parametrize(
    ("peak", "looked_at"),
    [
        ((1.0, 0.5), [(2, 0.5), (0.5, 0.5), (1, 1.0), (1, 0.0)]),
        ((4.0, 0.5), [(2, 0.5), (4, 0.5), (8, 0.5), (4, 1.0), (4, 0.0)]),
        ((0.25, 0.0), [(2, 0.5), (0.5, 0.5), (0.25, 0.5), (0.125, 0.5), (0.25, 1.0), (0.25, 0.0), (0.5, 0.0), (0.125, 0.0)]),
    ],
)  # fmt: skip
def test_a_fold_in_is_climbed_to_step_by_step(parts, monkeypatch, peak, looked_at):
    seen = scripted(
        monkeypatch,
        lambda multiple, share: 1 - 0.1 * abs(np.log2(multiple / peak[0])) - 0.1 * abs(share - peak[1]),
    )
    trial = run(parts, iterations=2)
    assert (trial.start.fold_in.multiple, trial.start.fold_in.share) == peak
    assert seen == [(1, 0.5), *looked_at]
    fold_in = trial.train.fold_in
    assert (fold_in.regularization, fold_in.item_exponent) == pytest.approx((0.01 * peak[0], 0.4 * peak[1]))
    assert trial.value == 1.0


def test_ridges_end_where_they_would_mean_nothing(parts, monkeypatch):
    scripted(monkeypatch, lambda multiple, _share: multiple)
    assert run(parts, iterations=2).start.fold_in.multiple == 16
    scripted(monkeypatch, lambda multiple, _share: 1 / multiple)
    assert run(parts, iterations=2).start.fold_in.multiple == 1 / 16


def test_a_gain_within_rounding_moves_nothing(parts, monkeypatch):
    scripted(monkeypatch, lambda multiple, share: 1 + 0.0018 * multiple - 0.0002 * share)
    assert run(parts, iterations=2).start.fold_in == FoldInPoint()


def test_what_is_a_number_is_not_looked_for(parts, monkeypatch):
    seen = scripted(monkeypatch, lambda multiple, share: multiple - share)
    trial = run(parts, iterations=2, fold_in={"regularization": 0.3})
    assert {multiple for multiple, _ in seen} == {1.0}
    assert (trial.train.fold_in.regularization, trial.train.fold_in.item_exponent) == (0.3, 0.0)
    seen.clear()
    trial = run(parts, iterations=2, fold_in={"item_exponent": 0.3})
    assert {share for _, share in seen} == {0.5}
    assert trial.train.fold_in.item_exponent == 0.3
    seen.clear()
    run(parts, UNTEMPERED, iterations=2)
    assert {share for _, share in seen} == {0.5}  # all shares of nothing are alike


def test_hopeless_settings_are_not_looked_at_further(parts, monkeypatch):
    seen = scripted(monkeypatch, lambda multiple, _share: 0.5 * multiple)
    run(parts, iterations=2, best_seen=0.6)
    assert len(seen) == 1
    seen.clear()
    run(parts, iterations=2, best_seen=0.5)
    assert len(seen) > 1


def test_with_many_factors_the_exponent_is_left_where_fewer_had_it(parts, monkeypatch):
    monkeypatch.setattr(selection_trial, "_MANY_FACTORS", 5)
    seen = scripted(monkeypatch, lambda multiple, _share: multiple)
    trial = run(parts, iterations=2, start=FoldInPoint(2.0, 0.0))
    assert seen == [(2, 0), (4, 0), (8, 0), (16, 0)]
    assert trial.start.fold_in == FoldInPoint(16.0, 0.0)


@pytest.mark.parametrize(
    ("many", "after", "iterations"),
    [
        (5, [0.5, 0.6, 0.6004], 3),  # six factors are many: the first sweep that brings nothing is the last
        (6, [0.5, 0.6, 0.6004, 0.6005], 3),
        (6, [0.5, 0.6, 0.59, 0.7, 0.6, 0.7], 5),
        (6, [0.5, 0.6, 0.6004, 0.6008, 0.6012, 0.6012], 5),
    ],
)
def test_sweeps_are_judged_from_the_second_on_until_they_bring_next_to_nothing(
    parts, monkeypatch, many, after, iterations
):
    monkeypatch.setattr(selection_trial, "_MANY_FACTORS", many)
    values = iter([*after, 9.0])
    monkeypatch.setattr(selection_trial._Judge, "value", lambda _judge, _point: next(values))
    monkeypatch.setattr(selection_trial._Judge, "suited", lambda _judge, start, value, **_: (start, value))
    trial = run(parts)
    assert (trial.train.iterations, trial.value) == (iterations, max(after))
    assert next(values) == 9.0
