"""Which points of the loss and how many factors `auto` tries, and in which order: trials are scripted, none is trained."""

import contextlib
from dataclasses import replace

import pytest

from als_cli.events.aggregate import aggregate
from als_cli.tuning import auto as selection
from als_cli.tuning.auto import selected
from als_cli.tuning.auto_trial import TrialRunner
from als_cli.tuning.presets import POINTS, Trial, settled_at
from tests.stages.evaluation_builders import context_for, two_tastes


@pytest.fixture(scope="module")
def clean():
    return two_tastes(users=240, items=60)


def choosing(folder, **train):
    return context_for(folder, train={"engine": "native", "factors": "auto", "iterations": "auto"} | train)


def chosen(context, clean):
    matrix = aggregate(clean.lazy(), context.config.events).matrix
    return selected(context, context.config.train, clean.lazy(), matrix)


def scripted(monkeypatch, worth, users=None):
    """Let trials be worth `worth(place of the point, factors)`; returns the list that they are recorded in.

    `users` receives how many users each of them trained on.
    """
    monkeypatch.setattr(selection, "_FEW_FACTORS", 4)
    monkeypatch.setattr(selection, "_MORE_FACTORS", 8)
    monkeypatch.setattr(selection, "_MOST_FACTORS", 32)
    monkeypatch.setattr(selection, "_FEWEST_FACTORS", 1)
    tried, users = [], users if users is not None else []

    def trial(runner, parts, start, factors, best_seen):
        place = POINTS.index(start.point)
        tried.append((place, factors))
        users.append(parts.training.matrix.shape[0])
        train = settled_at(runner.given, start.point, factors, parts.training.matrix)
        return Trial(train.model_copy(update={"iterations": 3}), start, worth(place, factors))

    monkeypatch.setattr(TrialRunner, "run", trial)
    return tried


def test_the_best_points_are_tried_again_with_more_factors(tmp_path, clean, monkeypatch):
    order = {4: [0, 1, 2], 8: [1, 2, 0], 32: [2, 1, 0]}  # another one leads

    def worth(place, factors):
        return factors - 0.01 * order[factors].index(place) if place < 3 else 0.0

    tried = scripted(monkeypatch, worth)
    found = chosen(choosing(tmp_path), clean)
    everywhere = [(place, 4) for place in range(len(POINTS))]
    assert tried == [*everywhere, (0, 8), (1, 8), (2, 8), (1, 32)]
    assert (found.factors, found.regularization) == (32, POINTS[1].regularization)


def test_points_far_behind_are_not_tried_with_more_factors(tmp_path, clean, monkeypatch):
    tried = scripted(monkeypatch, lambda place, factors: factors * {1: 1.0, 5: 0.98}.get(place, 0.96))
    chosen(choosing(tmp_path), clean)
    assert tried[len(POINTS) :] == [(1, 8), (5, 8), (1, 32)]


def test_where_more_factors_gain_little_still_more_are_not_tried(tmp_path, clean, monkeypatch):
    values = {4: 1.0, 8: 1.019, 32: 9.0, 16: 9.0}
    tried = scripted(monkeypatch, lambda place, factors: values[factors] if place == 0 else 0)
    assert chosen(choosing(tmp_path), clean).factors == 8
    assert {factors for _, factors in tried} == {4, 8}
    values[8] = 1.021
    assert chosen(choosing(tmp_path), clean).factors == 32


@pytest.mark.parametrize(
    ("values", "beside", "best"),
    [
        ({4: 1, 8: 2, 32: 2, 16: 3}, [16], 16),  # between the two
        ({4: 1, 8: 2, 32: 2, 16: 2}, [16], 8),
        ({4: 2, 8: 2, 2: 3, 1: 3}, [8, 2, 1], 2),  # fewer
        ({4: 2, 8: 2, 2: 1}, [8, 2], 4),
    ],
)
def test_numbers_of_factors_beside_the_best_are_tried(tmp_path, clean, monkeypatch, values, beside, best):
    tried = scripted(monkeypatch, lambda place, factors: values[factors] if place == 0 else 0)
    assert chosen(choosing(tmp_path), clean).factors == best
    assert list(dict.fromkeys(factors for _, factors in tried))[-len(beside) :] == beside


