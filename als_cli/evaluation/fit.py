"""Train a model on a training set and compute its metrics on the test users, for all commands that need it."""

from collections.abc import Callable

from als_cli.als.engine import Iteration
from als_cli.als.recipe import Recipe
from als_cli.evaluation.protocol import measure
from als_cli.evaluation.rankers import FactorRanker, Ranker
from als_cli.splitting.division import EvaluationSets


def fit_ranker(
    name: str,
    recipe: Recipe,
    sets: EvaluationSets,
    on_iteration: Callable[[Iteration], None] = lambda _iteration: None,
) -> FactorRanker:
    """Return the model trained by `recipe` on the training set of `sets`, as a ranker of its test users.

    Held-out test users are folded in from their history.

    Raises
    ------
    TrainingError
        The factors are not finite.
    """
    holdout, threads = sets.holdout, recipe.settings.threads
    factors = recipe.fit(sets.training.matrix, on_iteration)
    if sets.users_are_held_out:
        users = recipe.fold_in(factors.items, holdout.test_set.history)
    else:
        users = factors.users[holdout.user_rows]
    return FactorRanker(name, users, factors.items, threads)


def mean_metric(ranker: Ranker, sets: EvaluationSets, metric: str) -> float:
    """Return the mean of `metric` (such as ``ndcg@10``) of `ranker` over the test users of `sets`."""
    k = int(metric.partition("@")[2])
    return measure(ranker, sets.holdout.test_set, (k,)).averages[metric]
