"""Conversion of points to configs, and scales that do not depend on the data set."""

import math
from datetime import timedelta

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from als_cli.als.demand import DemandRule
from als_cli.config.train import ConfidenceConfig, TrainConfig
from als_cli.config.tune import SpaceConfig
from als_cli.tuning.demand_search import demand_point
from als_cli.tuning.parameters import recipe_for
from als_cli.tuning.point import apply_point, density, fold_in_values, open_values, regularization_at_one
from als_cli.tuning.space import point_of, search_space, searched_config

POINT = {
    "factors": 8, "regularization": 0.01, "unobserved_weight": 12.0, "frequency_exponent": 0.6, "alpha": 3.0,
    "user_exponent": 0.2, "item_exponent": 0.1, "iterations": 4, "fold_in_regularization": 2.0,
    "fold_in_item_exponent": 0.5,
}  # fmt: skip


@pytest.fixture
def matrix():
    return csr_matrix(random_array((40, 30), density=0.2, random_state=3, dtype=np.float32))


@pytest.mark.parametrize("engine", ["native", "implicit"])
def test_a_point_becomes_a_config_that_trains(matrix, engine):
    train = TrainConfig(engine=engine, seed=7)
    point = {one.name: one.values[0] for one in search_space(train, SpaceConfig(), [matrix])}
    changed = searched_config(train, point, matrix)
    assert TrainConfig.model_validate(changed.model_dump()) == changed
    assert (changed.seed, changed.engine, changed.confidence.alpha) == (7, engine, 0.0)
    recipe_for(matrix, changed, threads=1)
    if engine == "native":
        assert changed.unobserved_weight == pytest.approx(matrix.nnz / 1200, rel=1e-3)


def test_no_searched_setting_stays_auto(matrix):
    train = TrainConfig(factors="auto", iterations="auto")
    changed = searched_config(train, POINT, matrix)
    assert (
        "auto"
        not in changed.model_dump(
            exclude={"objective", "solver", "confidence", "fold_in", "horizon"}
        ).values()
    )
    assert "auto" not in changed.confidence.model_dump().values()
    assert "auto" not in changed.fold_in.model_dump(exclude={"half_life"}).values()
    untempered = {key: value for key, value in POINT.items() if not key.endswith("r_exponent")}
    assert searched_config(train, untempered, matrix).confidence.user_exponent == 0.0
    own = TrainConfig(confidence=ConfidenceConfig(user_exponent=0.4))
    assert searched_config(own, untempered | {"item_exponent": 0.1}, matrix).confidence.user_exponent == 0.4


def ridges(matrix, config):
    """Return lambda (n + a0 N)^nu of all users, then of all items."""
    dense = matrix.toarray() != 0
    sums = [row.sum() + config.unobserved_weight * dense.shape[1] for row in dense]
    sums += [column.sum() + config.unobserved_weight * dense.shape[0] for column in dense.T]
    return [config.regularization * one**config.frequency_exponent for one in sums]


@pytest.mark.parametrize("exponent", [0.0, 0.6, 1.0, 1.2])
def test_the_mean_ridge_does_not_depend_on_the_exponent(matrix, exponent):
    at_one = searched_config(TrainConfig(), POINT | {"frequency_exponent": 1.0}, matrix)
    assert at_one.regularization == 0.01
    changed = searched_config(TrainConfig(), POINT | {"frequency_exponent": exponent}, matrix)
    assert changed.frequency_exponent == exponent
    assert np.mean(ridges(matrix, changed)) == pytest.approx(np.mean(ridges(matrix, at_one)), rel=1e-3)
    settings = recipe_for(matrix, changed, threads=1).settings
    assert regularization_at_one(settings, matrix) == pytest.approx(0.01, rel=1e-3)


def test_fold_in_hyperparameters_are_relative_to_the_training(matrix):
    changed = searched_config(TrainConfig(), POINT | {"frequency_exponent": 0.0}, matrix)
    assert changed.regularization != POINT["regularization"]
    assert changed.fold_in.regularization == pytest.approx(2 * changed.regularization, rel=1e-3)
    assert changed.fold_in.item_exponent == 0.05
    made = recipe_for(matrix, changed, threads=1)
    assert made.separate_fold_in.regularization == changed.fold_in.regularization
    assert made.separate_fold_in.confidence.item_exponent == 0.05


def test_hu2008_regularization_is_not_converted(matrix):
    settings = recipe_for(matrix, TrainConfig(objective="hu2008", regularization=0.3), threads=1).settings
    assert regularization_at_one(settings, matrix) == 0.3


def test_a_point_has_the_same_multiples_on_a_sample_and_at_most_as_many_factors_as_users(matrix):
    sample = matrix[:5]
    config = searched_config(TrainConfig(), POINT, sample)
    assert config.unobserved_weight == pytest.approx(12.0 * density(sample), rel=1e-3)
    assert (config.factors, searched_config(TrainConfig(), POINT, matrix).factors) == (5, 8)


