"""Recipes: their JSON values, the fold-in with recent histories, and demand, which training does not use."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.als.confidence import ConfidenceRule, interactions_per_item, with_recency
from als_cli.als.demand import DemandRule
from als_cli.als.engine import AlsSettings
from als_cli.als.recipe import FoldIn, Recipe, recipe_from_json

DAY = 86_400.0
RULE = ConfidenceRule("log", alpha=10.0, epsilon=1.0, scale=2.5, user_exponent=0.25, item_exponent=0.4)
DEMANDS = [
    DemandRule(),
    DemandRule(
        half_life=3 * DAY, exponent=1.5, long_run_half_life=120 * DAY, long_run_exponent=0.75, offset=0.1
    ),
    DemandRule(half_life=1800.0, exponent=0.25, offset=1000.0),
]
FOLD_INS = [None, FoldIn(0.02, replace(RULE, item_exponent=0.0)), FoldIn(0.02, RULE, half_life=60.5 * DAY)]


def histories(users=30, items=12):
    """Return strengths and times of random histories; the first user has none."""
    rng = np.random.default_rng(2)
    dense = (rng.gamma(2.0, 1.0, (users, items)) * (rng.random((users, items)) < 0.4)).astype(np.float32)
    dense[0] = 0
    strength = csr_matrix(dense)
    microseconds = rng.integers(0, int(90 * DAY * 1e6), strength.nnz)
    return strength, csr_matrix((microseconds, strength.indices, strength.indptr), shape=strength.shape)


def recipe_of(fold_in=None, demand=DEMANDS[0], **settings):
    strength, _ = histories()
    values = {"factors": 4, "regularization": 0.01, "iterations": 3, "seed": 1, "threads": 1} | settings
    chosen = AlsSettings(
        **values, exact=True, unobserved_weight=0.1, frequency_exponent=1.0, objective="weighted"
    )
    return Recipe("native", chosen, RULE, interactions_per_item(strength), fold_in, demand)


@pytest.mark.parametrize("demand", DEMANDS)
@pytest.mark.parametrize("fold_in", FOLD_INS)
def test_a_recipe_is_the_same_after_json(fold_in, demand):
    recipe = recipe_of(fold_in, demand)
    text = json.dumps(recipe.to_json(), allow_nan=False)
    again = recipe_from_json(json.loads(text), recipe.item_interactions, threads=1)
    assert again == recipe
    assert again.demand.to_json() == demand.to_json()
    assert (again.separate_fold_in is None) == (fold_in is None)
    other = recipe_from_json(json.loads(text), recipe.item_interactions, threads=3)
    assert other == replace(recipe, settings=replace(recipe.settings, threads=3))


def test_recipes_with_other_demand_or_half_life_differ():
    recipes = [recipe_of(fold_in, demand) for fold_in in FOLD_INS for demand in DEMANDS]
    assert len({json.dumps(recipe.to_json(), sort_keys=True) for recipe in recipes}) == 9


def test_the_fold_in_halves_the_confidences_of_older_pairs():
    strength, times = histories()
    recipe = recipe_of(FoldIn(0.02, RULE, half_life=5 * DAY))
    confidence, settings = recipe.fold_in_problem(strength, times)
    plain = RULE.apply(strength, recipe.item_interactions)
    np.testing.assert_array_equal(confidence.data, with_recency(plain, times, 5 * DAY).data)
    assert settings.regularization == 0.02
    assert (confidence.data < plain.data).any()


@pytest.mark.parametrize("fold_in", FOLD_INS)
def test_without_times_all_ages_count_the_same(fold_in):
    strength, _ = histories()
    recipe = recipe_of(fold_in)
    rule = RULE if fold_in is None else fold_in.confidence
    expected = rule.apply(strength, recipe.item_interactions)
    np.testing.assert_array_equal(recipe.fold_in_problem(strength)[0].data, expected.data)


def test_training_ends_with_the_fold_in_of_all_users_with_their_times():
    strength, times = histories()
    recipe = recipe_of(FoldIn(0.02, RULE, half_life=5 * DAY))
    factors = recipe.fit(strength, lambda _: None, times)
    np.testing.assert_allclose(
        factors.users, recipe.fold_in(factors.items, strength, times), rtol=1e-4, atol=1e-5
    )
    untimed = recipe.fit(strength, lambda _: None)
    np.testing.assert_array_equal(untimed.items, factors.items)
    assert np.abs(untimed.users - factors.users).max() > 0.01
    assert not factors.users[0].any()  # without history


def test_demand_does_not_change_the_training():
    strength, times = histories()
    plain, weighted = (
        recipe_of(FOLD_INS[2], demand).fit(strength, lambda _: None, times) for demand in DEMANDS[:2]
    )
    np.testing.assert_array_equal(weighted.users, plain.users)
    np.testing.assert_array_equal(weighted.items, plain.items)
