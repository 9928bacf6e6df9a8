"""The presets and numbers of factors that `auto` evaluates, and their order. Trials are scripted."""

from dataclasses import dataclass, field

import pytest

from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.splitting.validation import Horizon, ValidationRules, validation_sets
from als_cli.tuning.auto_trial import Trial
from als_cli.tuning.contest import AutoRules, Contest
from als_cli.tuning.point import apply_point, open_values
from als_cli.tuning.presets import PRESETS
from tests.stages.evaluation_builders import two_tastes

FEW = {"few_factors": 4, "more_factors": 8, "maximum_factors": 32, "minimum_factors": 1}
SIGNAL = EventsConfig(source="events.csv")
SAMPLING = ValidationRules(many_users=200, sampled_users=90)
EVERY_PRESET = tuple(range(len(PRESETS)))


@pytest.fixture(scope="module")
def sets():
    """Return four periods of the same length."""
    found = validation_sets(two_tastes(users=240, items=60).lazy(), SIGNAL, Horizon(), AutoRules().validation)
    assert len(found) == 4
    return found


@dataclass
class Scripted:
    """Trials whose value is `worth(number of the preset, factors)`. Screening keeps the best presets by this value."""

    given: TrainConfig
    worth: object
    slowness: float = 0.0
    """Seconds of an iteration with one factor on one validation set."""
    tried: list = field(default_factory=list)
    """Number of the preset and number of factors of each trial, without screening."""
    screened: list = field(default_factory=list)
    """Numbers of the presets and number of factors of each screening."""
    users: list = field(default_factory=list)
    """Numbers of training users of the validation sets, per trial."""
    starts: list = field(default_factory=list)
    values: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    seconds: float = 0.0
    """Elapsed time."""

    def screen(self, sets, starts, factors):
        numbers = tuple(number_of(start) for start in starts)
        self.screened.append((numbers, factors))
        self.seconds += self.slowness * 3 * factors * len(starts) * len(sets)
        order = sorted(range(len(starts)), key=lambda place: -self.worth(numbers[place], factors))
        return [starts[place] for place in order[:3]], []

    def run(self, sets, starts, factors, _best_score=0.0):
        return [self._trial(sets, start, factors) for start in starts]

    def _trial(self, sets, start, factors):
        number = number_of(start)
        self.tried.append((number, factors))
        self.users.append({one.training.matrix.shape[0] for one in sets})
        self.seconds += self.slowness * 4 * factors * len(sets)
        point = {**open_values(self.given, PRESETS[number]), "factors": factors, "iterations": 3}
        train = apply_point(self.given, point, sets[0].training.matrix)
        self.values.append(self.worth(number, factors))
        self.starts.append(start)
        return Trial(train, {**start, "fold_in_regularization": 2.0 + number}, self.values[-1])

    def advance(self, note):
        self.notes.append(float(note.removeprefix("best ndcg@10 ")))


def number_of(start):
    return next(number for number, preset in enumerate(PRESETS) if preset.items() <= start.items())


def contest(sets, worth, train=None, slowness=0.0, **rules):
    """Return section `train` of the best trial, and the script with the evaluated trials."""
    given = TrainConfig.model_validate({"factors": "auto", "iterations": "auto"} | (train or {}))
    trials = Scripted(given, worth, slowness)
    auto_rules = AutoRules(**(FEW | {"clock": lambda: trials.seconds} | rules))
    found = Contest(given, sets, trials, auto_rules, trials).best()
    return found.train, trials


def test_the_kept_presets_are_evaluated_with_more_factors_if_the_first_one_gains_by_them(sets):
    order = {4: [0, 1, 2], 8: [1, 0], 32: [1]}  # another one leads

    def worth(number, factors):
        return factors - 0.01 * order[factors].index(number) if number in order[factors] else 0.0

    found, script = contest(sets, worth)
    assert script.screened == [(EVERY_PRESET, 4)]
    assert script.tried == [(0, 4), (0, 8), (1, 8), (2, 8), (1, 32)]
    assert (found.factors, found.regularization) == (32, PRESETS[1]["regularization"])


