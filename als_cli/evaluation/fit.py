"""Train a model on a training set and compute its metrics on the test users, for all commands that need it."""

from collections.abc import Callable

import numpy as np

from als_cli.als.demand import weighted_items, weights_of, with_offset
from als_cli.als.engine import Iteration
from als_cli.als.recipe import Recipe
from als_cli.evaluation.metrics import USER_METRICS
from als_cli.evaluation.protocol import ranked_hits
from als_cli.evaluation.rankers import FactorRanker, Ranker
from als_cli.ranking.native_top_n import item_index
from als_cli.splitting.division import EvaluationSets
from als_cli.splitting.holdout import TestSet


def fit_ranker(
    name: str,
    recipe: Recipe,
    sets: EvaluationSets,
    on_iteration: Callable[[Iteration], None] = lambda _iteration: None,
) -> FactorRanker:
    """Return the model trained by `recipe` on the training set of `sets`, as a ranker of its test users.

    Held-out test users are folded in from their history. Items are weighted by their demand in the training set.

    Raises
    ------
    TrainingError
        The factors are not finite.
    """
    holdout = sets.holdout
    training = sets.training
    factors = recipe.fit(training.matrix, on_iteration, training.times)
    if sets.users_are_held_out:
        users = recipe.fold_in(factors.items, holdout.test_set.history, holdout.test_set.times)
    else:
        users = factors.users[holdout.user_rows]
    weights, offset = weights_of(recipe.demand, training.matrix, training.times), recipe.demand.offset
    items = item_index(weighted_items(factors.items, weights, offset))
    return FactorRanker(
        name, with_offset(users, weights, offset), items, recipe.settings.threads, factors.items
    )


def mean_metric(ranker: Ranker, test_set: TestSet, metric: str) -> float:
    """Return the mean of an accuracy `metric` (such as ``ndcg@10``) of `ranker` over the users of `test_set`."""
    name, _, k = metric.partition("@")
    values = [
        USER_METRICS[name](hits, test_set.relevant_counts[users])
        for users, hits in ranked_hits(ranker, test_set, int(k))
    ]
    return float(np.concatenate(values).mean())
