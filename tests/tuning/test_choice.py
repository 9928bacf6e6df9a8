"""The choice of `auto`: its JSON values, the config that it makes, and the value that it reports."""

import json
import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.evaluation.fit import fit_ranker
from als_cli.evaluation.protocol import measure
from als_cli.splitting.validation import Horizon, ValidationRules, validation_sets
from als_cli.tuning.auto import AutoSearch, Choice
from als_cli.tuning.demand_search import demand_point
from als_cli.tuning.parameters import recipe_for
from als_cli.tuning.presets import FIRST_FOLD_IN, PRESETS
from tests.stages.evaluation_builders import two_tastes

DAY = 86_400.0
SIGNAL = EventsConfig(source="events.csv")
POINT = {
    **PRESETS[2],
    **FIRST_FOLD_IN,
    **demand_point(3 * DAY, 1.5, math.inf, 0.75, 0.1),
    "factors": 5,
    "iterations": 3,
}


@pytest.fixture(scope="module")
def clean():
    return two_tastes(users=240, items=60)


@pytest.fixture(scope="module")
def periods(clean):
    return validation_sets(clean.lazy(), SIGNAL, Horizon(), ValidationRules())


def untimed(clean):
    return clean.with_columns(timestamp=pl.lit(None, pl.Datetime("us", "UTC")))


def open_train(**train):
    return TrainConfig.model_validate({"factors": "auto", "iterations": "auto"} | train)


@pytest.mark.parametrize("half_life", [{}, {"fold_in_half_life": 60 * DAY}, {"fold_in_half_life": math.inf}])
def test_a_choice_is_the_same_after_json(half_life):
    choice = Choice(POINT | half_life, "recall@100", 0.125, users=568, periods=4)
    text = json.dumps(choice.to_json(), allow_nan=False)
    assert Choice.from_json(json.loads(text)) == choice


def test_a_choice_sets_the_values_that_are_auto_for_any_matrix(periods):
    choice = Choice(POINT | {"fold_in_half_life": 60 * DAY}, "ndcg@10", 0.1, users=1, periods=1)
    densities = []
    for sets in periods[:2]:
        matrix = sets.training.matrix
        train = choice.apply(open_train(), matrix)
        assert (train.factors, train.iterations, train.regularization) == (5, 3, 0.01)
        densities.append(train.unobserved_weight / 16)
        assert densities[-1] == pytest.approx(matrix.nnz / np.prod(matrix.shape))
        assert (train.demand.half_life, train.demand.long_run_half_life) == (timedelta(3), "infinite")
        assert (train.fold_in.half_life, train.fold_in.regularization) == (timedelta(60), 0.01)
    assert densities[0] != densities[1]
    small = csr_matrix(np.ones((3, 9), np.float32))
    assert choice.apply(open_train(), small).factors == 3


def test_a_choice_changes_no_number_of_the_config(periods):
    given = {
        "factors": 7, "regularization": 0.5, "confidence": {"item_exponent": 0.9}, "fold_in": {"half_life": "9d"},
        "demand": {"half_life": "infinite", "offset": 0.0},
    }  # fmt: skip
    choice = Choice(POINT | {"fold_in_half_life": 60 * DAY}, "ndcg@10", 0.1, users=1, periods=1)
    train = choice.apply(open_train(**given), periods[0].training.matrix)
    assert (train.factors, train.regularization, train.confidence.item_exponent) == (7, 0.5, 0.9)
    assert (train.fold_in.half_life, train.demand.half_life, train.demand.offset) == (
        timedelta(9),
        "infinite",
        0.0,
    )
    assert (train.iterations, train.demand.exponent, train.confidence.user_exponent) == (3, 1.5, 0.25)


def values_of(choice, train, periods, metric):
    """Return the metric of a separate training with the settings of `choice` on each period."""
    values = []
    for sets in periods:
        recipe = recipe_for(sets.training.matrix, choice.apply(train, sets.training.matrix), 1)
        k = int(metric.partition("@")[2])
        values.append(measure(fit_ranker("als", recipe, sets), sets.holdout.test_set, (k,)).averages[metric])
    return values


@pytest.mark.parametrize(
    "train",
    [
        {},
        {"metric": "recall@20"},
        {"objective": "hu2008", "regularization": 0.3, "metric": "mrr@5"},
        {"iterations": 2, "fold_in": {"half_life": "12d"}, "demand": {"half_life": "6d", "offset": 0.05}},
    ],
)
def test_trainings_with_the_selected_settings_have_the_value_of_the_choice(clean, periods, train):
    train = open_train(**train)
    choice = AutoSearch(SIGNAL, 1).choose(train, clean.lazy())
    assert (choice.metric, choice.periods) == (train.metric, len(periods))
    assert choice.users == sum(sets.holdout.test_set.users for sets in periods)
    # The selected number of iterations is the first within 0.1 % of the best.
    expected = np.mean(values_of(choice, train, periods, train.metric))
    assert choice.value == pytest.approx(expected, rel=0.01)