def test_what_suits_fewer_factors_is_looked_for_among_all_points(tmp_path, clean, monkeypatch):
    scripted(monkeypatch, lambda place, factors: {4: 2 - place / 10, 8: 1, 2: 2 + place / 10, 1: 0}[factors])
    found = chosen(choosing(tmp_path), clean)
    assert (found.factors, found.regularization) == (2, POINTS[-1].regularization)


def test_factors_that_are_given_are_what_the_last_trials_have(tmp_path, clean, monkeypatch):
    tried = scripted(monkeypatch, lambda _place, factors: 1 / factors)
    assert chosen(choosing(tmp_path, factors=20), clean).factors == 20
    assert {factors for _, factors in tried} == {4, 8, 20}
    assert tried[-1][1] == 20


def test_of_very_many_users_a_sample_compares_points_and_all_decide(tmp_path, clean, monkeypatch):
    monkeypatch.setattr("als_cli.tuning.validation._MANY_USERS", 200)
    monkeypatch.setattr("als_cli.tuning.validation._DRAWN_USERS", 90)
    users = []
    tried = scripted(monkeypatch, lambda place, factors: factors * (1 - place / 100), users)
    assert chosen(choosing(tmp_path), clean).factors == 32
    sample = len(POINTS) + 3
    assert set(users[:sample]) == {90}
    assert tried[sample:] == [(0, 8), (0, 32)]
    assert set(users[sample:]) == {240}


def test_what_more_factors_promise_is_seen_on_the_users_they_were_compared_on(tmp_path, clean, monkeypatch):
    monkeypatch.setattr("als_cli.tuning.validation._MANY_USERS", 200)
    monkeypatch.setattr("als_cli.tuning.validation._DRAWN_USERS", 90)
    users = []  # all of them are harder to serve than the sample
    scripted(monkeypatch, lambda _place, factors: factors * (0.1 if users[-1] == 240 else 1), users)
    assert chosen(choosing(tmp_path), clean).factors == 32


def test_where_the_budget_is_small_one_point_is_tried_instead_of_three_and_then_none(
    tmp_path, clean, monkeypatch
):
    monkeypatch.setattr(selection, "sweep_seconds", lambda _matrix, factors: factors)
    tried = scripted(monkeypatch, lambda place, factors: factors * (1 - place / 100))
    assert chosen(choosing(tmp_path, budget={"time": "580s"}), clean).factors == 32
    # 3 x 6 x 8 + 6 x 8 = 192 s are within, then 144 + 6 x 32 + 6 x 32 = 528 s.
    assert tried[len(POINTS) :] == [(0, 8), (1, 8), (2, 8), (0, 32)]
    tried.clear()
    assert chosen(choosing(tmp_path, budget={"time": "520s"}), clean).factors == 16
    # 144 + 6 x 16 + 6 x 16 = 336 s are within.
    assert tried[len(POINTS) :] == [(0, 8), (1, 8), (2, 8), (0, 16)]
    tried.clear()
    assert chosen(choosing(tmp_path, budget={"time": "100s"}), clean).factors == 8
    assert tried[len(POINTS) :] == [(0, 8)]


def test_progress_shows_the_best_lists_so_far(tmp_path, clean, monkeypatch):
    notes = []

    class Recording:
        def advance(self, note):
            notes.append(float(note.removeprefix("best ndcg@10 ")))

    class Shown:
        @contextlib.contextmanager
        def task(self, description):
            assert description == "choosing settings"
            yield Recording()

    context = replace(choosing(tmp_path, factors=4), progress=Shown())
    found = []
    plain = TrialRunner.run

    monkeypatch.setattr(TrialRunner, "run", lambda *given: found.append(plain(*given)) or found[-1])
    chosen(context, clean)
    assert len(found) >= len(POINTS)
    best = [max(one.value for one in found[: n + 1]) for n in range(len(found))]
    assert notes == [pytest.approx(value, abs=5e-5) for value in best]
