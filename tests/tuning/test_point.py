"""Conversion of points to configs, and scales that do not depend on the data set."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from als_cli.config.train import ConfidenceConfig, TrainConfig
from als_cli.config.tune import SpaceConfig
from als_cli.tuning.parameters import recipe_for
from als_cli.tuning.point import density, regularization_at_one
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
