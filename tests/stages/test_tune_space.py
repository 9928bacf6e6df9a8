"""The search space: what is searched on which data, and what a point does to the config."""

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from als_cli.config.train import ConfidenceConfig, TrainConfig
from als_cli.config.tune import SpaceConfig
from als_cli.stages.recipes import recipe_for
from als_cli.stages.tune_space import search_space, tuned


@pytest.fixture
def matrix():
    return csr_matrix(random_array((40, 30), density=0.2, random_state=3, dtype=np.float32))


def by_name(train, matrices, space=None):
    return {one.name: one for one in search_space(train, space or SpaceConfig(), matrices)}


def test_all_of_it_with_the_defaults_resolved(matrix):
    found = by_name(TrainConfig(), [matrix])
    assert {name: one.untuned for name, one in found.items()} == pytest.approx(
        {"factors": 16, "regularization": 0.005, "unobserved_weight": 16, "alpha": 10, "iterations": 8}
    )
    assert found["regularization"].values == (1e-4, 1e-1)


def test_factors_never_exceed_users_or_items_of_any_fold(matrix):
    assert by_name(TrainConfig(), [matrix])["factors"].values == (16,)
    assert by_name(TrainConfig(), [matrix], SpaceConfig(factors=(8, 30, 31)))["factors"].values == (8, 30)
    assert by_name(TrainConfig(), [matrix, matrix[:20]])["factors"].values == (16,)
    assert by_name(TrainConfig(), [matrix, matrix[:9]])["factors"].values == (9,)


def test_what_cannot_matter_is_left_out(matrix):
    alike = matrix.copy()
    alike.data[:] = 2.0
    assert "alpha" not in by_name(TrainConfig(), [alike])
    assert "alpha" in by_name(TrainConfig(), [alike, matrix])
    assert "iterations" not in by_name(TrainConfig(iterations="auto"), [matrix])
    hu2008 = by_name(TrainConfig(engine="implicit"), [alike])
    assert "unobserved_weight" not in hu2008
    assert "alpha" in hu2008
    assert hu2008["regularization"].values == (1e-3, 1e2)


def test_a_config_outside_the_space_is_recorded_at_its_edge(matrix):
    far = TrainConfig(factors=3, regularization=9.0, confidence=ConfidenceConfig(alpha=500.0), iterations=99)
    found = by_name(far, [matrix])
    assert (found["factors"].untuned, found["regularization"].untuned) == (16, 0.1)
    assert (found["alpha"].untuned, found["iterations"].untuned) == (100, 16)


def test_scales_lead_back_and_stay_inside(matrix):
    for one in by_name(TrainConfig(), [matrix]).values():
        for value in (*one.values, one.untuned):
            assert one.from_scale(one.to_scale(value)) == pytest.approx(value, rel=1e-9)
    alpha = by_name(TrainConfig(), [matrix])["alpha"]
    assert alpha.from_scale(0.0) == 0.0
    assert alpha.from_scale(math.log1p(100.0)) == 100.0
    assert alpha.from_scale(1.23456789) == 2.437


@pytest.mark.parametrize("engine", ["native", "implicit"])
def test_a_point_becomes_a_config_that_trains(matrix, engine):
    train = TrainConfig(engine=engine, seed=7)
    point = {one.name: one.values[0] for one in search_space(train, SpaceConfig(), [matrix])}
    changed = tuned(train, point, matrix)
    assert TrainConfig.model_validate(changed.model_dump()) == changed
    assert (changed.seed, changed.engine, changed.confidence.alpha) == (7, engine, 0.0)
    recipe_for(matrix, changed, threads=1)
    if engine == "native":
        assert changed.unobserved_weight == pytest.approx(matrix.nnz / 1200, rel=1e-3)
