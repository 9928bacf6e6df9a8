"""A published model folds in new histories with the confidences of training, including tempering."""

import numpy as np
import polars as pl
import pytest

from als_cli.als.confidence import interactions_per_item
from als_cli.ranking.audience import Audience
from als_cli.ranking.lists import SOURCES
from als_cli.ranking.recommender import Recommender
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.stages.train import train
from als_cli.storage.dataset_files import open_dataset
from als_cli.storage.model_files import open_model
from als_cli.tuning.parameters import recipe_for
from tests.stages.builders import publish_dataset
from tests.stages.evaluation_builders import context_for, publish_events, two_tastes

TEMPERED = {
    "engine": "native",
    "factors": 4,
    "iterations": 3,
    "solver": "exact",
    "confidence": {"user_exponent": 0.5, "item_exponent": 0.5},
}


@pytest.fixture
def context(tmp_path):
    context = publish_events(context_for(tmp_path, train=TEMPERED), two_tastes())
    train(context)
    return context


def dense_solution(matrix, training, items, recipe):
    """Return the rows that minimise the weighted loss over the histories `matrix`, from the definition."""

    def weighed(strengths, per_user):
        growth = 1 + 10 * np.log1p(strengths)
        return np.where(strengths > 0, growth * per_user[:, None] ** -0.5 * per_item**-0.5, 0.0)

    before, now = training.toarray().astype(np.float64), matrix.toarray().astype(np.float64)
    per_item = (before > 0).sum(axis=0).astype(np.float64)
    mean = weighed(before, (before > 0).sum(axis=1))[before > 0].mean()
    confidence = weighed(now, (now > 0).sum(axis=1).astype(np.float64)) / mean
    items, settings = items.astype(np.float64), recipe.settings
    solved = []
    for row in confidence:
        ridge = settings.regularization * (row.sum() + settings.unobserved_weight * len(items))
        system = (items.T * (row + settings.unobserved_weight)) @ items + ridge * np.eye(items.shape[1])
        solved.append(np.linalg.solve(system, items.T @ row))
    return np.array(solved)


def test_an_opened_model_folds_in_by_the_definition_with_its_own_item_counts(context):
    matrix = open_dataset(context.dataset_place).interactions.matrix
    model = open_model(context.models_place)
    np.testing.assert_array_equal(model.item_interactions.to_numpy(), interactions_per_item(matrix))
    recipe = model.recipe(threads=1)
    histories = matrix[::3].copy()
    histories.data *= 2
    folded = recipe.fold_in(model.factors.items, histories)
    np.testing.assert_allclose(
        folded, dense_solution(histories, matrix, model.factors.items, recipe), rtol=1e-4, atol=1e-5
    )
    in_memory = recipe_for(matrix, context.config.train, threads=1)
    np.testing.assert_array_equal(folded, in_memory.fold_in(model.factors.items, histories))


def test_new_users_get_the_lists_of_trained_users_with_the_same_history(context):
    dataset, model = open_dataset(context.dataset_place), open_model(context.models_place)
    recipe = model.recipe(threads=1)
    scores = recipe.fold_in(model.factors.items, dataset.interactions.matrix) @ model.factors.items.T
    renamed = dataset.interactions.users.with_columns(pl.col("user_id") + 1000)
    later = type(dataset.interactions)(
        renamed, dataset.interactions.items, dataset.interactions.matrix, dataset.interactions.newest
    )
    publish_dataset(context, later)
    rules = ListRules(top_n=1, exclude_seen=False, allowed=None)
    recommender = Recommender(open_dataset(context.dataset_place).interactions, model, model.recipe(1), rules)
    everyone = Audience(renamed["user_id"], np.arange(renamed.height, dtype=np.int32))
    lists = recommender.lists_for(next(recommender.blocks(everyone, 1000, 1000)))
    assert set(lists.sources.reshape(-1)) == {SOURCES.index("fold_in")}
    np.testing.assert_allclose(lists.top.scores[:, 0], scores.max(axis=1), rtol=1e-5)
