"""The presets and numbers of factors that `auto` evaluates, and their order. Trials are scripted."""

from dataclasses import dataclass, field

import pytest

from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.splitting.validation import Horizon, ValidationRules, validation_sets
from als_cli.tuning.auto import AutoRules, Contest
from als_cli.tuning.auto_trial import Trial
from als_cli.tuning.point import apply_point, open_values
from als_cli.tuning.presets import PRESETS
from tests.stages.evaluation_builders import two_tastes

FEW = {"few_factors": 4, "more_factors": 8, "maximum_factors": 32, "minimum_factors": 1}
SIGNAL = EventsConfig(source="events.csv")
SAMPLING = ValidationRules(many_users=200, sampled_users=90)


@pytest.fixture(scope="module")
def clean():
    return two_tastes(users=240, items=60)


@dataclass
class Scripted:
    """Trials whose value is `worth(number of the preset, factors)`."""

    given: TrainConfig
    worth: object
    tried: list = field(default_factory=list)
    users: list = field(default_factory=list)
    """Number of training users of each trial."""
    notes: list = field(default_factory=list)

    def run(self, sets, start, factors, _best_seen=0.0):
        number = next(n for n, preset in enumerate(PRESETS) if preset.items() <= start.items())
        self.tried.append((number, factors))
        self.users.append(sets.training.matrix.shape[0])
        point = {**open_values(self.given, PRESETS[number]), "factors": factors, "iterations": 3}
        train = apply_point(self.given, point, sets.training.matrix)
        return Trial(train, start, self.worth(number, factors))

    def advance(self, note):
        self.notes.append(float(note.removeprefix("best ndcg@10 ")))


def contest(clean, worth, train=None, **rules):
    """Return section `train` of the best trial, and the script with the evaluated trials."""
    given = TrainConfig.model_validate({"factors": "auto", "iterations": "auto"} | (train or {}))
    trials, auto_rules = Scripted(given, worth), AutoRules(**(FEW | rules))
    sets = validation_sets(clean.lazy(), SIGNAL, Horizon(), auto_rules.validation)[0]
    matrix = aggregate(clean.lazy(), SIGNAL).matrix
    found = Contest(sets, trials, auto_rules, trials).best(given, matrix)
    return found.train, trials


def test_the_best_presets_are_evaluated_again_with_more_factors(clean):
    order = {4: [0, 1, 2], 8: [1, 2, 0], 32: [2, 1, 0]}  # another one leads

    def worth(number, factors):
        return factors - 0.01 * order[factors].index(number) if number < 3 else 0.0

    found, script = contest(clean, worth)
    everywhere = [(number, 4) for number in range(len(PRESETS))]
    assert script.tried == [*everywhere, (0, 8), (1, 8), (2, 8), (1, 32)]
    assert (found.factors, found.regularization) == (32, PRESETS[1]["regularization"])


def test_presets_with_low_values_are_not_evaluated_with_more_factors(clean):
    _, script = contest(clean, lambda number, factors: factors * {1: 1.0, 5: 0.98}.get(number, 0.96))
    assert script.tried[len(PRESETS) :] == [(1, 8), (5, 8), (1, 32)]


def test_after_a_small_gain_even_more_factors_are_not_evaluated(clean):
    values = {4: 1.0, 8: 1.019, 32: 9.0, 16: 9.0}
    found, script = contest(clean, lambda number, factors: values[factors] if number == 0 else 0)
    assert found.factors == 8
    assert {factors for _, factors in script.tried} == {4, 8}
    values[8] = 1.021
    found, _ = contest(clean, lambda number, factors: values[factors] if number == 0 else 0)
    assert found.factors == 32


@pytest.mark.parametrize(
    ("values", "beside", "best"),
    [
        ({4: 1, 8: 2, 32: 2, 16: 3}, [16], 16),  # between the two
        ({4: 1, 8: 2, 32: 2, 16: 2}, [16], 8),
        ({4: 2, 8: 2, 2: 3, 1: 3}, [8, 2, 1], 2),  # fewer
        ({4: 2, 8: 2, 2: 1}, [8, 2], 4),
    ],
)
def test_half_and_twice_the_best_number_of_factors_are_evaluated(clean, values, beside, best):
    found, script = contest(clean, lambda number, factors: values[factors] if number == 0 else 0)
    assert found.factors == best
    assert list(dict.fromkeys(factors for _, factors in script.tried))[-len(beside) :] == beside


def test_with_fewer_factors_all_presets_are_evaluated_again(clean):
    values = {4: lambda n: 2 - n / 10, 8: lambda _: 1, 2: lambda n: 2 + n / 10, 1: lambda _: 0}
    found, _ = contest(clean, lambda number, factors: values[factors](number))
    assert (found.factors, found.regularization) == (2, PRESETS[-1]["regularization"])


def test_the_last_trials_have_the_number_of_factors_of_the_config(clean):
    found, script = contest(clean, lambda _number, factors: 1 / factors, {"factors": 20})
    assert found.factors == 20
    assert {factors for _, factors in script.tried} == {4, 8, 20}
    assert script.tried[-1][1] == 20


def test_with_many_users_presets_are_compared_on_a_sample_and_the_best_on_all_users(clean):
    found, script = contest(clean, lambda n, factors: factors * (1 - n / 100), validation=SAMPLING)
    assert found.factors == 32
    sample = len(PRESETS) + 3
    assert set(script.users[:sample]) == {90}
    assert script.tried[sample:] == [(0, 8), (0, 32)]
    assert set(script.users[sample:]) == {240}


def test_values_are_compared_only_on_the_same_users(clean):
    """Values on all users are lower than on the sample, which must not count as a loss."""
    count = len(PRESETS) + 3
    trials = iter(range(99))
    found, _ = contest(
        clean, lambda _n, factors: factors * (1 if next(trials) < count else 0.1), validation=SAMPLING
    )
    assert found.factors == 32


@pytest.mark.parametrize(
    ("seconds", "tried", "factors"),
    [
        (580, [(0, 8), (1, 8), (2, 8), (0, 32)], 32),  # 3 x 6 x 8 + 6 x 8 = 192 s, then 144 + 6 x 32 + 6 x 32 = 528 s
        (520, [(0, 8), (1, 8), (2, 8), (0, 16)], 16),  # 144 + 6 x 16 + 6 x 16 = 336 s
        (100, [(0, 8)], 8),
    ],
)  # fmt: skip
def test_a_small_budget_allows_fewer_trials(clean, seconds, tried, factors):
    found, script = contest(
        clean,
        lambda number, factors: factors * (1 - number / 100),
        {"budget": {"time": f"{seconds}s"}},
        seconds_per_iteration=lambda _matrix, factors: factors,
    )
    assert script.tried[len(PRESETS) :] == tried
    assert found.factors == factors


def test_progress_shows_the_best_value_so_far(clean):
    values = []
    _, script = contest(
        clean, lambda n, factors: values.append(n + factors / 9) or values[-1], {"factors": 4}
    )
    best = [max(values[: n + 1]) for n in range(len(values))]
    assert script.notes == [pytest.approx(value, abs=5e-5) for value in best]