@pytest.mark.parametrize(("gain", "factors"), [(1.006, 8), (1.004, 4), (0.9, 4)])
def test_without_a_gain_the_kept_presets_are_evaluated_with_few_factors(sets, gain, factors):
    _, script = contest(sets, lambda number, factors: (gain if factors == 8 else 1) * (1 - number / 100))
    assert script.tried[:4] == [(0, 4), (0, 8), (1, factors), (2, factors)]


def test_other_presets_start_at_the_fold_in_that_the_first_one_found(sets):
    _, script = contest(sets, lambda number, factors: factors * (1 - number / 100))
    assert [start["fold_in_regularization"] for start in script.starts] == [1, 2, 2, 2, 2]
    assert script.starts[2].items() >= PRESETS[1].items()


@pytest.mark.parametrize(("value", "factors"), [(1.112, 32), (1.110, 8)])
def test_even_more_factors_must_gain_one_percent(sets, value, factors):
    values = {4: 1.0, 8: 1.1, 32: value, 16: 0.0}
    found, _ = contest(sets, lambda number, factors: values[factors] if number == 0 else 0)
    assert found.factors == factors


def test_after_a_small_gain_even_more_factors_are_not_evaluated(sets):
    values = {4: 1.0, 8: 1.029, 32: 9.0, 16: 9.0}
    found, script = contest(sets, lambda number, factors: values[factors] if number == 0 else 0)
    assert found.factors == 8
    assert {factors for _, factors in script.tried} == {4, 8}
    values[8] = 1.031
    found, _ = contest(sets, lambda number, factors: values[factors] if number == 0 else 0)
    assert found.factors == 32


@pytest.mark.parametrize(
    ("values", "beside", "best"),
    [
        ({4: 1, 12: 2, 48: 2, 24: 3}, [24], 24),  # between the two
        ({4: 1, 12: 2, 48: 2, 24: 2}, [24], 12),
        ({4: 2, 12: 1.97, 8: 1, 2: 3, 1: 3}, [8, 2, 1], 2),
        ({4: 2, 12: 1.97, 8: 1, 2: 1}, [8, 2], 4),
        ({4: 2, 12: 1.95, 2: 1}, [2], 4),  # more factors harm
        ({4: 2, 12: 1.99, 8: 3}, [8], 8),  # more factors do not harm
        ({4: 2, 12: 1.99, 8: 2}, [8], 4),
    ],
)
def test_half_and_twice_the_best_number_of_factors_are_evaluated_if_they_can_win(sets, values, beside, best):
    found, script = contest(
        sets,
        lambda number, factors: values[factors] if number == 0 else 0,
        more_factors=12,
        maximum_factors=48,
    )
    assert found.factors == best
    assert list(dict.fromkeys(factors for _, factors in script.tried))[-len(beside) :] == beside


def test_with_fewer_factors_all_kept_presets_are_evaluated_again(sets):
    values = {4: lambda n: 2 - n / 10, 8: lambda _: 1, 2: lambda n: 2 + n / 10, 1: lambda _: 0}
    found, script = contest(sets, lambda number, factors: values[factors](number))
    assert (found.factors, found.regularization) == (2, PRESETS[2]["regularization"])
    assert script.tried[-6:] == [(0, 2), (1, 2), (2, 2), (0, 1), (1, 1), (2, 1)]


def test_the_last_trials_have_the_number_of_factors_of_the_config(sets):
    found, script = contest(sets, lambda _number, factors: 1 / factors, {"factors": 20})
    assert found.factors == 20
    assert {factors for _, factors in script.tried} == {4, 8, 20}
    assert script.tried[-1][1] == 20


def test_presets_that_differ_only_in_numbers_of_the_config_are_screened_once(sets):
    given = {"unobserved_weight": 0.5, "regularization": 0.01, "confidence": {"user_exponent": 0.0}}
    _, script = contest(sets, lambda _number, _factors: 1, given)
    exponents = [PRESETS[number]["item_exponent"] for number in script.screened[0][0]]
    assert sorted(exponents) == sorted({preset["item_exponent"] for preset in PRESETS})


def test_one_preset_with_a_number_of_iterations_needs_no_screening(sets):
    given = {"objective": "hu2008", "iterations": 3, "factors": "auto"}
    _, script = contest(sets, lambda _number, factors: factors, given)
    assert (script.screened, script.tried[0]) == ([], (0, 4))
    _, script = contest(sets, lambda _number, factors: factors, given | {"iterations": "auto"})
    assert script.screened == [((0,), 4)]


