"""The search space: its dimensions, and conversions between points and the config."""

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from als_cli.config.train import ConfidenceConfig, TrainConfig
from als_cli.config.tune import SpaceConfig
from als_cli.tuning.parameters import recipe_for
from als_cli.tuning.space import point_of, search_space


@pytest.fixture
def matrix():
    return csr_matrix(random_array((40, 30), density=0.2, random_state=3, dtype=np.float32))


def by_name(train, matrices, space=None):
    return {one.name: one for one in search_space(train, space or SpaceConfig(), matrices)}


def place_of(train, matrix):
    space = search_space(train, SpaceConfig(), [matrix])
    return point_of(recipe_for(matrix, train, threads=1), matrix, space)


def test_the_defaults_are_in_the_space(matrix):
    assert place_of(TrainConfig(iterations=8, unobserved_weight=16 * 0.2), matrix) == pytest.approx(
        {
            "factors": 16, "regularization": 0.005, "unobserved_weight": 16, "frequency_exponent": 1, "alpha": 10,
            "user_exponent": 0.1, "item_exponent": 0.1, "iterations": 8, "fold_in_regularization": 1,
            "fold_in_item_exponent": 1,
        }
    )  # fmt: skip
    assert by_name(TrainConfig(), [matrix])["regularization"].values == (1e-4, 5e-2)


def test_factors_never_exceed_users_or_items_of_any_fold(matrix):
    assert by_name(TrainConfig(), [matrix])["factors"].values == (16,)
    assert by_name(TrainConfig(), [matrix], SpaceConfig(factors=(8, 30, 31)))["factors"].values == (8, 30)
    assert by_name(TrainConfig(), [matrix, matrix[:20]])["factors"].values == (16,)
    assert by_name(TrainConfig(), [matrix, matrix[:9]])["factors"].values == (9,)


def test_auto_factors_of_many_users_are_bounded_by_memory():
    def widest(users, **space):
        pairs = (np.array([0, 1, 1]), np.array([0, 1, 2]))
        matrix = csr_matrix((np.array([1, 2, 1], np.float32), pairs), shape=(users, 2000))
        return by_name(TrainConfig(), [matrix], SpaceConfig(**space))["factors"].values[-1]

    assert widest(100_000) == 1024
    assert widest(3_000_000) == 256  # 3 GB; 512 would be 6
    assert widest(3_000_000, factors=(512,)) == 512


def test_hyperparameters_without_influence_are_left_out(matrix):
    alike = matrix.copy()
    alike.data[:] = 2.0
    assert "alpha" not in by_name(TrainConfig(), [alike])
    assert "alpha" in by_name(TrainConfig(), [alike, matrix])
    hu2008 = by_name(TrainConfig(engine="implicit"), [alike])
    assert set(hu2008) == {"factors", "regularization", "alpha", "iterations", "fold_in_regularization"}
    assert hu2008["regularization"].values == (1e-3, 1e2)
    two_each = csr_matrix(np.array([[1, 2, 0], [0, 3, 4], [5, 1, 0]], dtype=np.float32))
    assert "user_exponent" not in by_name(TrainConfig(), [two_each])
    assert "item_exponent" in by_name(TrainConfig(), [two_each])
    untempered = by_name(TrainConfig(), [two_each.T.tocsr()])
    assert not {"item_exponent", "fold_in_item_exponent"} & set(untempered)


def test_a_config_outside_the_space_gets_the_nearest_point(matrix):
    far = TrainConfig(
        factors=3,
        regularization=9.0,
        confidence=ConfidenceConfig(alpha=500.0, user_exponent=1.0),
        iterations=99,
    )
    found = place_of(far, matrix)
    assert (found["factors"], found["regularization"]) == (16, 0.05)
    assert (found["alpha"], found["iterations"], found["user_exponent"]) == (100, 20, 0.5)


def test_conversions_are_inverse_and_stay_within_the_bounds(matrix):
    for one in by_name(TrainConfig(), [matrix], SpaceConfig(factors=(4, 9, 25))).values():
        for value in one.values:
            assert one.from_scale(one.to_scale(value)) == pytest.approx(value, rel=1e-9)
        assert one.from_scale(one.to_scale(1e9)) == one.values[-1]
        assert one.from_scale(one.to_scale(0)) == one.values[0]
    alpha = by_name(TrainConfig(), [matrix])["alpha"]
    assert alpha.from_scale(0.0) == 0.0
    assert alpha.from_scale(math.log1p(100.0)) == 100.0
    assert alpha.from_scale(1.23456789) == 2.437
