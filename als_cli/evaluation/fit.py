"""Fit on a training set, rank for the test users, compute the metrics: the same for every command that needs it."""

from collections.abc import Callable

from als_cli.als.engine import Iteration
from als_cli.als.recipe import Recipe
from als_cli.evaluation.protocol import measure
from als_cli.evaluation.rankers import FactorRanker, Ranker
from als_cli.splitting.division import EvaluationSets


def fit_ranker(
    name: str,
    recipe: Recipe,
    parts: EvaluationSets,
    on_iteration: Callable[[Iteration], None] = lambda _iteration: None,
) -> FactorRanker:
    """Return the model trained by `recipe` on the training set of `parts`, as a ranker of its test users.

    Test users that training does not know are folded in from their history.

    Raises
    ------
    TrainingError
        The factors are not finite.
    """
    holdout, threads = parts.holdout, recipe.settings.threads
    factors = recipe.fit(parts.training.matrix, on_iteration)
    if parts.users_are_held_out:
        users = recipe.fold_in(factors.items, holdout.test_set.history)
    else:
        users = factors.users[holdout.user_rows]
    return FactorRanker(name, users, factors.items, threads)


def mean_metric(ranker: Ranker, parts: EvaluationSets, metric: str) -> float:
    """Return the mean of `metric` (such as ``ndcg@10``) of `ranker` over the test users of `parts`."""
    k = int(metric.partition("@")[2])
    return measure(ranker, parts.holdout.test_set, (k,)).averages[metric]
