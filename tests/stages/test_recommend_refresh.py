"""`recommend.refresh`: lists of an older model for users with new events, and with new items."""

from datetime import timedelta
from functools import partial

import numpy as np
import polars as pl
import pytest

from als_cli.als.engine import Factors
from als_cli.als.objective import loss_of
from als_cli.als.reference import half_step
from als_cli.stages.recommend import recommend
from als_cli.storage.model_files import open_model
from tests.stages.builders import context_for, interactions_of, publish_dataset, publish_model
from tests.stages.tea_shop import PAIRS, written

DAYS = timedelta(days=1)
NEW_PAIRS = [("ann", "ale"), ("bob", "ale"), ("fay", "ale"), ("eve", "tea"), ("ann", "zen"), ("gus", "oat")]
"""The items ale and zen are new. Users fay, eve and gus are new. Only gus has item oat."""


def publish(tmp_path, refresh, pairs=(), **section):
    """Publish a model of PAIRS and a dataset with more `pairs`. Old pairs keep their strength and time."""
    context = context_for(tmp_path, {"top_n": 3, "refresh": refresh} | section)
    ages = [k * DAYS for k in range(len(PAIRS))]
    together = partial(interactions_of, strengths=[2.0] * (len(PAIRS) + len(pairs)))
    dataset = together([*PAIRS, *pairs], ages=[*ages, *[-DAYS] * len(pairs)])
    rng = np.random.default_rng(5)
    factors = Factors(rng.normal(size=(4, 2)).astype(np.float32), rng.normal(size=(4, 2)).astype(np.float32))
    publish_model(context, interactions_of(PAIRS, strengths=[2.0] * len(PAIRS), ages=ages), factors)
    publish_dataset(context, dataset)
    return context, dataset, factors


def sources(tmp_path):
    return dict(written(tmp_path).select("user_id", "source").unique().rows())


@pytest.mark.parametrize(
    ("refresh", "known"),
    [
        ("none", {"ann": "als", "bob": "als", "cid": "als", "dot": "als", "fay": "popular"}),
        ("changed", {"ann": "fold_in", "bob": "fold_in", "cid": "als", "dot": "als", "fay": "fold_in"}),
        ("all", {"ann": "fold_in", "bob": "fold_in", "cid": "fold_in", "dot": "fold_in", "fay": "fold_in"}),
    ],
)
def test_sources_of_the_users(tmp_path, refresh, known):
    context, *_ = publish(tmp_path, refresh, NEW_PAIRS)
    recommend(context)
    # No user that the model knows has item oat, so gus has no item with factors.
    assert sources(tmp_path) == known | {"eve": "fold_in", "gus": "popular"}


def test_without_new_events_all_settings_give_the_same_lists(tmp_path):
    lists = []
    for refresh in ("none", "changed"):
        context, *_ = publish(tmp_path, refresh)
        recommend(context)
        lists.append(written(tmp_path))
        assert set(sources(tmp_path).values()) == {"als"}
    assert lists[0].equals(lists[1])


def test_new_items_and_changed_users_are_those_of_the_equations(tmp_path):
    context, dataset, factors = publish(tmp_path, "changed", NEW_PAIRS, top_n=5, exclude_seen=False)
    recommend(context)
    recipe = open_model(context.models_place).recipe(1)
    loss = loss_of(recipe.settings)
    items, users = dataset.item_ids.to_list(), dataset.user_ids.to_list()
    counts = dataset.items["interactions"].to_numpy().astype(np.int64)
    C = recipe.confidence.apply(dataset.matrix, counts).toarray().astype(float)
    known_users = [users.index(user) for user in ("ann", "bob", "cid", "dot")]
    new = [items.index("ale"), items.index("zen")]
    Y = np.zeros((len(items), 2))
    Y[[items.index(item) for item in ("cup", "jug", "pot", "tea")]] = factors.items
    Y[new] = half_step(C[np.ix_(known_users, new)].T, factors.users.astype(float), loss)
    shown = [row for row, item in enumerate(items) if item != "oat"]
    X = half_step(C[:, shown], Y[shown], loss)
    for user in ("ann", "bob", "fay", "eve"):
        scores = dict(zip([items[row] for row in shown], X[users.index(user)] @ Y[shown].T, strict=True))
        for item, score in (
            written(tmp_path).filter(pl.col("user_id") == user).select("item_id", "score").rows()
        ):
            np.testing.assert_allclose(score, scores[item], rtol=2e-3, atol=2e-4)
    assert written(tmp_path).filter(pl.col("user_id") == "cid")["item_id"].n_unique() == 5


def test_a_lost_event_is_a_change_too(tmp_path):
    context, *_ = publish(tmp_path, "changed")
    publish_dataset(
        context, interactions_of(PAIRS[1:], strengths=[2.0] * 6, ages=[k * DAYS for k in range(1, 7)])
    )
    recommend(context)
    assert sources(tmp_path) == {"ann": "fold_in", "bob": "als", "cid": "als", "dot": "als"}
