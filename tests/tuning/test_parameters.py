"""Each `auto` of section train becomes the number in the docs."""

import itertools
import json

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from als_cli.als.recipe import recipe_from_json
from als_cli.config.train import TrainConfig
from als_cli.errors import ConfigError
from als_cli.tuning.parameters import MAXIMUM_ITERATIONS, recipe_for


def strengths(users=200, items=150, pairs=900):
    rng = np.random.default_rng(0)
    matrix = csr_matrix(
        random_array((users, items), density=pairs / (users * items), rng=rng, dtype=np.float32)
    )
    matrix.data += 1
    return matrix


def recipe(matrix=None, **keys):
    return recipe_for(strengths() if matrix is None else matrix, TrainConfig.model_validate(keys), threads=2)


def test_defaults_are_the_weighted_objective_with_mean_confidence_one():
    made = recipe()
    assert (made.engine, made.settings.objective) == ("native", "weighted")
    assert made.settings.unobserved_weight == pytest.approx(24 * 900 / (200 * 150))
    assert (made.settings.regularization, made.settings.frequency_exponent) == (0.005, 1.0)
    assert (made.settings.factors, made.settings.iterations, made.settings.tolerance) == (128, 50, 0.001)
    assert (made.confidence.user_exponent, made.confidence.item_exponent) == (0.1, 0.1)
    confidence = made.confidence.apply(strengths(), made.item_interactions)
    assert confidence.data.mean() == pytest.approx(1.0, rel=1e-5)


def test_auto_objective_is_hu2008_for_engine_implicit():
    made = recipe(engine="implicit")
    assert made.settings.objective == "hu2008"
    assert (made.settings.unobserved_weight, made.settings.frequency_exponent) == (1.0, 0.0)
    assert (made.settings.regularization, made.confidence.scale) == (0.05, 1.0)


@pytest.mark.parametrize(
    ("key", "value"), [("objective", "weighted"), ("unobserved_weight", 0.5), ("frequency_exponent", 1.0)]
)
def test_unsupported_settings_of_engine_implicit_are_errors(key, value):
    with pytest.raises(ConfigError, match=f"train.{key} is {value}, but engine implicit does not support it"):
        recipe(engine="implicit", **{key: value})


def test_auto_factors_are_reduced_for_small_data_and_too_many_factors_are_an_error():
    small = strengths(users=30, items=12, pairs=60)
    assert recipe(small).settings.factors == 12
    assert recipe(small, factors=12).settings.factors == 12
    with pytest.raises(
        ConfigError, match=r"train\.factors is 13, but there are only 30 users and 12 items"
    ) as caught:
        recipe(small, factors=13)
    assert "12 or less" in caught.value.hint


def test_auto_iterations_are_bounded_and_stop_when_the_loss_converges():
    made = recipe(iterations="auto", factors=8)
    assert made.settings.iterations == MAXIMUM_ITERATIONS
    iterations = []
    made.fit(strengths(), iterations.append)
    losses = [iteration.loss for iteration in iterations]
    falls = [(a - b) / a for a, b in itertools.pairwise(losses)]
    assert 2 < len(losses) < MAXIMUM_ITERATIONS
    assert falls[-1] < made.settings.tolerance
    assert all(fall >= made.settings.tolerance for fall in falls[:-1])


def test_engine_implicit_also_stops_when_the_loss_converges():
    made = recipe(engine="implicit", iterations="auto", factors=8)
    iterations = []
    factors = made.fit(strengths(), iterations.append)
    assert 2 < len(iterations) < MAXIMUM_ITERATIONS
    assert np.isfinite(factors.items).all()
    assert factors.items.any()


def test_a_recipe_survives_json():
    made = recipe(confidence={"form": "linear", "alpha": 2.5, "user_exponent": 0.25, "item_exponent": 0.5})
    again = recipe_from_json(json.loads(json.dumps(made.to_json())), made.item_interactions, threads=2)
    assert again == made
    matrix = strengths()
    np.testing.assert_array_equal(
        again.confidence.apply(matrix, again.item_interactions).data,
        made.confidence.apply(matrix, made.item_interactions).data,
    )
    assert recipe_from_json(made.to_json(), made.item_interactions, threads=1).settings.threads == 1


@pytest.mark.parametrize("key", ["user_exponent", "item_exponent"])
@pytest.mark.parametrize("keys", [{"objective": "hu2008"}, {"engine": "implicit"}])
def test_tempering_belongs_to_the_weighted_objective(key, keys):
    with pytest.raises(
        ConfigError, match=rf"train\.confidence\.{key} is 0\.25, but objective hu2008 does not support it"
    ):
        recipe(confidence={key: 0.25}, **keys)
    assert getattr(recipe(confidence={key: 0.0}, **keys).confidence, key) == 0.0
    assert getattr(recipe(**keys).confidence, key) == 0.0


