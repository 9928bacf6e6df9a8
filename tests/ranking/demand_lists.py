"""Lists of small models in memory, and the scores that plain Python computes from the definition of demand."""

import math
from datetime import timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from als_cli.als.confidence import ConfidenceRule
from als_cli.als.demand import DemandRule
from als_cli.als.engine import AlsSettings, Factors
from als_cli.als.recipe import Recipe
from als_cli.ranking.audience import Audience
from als_cli.ranking.recommender import Recommender
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.trained_model import TrainedModel
from tests.stages.builders import interactions_of

DAY = 86_400
USERS, ITEMS = range(7), range(9)


def recipe_of(rule=None, *, fold_in=None, factors=3):
    return Recipe(
        "native",
        AlsSettings(factors, 0.1, 1, True, 0, 1, unobserved_weight=0.1, objective="weighted"),
        ConfidenceRule("linear", 1.0, 1.0, 1.0),
        np.ones(len(ITEMS), np.int64),
        separate_fold_in=fold_in,
        demand=rule or DemandRule(),
    )


def model_of(factors, users=USERS, items=ITEMS):
    ids = pl.Series(list(items))
    return TrainedModel(
        pl.Series(list(users)), ids, pl.Series([1] * len(ids), dtype=pl.UInt32), factors, None
    )


def lists_of(interactions, model, recipe, *, top_n=9, block=100, exclude_seen=True, allowed=None):
    """Return {user id: ([item ids], [scores])} for all users of `interactions`, made in blocks of `block` users."""
    rules = ListRules(top_n=top_n, exclude_seen=exclude_seen, allowed=allowed, fallback=())
    recommender = Recommender(interactions, model, recipe, rules)
    users = interactions.user_ids
    audience = Audience(users, np.arange(len(users), dtype=np.int32))
    found = {}
    for part in recommender.blocks(audience, block, 1000):
        lists = recommender.lists_for(part).lists()
        found |= {user: (items, scores) for user, items, scores, _ in lists.rows()}
    return found


def oracle_scores(rule, pairs, users, factors, items=ITEMS):
    """Return {user: {item: (score, magnitude)}} in float64, from (user, item, seconds before NEWEST)."""
    newest = min(age for _, _, age in pairs)

    def demand(item, half_life):
        ages = [age - newest for _, other, age in pairs if other == item]
        return math.fsum(1.0 if half_life is None else 2.0 ** -(age / half_life) for age in ages)

    weights = {
        item: (0.001 + demand(item, rule.half_life)) ** rule.exponent
        / (1 + demand(item, rule.long_run_half_life)) ** rule.long_run_exponent
        for item in items
    }
    scores = {}
    for user in users:
        scores[user] = {}
        for row, item in enumerate(items):
            products = [
                float(a) * float(b) for a, b in zip(factors.users[user], factors.items[row], strict=True)
            ]
            magnitude = weights[item] * (rule.offset + math.fsum(map(abs, products)))
            scores[user][item] = weights[item] * (rule.offset + math.fsum(products)), magnitude
    return scores


def assert_best_first(found, expected, seen, top_n):
    """Check that `found` are the best `top_n` of the items that are not in `seen`, up to the rounding of float32."""
    items = found[0]
    left = [item for item in expected if item not in seen]
    assert len(items) == len(set(items)) == min(top_n, len(left))
    assert set(items) <= set(left)
    others = [item for item in left if item not in items]
    better = [*pairwise(items), *((items[-1], other) for other in others if items)]
    for first, second in better:
        (a, size_a), (b, size_b) = expected[first], expected[second]
        assert a >= b - 1e-6 * max(size_a, size_b), (first, second)


def dataset_of(pairs):
    return interactions_of(
        [(user, item) for user, item, _ in pairs], ages=[timedelta(seconds=age) for *_, age in pairs]
    )


def random_factors(seed, items=9):
    rng = np.random.default_rng(seed)
    users, rows = (rng.normal(size=(count, 3)).astype(np.float32) for count in (len(USERS), items))
    return Factors(users, rows)
