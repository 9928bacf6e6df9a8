"""Screening of presets and the searches of a trial. Trainings do nothing, and their values are scripted."""

import math

import pytest

from als_cli.als.native import NativeEngine
from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.errors import TrainingError
from als_cli.splitting.validation import Horizon, ValidationRules, validation_sets
from als_cli.tuning.auto_training import Models
from als_cli.tuning.auto_trial import TrialRunner
from als_cli.tuning.demand_search import demand_point
from als_cli.tuning.point import DEMAND_EXPONENT, DEMAND_HALF_LIFE, DEMAND_KEYS, DEMAND_OFFSET, FOLD_IN_NAMES
from als_cli.tuning.presets import FIRST_FOLD_IN, PRESETS, distinct_starts
from tests.stages.evaluation_builders import two_tastes

OPEN = TrainConfig(factors="auto", iterations="auto")
STARTS = distinct_starts(OPEN)
POPULARITY = 1000.0
DAY = 86_400.0


@pytest.fixture(scope="module")
def sets():
    clean = two_tastes(users=240, items=60)
    return validation_sets(clean.lazy(), EventsConfig(source="events.csv"), Horizon(), ValidationRules())[:1]


class Script:
    """Trainings whose metric is `worth(point, iterations)`. The number of iterations stands for the factors."""

    def __init__(self, monkeypatch, worth, last=99):
        self.points, self.advanced = [], []
        self._worth, self._last = worth, last
        monkeypatch.setattr(NativeEngine, "iterate", lambda *given: self.iterate(given[-1]))
        monkeypatch.setattr(Models, "score", lambda models, point: self.score(point, models.fits[0].factors))
        monkeypatch.setattr(Models, "value", lambda models, point: self._worth(point, models.fits[0].factors))

    def iterate(self, numbers):
        for number in numbers:
            if number > self._last:
                raise TrainingError("not finite")
            self.advanced.append(number)
            yield number

    def score(self, point, iterations):
        self.points.append(point)
        return self._worth(point, iterations)


def preset_of(point):
    return next(number for number, preset in enumerate(PRESETS) if preset.items() <= point.items())


def demand_of(point):
    return {name: point[name] for name in DEMAND_KEYS if name in point}


def script(monkeypatch, values):
    """Script the value of each preset. A demand with half-life 4 d is 10 % better than none, other demand is worse."""

    def worth(point, _iterations):
        value = values[preset_of(point)]
        if isinstance(value, Exception):
            raise value
        if not point.get(DEMAND_EXPONENT) or point[DEMAND_OFFSET] == POPULARITY:
            return value
        return value * (1.1 - 0.1 * abs(math.log(point[DEMAND_HALF_LIFE] / (4 * DAY))))

    return Script(monkeypatch, worth)


def screened(sets, **train):
    given = OPEN.model_copy(update=train)
    return TrialRunner(given, 1, 1000).screen(sets, STARTS, 6)[0]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([1.0, 0.99, 1.02, 1.01, 0.9, 0.9, 0.9], [2, 3, 0]),  # at most three
        ([1.0, 0.97, 0.979, 0.981, 0.9, 0.9, 0.9], [0, 3]),  # within 2 % of the best
        ([1.0] * 7, [0, 1, 2]),  # equal values keep their order
        ([0.0] * 7, [0, 1, 2]),
    ],
)
def test_the_best_presets_are_kept_best_first(monkeypatch, sets, values, kept):
    script(monkeypatch, values)
    assert [preset_of(point) for point in screened(sets)] == kept


def test_all_presets_are_compared_with_the_demand_that_suits_the_first(monkeypatch, sets):
    trained = script(monkeypatch, [1.0, 1.01, 1.0, 1.0, 1.0, 1.0, 1.0])
    kept = screened(sets)
    assert [demand_of(point)[DEMAND_HALF_LIFE] for point in kept] == [4 * DAY] * 3
    assert all(demand_of(point) == demand_of(kept[0]) for point in kept)
    assert {preset_of(point) for point in trained.points} == {0}  # the others are only evaluated


def test_without_a_better_demand_presets_have_demand_without_influence(monkeypatch, sets):
    Script(monkeypatch, lambda point, _: 1.001 if point.get(DEMAND_EXPONENT) else 1.0)
    assert [demand_of(point) for point in screened(sets)] == [demand_point()] * 3


@pytest.mark.parametrize(("iterations", "trained"), [("auto", 3), (8, 3), (3, 3), (2, 2), (1, 1)])
def test_screening_trains_at_most_three_iterations(monkeypatch, sets, iterations, trained):
    found = script(monkeypatch, [1.0] * 7)
    screened(sets, iterations=iterations)
    assert found.advanced == [trained] * 7


@pytest.mark.parametrize("iterations", [1, 2])
def test_screening_is_possible_with_few_iterations(sets, iterations):
    assert 1 <= len(screened(sets, iterations=iterations)) <= 3