@pytest.mark.parametrize("exponent", [0.0, 0.5])
def test_fold_in_keeps_the_scale_of_training_for_any_user(exponent):
    matrix = strengths()
    matrix.data *= np.linspace(1, 9, matrix.nnz, dtype=np.float32)
    made = recipe(matrix, factors=8, confidence={"user_exponent": exponent, "item_exponent": exponent})
    factors = made.fit(matrix, lambda _: None)
    together = made.fold_in(factors.items, matrix)
    alone = made.fold_in(factors.items, matrix[7:8])
    assert together[7].any()
    np.testing.assert_allclose(alone[0], together[7], rtol=1e-5, atol=1e-6)


def test_fold_in_of_a_converged_training_user_is_the_trained_row_with_tempering():
    matrix = strengths(users=60, items=40, pairs=500)
    confidence = {"user_exponent": 0.5, "item_exponent": 0.5}
    made = recipe(
        matrix, factors=4, iterations=400, regularization=0.05, unobserved_weight=16 * 500 / (60 * 40),
        solver="exact", confidence=confidence,
    )  # fmt: skip
    factors = made.fit(matrix, lambda _: None)
    largest = np.abs(factors.users).max()
    np.testing.assert_allclose(
        made.fold_in(factors.items, matrix), factors.users, rtol=1e-3, atol=1e-3 * largest
    )


def test_users_are_solved_as_in_the_iterations_without_separate_fold_in_hyperparameters():
    assert recipe().separate_fold_in is None
    made = recipe(regularization=0.01, fold_in={"item_exponent": 0.0}, confidence={"item_exponent": 0.25})
    assert made.separate_fold_in.regularization == 0.01
    assert made.separate_fold_in.confidence.item_exponent == 0.0
    assert made.confidence.item_exponent == 0.25
    made = recipe(fold_in={"regularization": 0.5}, confidence={"item_exponent": 0.25})
    assert made.separate_fold_in.regularization == 0.5
    assert made.separate_fold_in.confidence == made.confidence


def test_confidences_of_a_fold_in_have_mean_one_too():
    matrix = strengths()
    made = recipe(matrix, fold_in={"item_exponent": 0.0}, confidence={"item_exponent": 0.5})
    confidence, settings = made.fold_in_problem(matrix)
    assert confidence.data.mean() == pytest.approx(1.0, rel=1e-5)
    assert settings.regularization == made.settings.regularization


@pytest.mark.parametrize(
    "keys", [{}, {"objective": "hu2008", "confidence": {"form": "linear"}}, {"engine": "implicit"}]
)
def test_training_users_have_the_factors_of_new_users_with_the_same_histories(keys):
    matrix = strengths(users=60, items=40, pairs=500)
    plain = recipe(matrix, factors=4, iterations=3, regularization=0.02, solver="exact", **keys)
    made = recipe(
        matrix,
        factors=4,
        iterations=3,
        regularization=0.02,
        solver="exact",
        fold_in={"regularization": 5.0},
        **keys,
    )
    left, folded = (one.fit(matrix, lambda _: None) for one in (plain, made))
    np.testing.assert_array_equal(folded.items, left.items)
    np.testing.assert_allclose(folded.users, made.fold_in(folded.items, matrix), rtol=1e-4, atol=1e-6)
    assert np.linalg.norm(folded.users) < 0.99 * np.linalg.norm(left.users)


def test_a_fold_in_that_starts_near_the_solution_is_close_to_the_exact_one():
    matrix = strengths(users=300, items=200, pairs=30_000)  # rows long enough for conjugate gradients
    made = recipe(matrix, factors=8, iterations=4, fold_in={"regularization": 0.02, "item_exponent": 0.0})
    factors = made.fit(matrix, lambda _: None)
    exact = made.fold_in(factors.items, matrix)
    assert np.linalg.norm(factors.users - exact) < 1e-3 * np.linalg.norm(exact)


def test_the_last_fold_in_does_not_depend_on_the_number_of_threads():
    matrix = strengths(users=5000, items=200, pairs=90_000)
    train = TrainConfig.model_validate(
        {"factors": 40, "iterations": 2, "fold_in": {"regularization": 0.02, "item_exponent": 0.0}}
    )
    one, two = (recipe_for(matrix, train, threads).fit(matrix, lambda _: None) for threads in (1, 2))
    np.testing.assert_array_equal(one.users, two.users)
    np.testing.assert_array_equal(one.items, two.items)


@pytest.mark.parametrize("keys", [{"objective": "hu2008"}, {"engine": "implicit"}])
def test_a_fold_in_is_tempered_under_the_weighted_objective_only(keys):
    with pytest.raises(
        ConfigError, match=r"train\.fold_in\.item_exponent is 0\.25, but objective hu2008 does not support it"
    ) as caught:
        recipe(fold_in={"item_exponent": 0.25}, **keys)
    assert "leave out train.fold_in.item_exponent" in caught.value.hint
    assert recipe(fold_in={"item_exponent": 0.0}, **keys).separate_fold_in.confidence.item_exponent == 0.0


def test_a_recipe_with_separate_fold_in_hyperparameters_survives_json():
    made = recipe(fold_in={"regularization": 0.02, "item_exponent": 0.05})
    again = recipe_from_json(json.loads(json.dumps(made.to_json())), made.item_interactions, threads=2)
    assert again == made