def test_a_recipe_and_its_point_convert_to_each_other(matrix):
    space = search_space(TrainConfig(), SpaceConfig(factors=(4, 8)), [matrix])
    recipe = recipe_for(matrix, searched_config(TrainConfig(), POINT, matrix), threads=1)
    assert point_of(recipe, matrix, space) == pytest.approx(POINT, rel=1e-3)


DAY = 86_400.0
DEMAND = demand_point(2.5 * DAY, 1.5, 120 * DAY, 0.75, 0.1)


def test_a_point_has_the_half_lives_in_seconds_and_the_exponents_of_demand(matrix):
    changed = apply_point(TrainConfig(), POINT | DEMAND | {"fold_in_half_life": 0.5 * DAY}, matrix)
    assert (changed.demand.half_life, changed.demand.long_run_half_life) == (timedelta(2.5), timedelta(120))
    assert (changed.demand.exponent, changed.demand.long_run_exponent, changed.demand.offset) == (
        1.5,
        0.75,
        0.1,
    )
    assert changed.fold_in.half_life == timedelta(hours=12)
    assert TrainConfig.model_validate(changed.model_dump(mode="json")) == changed
    recipe = recipe_for(matrix, changed, threads=1)
    assert recipe.demand == DemandRule(2.5 * DAY, 1.5, 120 * DAY, 0.75, 0.1)
    assert recipe.separate_fold_in.half_life == 0.5 * DAY


def test_an_infinite_half_life_is_infinite_in_the_config_and_none_in_the_recipe(matrix):
    changed = apply_point(
        TrainConfig(), POINT | demand_point(exponent=0.5) | {"fold_in_half_life": math.inf}, matrix
    )
    assert (changed.demand.half_life, changed.demand.long_run_half_life) == ("infinite", "infinite")
    assert changed.fold_in.half_life == "infinite"
    recipe = recipe_for(matrix, changed, threads=1)
    assert recipe.demand == DemandRule(exponent=0.5)
    assert recipe.separate_fold_in.half_life is None


def test_a_point_without_demand_changes_no_demand(matrix):
    changed = apply_point(TrainConfig(demand={"half_life": "3d", "exponent": 2.0}), POINT, matrix)
    assert (changed.demand.half_life, changed.demand.exponent, changed.demand.offset) == (
        timedelta(3),
        2.0,
        "auto",
    )
    assert recipe_for(matrix, changed, threads=1).demand == DemandRule(half_life=3 * DAY, exponent=2.0)
    assert recipe_for(matrix, apply_point(TrainConfig(), POINT, matrix), threads=1).demand == DemandRule()


def test_only_auto_values_of_demand_and_of_the_half_life_are_open():
    point = DEMAND | {"fold_in_half_life": DAY, "fold_in_regularization": 2.0}
    assert open_values(TrainConfig(), point) == point
    given = TrainConfig(demand={"half_life": "3d", "offset": 0.0}, fold_in={"half_life": "infinite"})
    assert open_values(given, point).keys() == point.keys() - {
        "demand_half_life",
        "demand_offset",
        "fold_in_half_life",
    }
    hu2008 = TrainConfig(objective="hu2008")
    counts = {name: POINT[name] for name in ("factors", "iterations")}
    assert open_values(hu2008, POINT | point) == counts | {"fold_in_regularization": 2.0} | DEMAND


@pytest.mark.parametrize(
    ("given", "point", "expected"),
    [
        ({}, {}, (0.04, 0.3, None)),
        ({}, {"fold_in_regularization": 2.0, "fold_in_item_exponent": 0.5, "fold_in_half_life": DAY}, (0.08, 0.15, DAY)),
        ({}, {"fold_in_half_life": math.inf}, (0.04, 0.3, None)),
        ({"half_life": "infinite"}, {"fold_in_half_life": DAY}, (0.04, 0.3, None)),
        ({"regularization": 0.7, "item_exponent": 0.2, "half_life": "36h"}, {"fold_in_half_life": DAY}, (0.7, 0.2, 1.5 * DAY)),
    ],
)  # fmt: skip
def test_fold_in_values_of_the_config_take_precedence_over_the_point(given, point, expected):
    assert fold_in_values(point, TrainConfig(fold_in=given).fold_in, 0.04, 0.3) == expected


def test_the_fold_in_regularization_of_hu2008_is_relative_to_its_default(matrix):
    given = TrainConfig(objective="hu2008", factors=4)
    changed = apply_point(given, {"fold_in_regularization": 4.0}, matrix)
    assert (changed.regularization, changed.fold_in.regularization) == ("auto", 0.2)
    recipe = recipe_for(matrix, changed, threads=1)
    assert (recipe.settings.regularization, recipe.separate_fold_in.regularization) == (0.05, 0.2)