def test_presets_that_diverge_are_left_out(monkeypatch, sets):
    lost = TrainingError("not finite")
    script(monkeypatch, [lost, lost, 1.0, 1.01, lost, 0.5, 0.5])
    kept = screened(sets)
    assert [preset_of(point) for point in kept] == [3, 2]
    assert demand_of(kept[0])[DEMAND_HALF_LIFE] == 4 * DAY
    script(monkeypatch, [lost] * 7)
    assert screened(sets) == []


START = {**PRESETS[0], **FIRST_FOLD_IN}


def run(sets, start=START, factors=6, best_score=0.0, **train):
    return TrialRunner(OPEN.model_copy(update=train), 1, 1000).run(sets, [start], factors, best_score)[0]


def test_iterations_are_evaluated_until_the_metric_stops_improving(monkeypatch, sets):
    values = {2: 0.5, 3: 0.7, 4: 0.69, 6: 0.7, 8: 0.9}
    trained = Script(monkeypatch, lambda _, iterations: values[iterations])
    trial = run(sets, START | demand_point())
    assert trained.advanced == [2, 3, 4, 6]
    assert trial.train.iterations == 3
    assert run(sets, START | demand_point(), iterations=4).train.iterations == 4
    assert trained.advanced[4:] == [4]


def test_a_trial_that_diverges_keeps_the_iterations_before(monkeypatch, sets):
    Script(monkeypatch, lambda _, iterations: iterations / 10, last=3)
    trial = run(sets, START | demand_point())
    assert (trial.train.iterations, trial.value) == (3, 0.3)


def test_a_trial_that_diverges_at_once_has_the_value_zero(monkeypatch, sets):
    def worth(_point, _iterations):
        raise TrainingError("not finite")

    Script(monkeypatch, worth)
    trial = run(sets)
    assert (trial.value, trial.point, trial.train.iterations) == (0.0, START | {"iterations": 12}, 12)


def test_a_start_without_demand_gets_the_best_demand(monkeypatch, sets):
    script(monkeypatch, [1.0] * 7)
    trial = run(sets)
    assert (demand_of(trial.point)[DEMAND_HALF_LIFE], trial.value) == (4 * DAY, 1.1)


def test_the_search_starts_at_the_demand_of_the_start(monkeypatch, sets):
    found = script(monkeypatch, [1.0] * 7)
    start = START | demand_point(DAY, 1.0)
    trial = run(sets, start)
    assert (demand_of(trial.point)[DEMAND_HALF_LIFE], trial.value) == (4 * DAY, 1.1)
    assert all(demand_of(point) == demand_of(start) for point in found.points[: len(found.advanced)])


def test_a_trial_is_never_worse_than_popularity_alone(monkeypatch, sets):
    def worth(point, _iterations):
        is_popularity = point.get(DEMAND_OFFSET) == POPULARITY
        return (0.5 if point[DEMAND_HALF_LIFE] == 2 * DAY else 0.3) if is_popularity else 0.4

    Script(monkeypatch, worth)
    trial = run(sets, START | demand_point(DAY, 1.0))
    assert trial.value == 0.5
    assert demand_of(trial.point) == demand_point(2 * DAY, 1.0, offset=POPULARITY)
    again = run(sets, trial.point)
    assert (again.value, again.point) == (0.5, trial.point)


def test_with_many_factors_only_the_regularization_of_the_fold_in_is_searched(monkeypatch, sets):
    found = Script(monkeypatch, lambda point, _: point["fold_in_regularization"] / (1 + len(point)))
    start = START | demand_point(DAY, 1.0)
    trial = run(sets, start, factors=257)
    assert trial.point == start | {"fold_in_regularization": 16.0, "iterations": 2}
    assert all(
        {name: point.get(name) for name in (*DEMAND_KEYS, *FOLD_IN_NAMES[1:])}
        == {name: start.get(name) for name in (*DEMAND_KEYS, *FOLD_IN_NAMES[1:])}
        for point in found.points
    )


def test_with_many_factors_the_number_of_iterations_is_that_of_the_start(monkeypatch, sets):
    trained = Script(monkeypatch, lambda _, iterations: iterations / 10)
    trial = run(sets, START | demand_point() | {"iterations": 5}, factors=257)
    assert (trained.advanced, trial.train.iterations) == ([5], 5)
    run(sets, START | demand_point() | {"iterations": 5}, factors=256)
    assert trained.advanced[1:] == [2, 3, 4, 6, 8, 10, 12]


@pytest.mark.parametrize(("best_score", "last"), [(0.5, 12), (0.715, 4), (0.735, 4), (0.3, 12)])
def test_a_training_that_stays_behind_another_one_is_stopped(monkeypatch, sets, best_score, last):
    # After iteration 4, twice the last improvement gives 0.6 + 2 x 0.05 = 0.7 = 0.985 x 0.711.
    values = {2: 0.5, 3: 0.55, 4: 0.6, 6: 0.65, 8: 0.7, 10: 0.75, 12: 0.8}
    trained = Script(monkeypatch, lambda _, iterations: values[iterations])
    run(sets, START | demand_point(), best_score=best_score)
    assert trained.advanced[-1] == last