def test_if_screening_keeps_no_preset_the_first_one_is_evaluated(sets, monkeypatch):
    monkeypatch.setattr(Scripted, "screen", lambda *_: ([], []))
    _, script = contest(sets, lambda _number, _factors: 0.0)
    assert {number for number, _ in script.tried} == {0}


def test_with_many_users_presets_are_compared_on_a_sample_and_the_best_on_all_users(sets):
    found, script = contest(sets, lambda n, factors: factors * (1 - n / 100), validation=SAMPLING)
    assert found.factors == 32
    assert script.tried == [(0, 4), (0, 8), (1, 8), (2, 8), (0, 8), (0, 32)]
    assert script.users[:4] == [{90}] * 4
    assert script.users[4:] == [{one.training.matrix.shape[0] for one in sets}] * 2


def test_values_are_compared_only_on_the_same_users(sets):
    """Values on all users are lower than on the sample, which must not count as a loss."""
    count = len(PRESETS) + 4
    trials = iter(range(99))
    found, _ = contest(
        sets, lambda _n, factors: factors * (1 if next(trials) < count else 0.1), validation=SAMPLING
    )
    assert found.factors == 32


BUDGETS = [
    # Screening of 7 presets: 7 x 16 x 4 = 448 s. Trials: 16 x factors. The final training: 4 x factors.
    (1550, [(0, 8), (1, 8), (2, 8), (0, 32)], 32),  # 448 + 64 + 3 x 128 + 512 + 128 = 1536 s
    (1230, [(0, 8), (1, 8), (2, 8), (0, 16)], 16),  # 448 + 64 + 3 x 128 + 256 + 64 = 1216 s
    (700, [(0, 8)], 8),  # 448 + 64 + 128 + 32 = 672 s
    (500, [(1, 4), (2, 4)], 4),
]


def with_budget(sets, seconds, **rules):
    return contest(
        sets,
        lambda number, factors: factors * (1 - number / 100),
        {"budget": {"time": f"{seconds}s"}},
        seconds_per_iteration=lambda _matrix, factors: factors,
        **rules,
    )


@pytest.mark.parametrize(("seconds", "tried", "factors"), BUDGETS)
def test_a_small_budget_allows_fewer_trials(sets, caplog, seconds, tried, factors):
    caplog.set_level("INFO")
    found, script = with_budget(sets, seconds)
    assert script.tried == [(0, 4), *tried]
    assert found.factors == factors
    assert ("train.budget.time does not allow" in caplog.text) == (seconds < 1550)
    assert "because this machine is slow" not in caplog.text


@pytest.mark.parametrize("slowness", [0.001, 0.5, 1.0, 1.6])
@pytest.mark.parametrize(("seconds", "tried", "factors"), BUDGETS)
def test_elapsed_time_has_no_influence_up_to_a_slow_machine(sets, slowness, seconds, tried, factors):
    found, script = with_budget(sets, seconds, slowness=slowness)
    assert script.tried == [(0, 4), *tried]
    assert found.factors == factors


def test_on_a_slow_machine_the_elapsed_time_counts_against_the_budget(sets, caplog):
    caplog.set_level("INFO")
    # Screening and four trials take 3 x 784 s instead of 896 s, so all expected seconds count 2.6 times.
    found, script = with_budget(sets, 4000, slowness=3.0)
    assert script.tried == [(0, 4), (0, 8), (1, 8), (2, 8), (0, 16)]
    assert found.factors == 16
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [
        "train.budget.time does not allow 1 trials with 32 factors, because this machine is slow"
    ]
    found, script = with_budget(sets, 1800, slowness=3.0)
    assert (script.tried, found.factors) == ([(0, 4), (0, 8)], 8)


def test_progress_shows_the_best_value_so_far(sets):
    _, script = contest(sets, lambda number, factors: number + factors / 9, {"factors": 4})
    assert len(script.values) >= 3
    best = [max(script.values[: n + 1]) for n in range(len(script.values))]
    assert script.notes == [pytest.approx(value, abs=5e-5) for value in best]
