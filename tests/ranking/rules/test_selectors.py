"""Choosing for difference and at random, compared with the definitions."""

import numpy as np
import polars as pl
import pytest

from als_cli.ranking.masks import Masks
from als_cli.ranking.rules.fill import OpenLists, RankedItems, SourceScores
from als_cli.ranking.rules.limits import ListLimits
from als_cli.ranking.rules.selectors import AtRandom, Diverse, sample_keys
from tests.ranking.rules.greedy import Greedy
from tests.ranking.rules.test_fill import ITEMS, USERS, column_of, excluded_of, sets_of

SLOTS = 8


def scores_of(seed):
    rng = np.random.default_rng(seed)
    users, items = (
        rng.normal(size=(USERS, 5)).astype(np.float32),
        rng.normal(size=(ITEMS, 5)).astype(np.float32),
    )
    return rng, items, SourceScores(users, RankedItems(items)), users.astype(float) @ items.T.astype(float)


def assert_marginal_relevance(found, scores, items, strength, pool, greedy):
    """Check that each item has the largest marginal relevance of the `pool` items that `greedy` allows."""
    units = items / np.linalg.norm(items, axis=1)[:, None]
    best = max(scores[item] for item in pool)
    for item in found:
        allowed = [other for other in pool if greedy.allows(other)]
        values = {
            other: (1 - strength) * scores[other] / abs(best)
            - strength * max((float(units[other] @ units[before]) for before in greedy.chosen), default=0.0)
            for other in allowed
        }
        assert values[item] >= max(values.values()) - 1e-5
        greedy.chosen.append(item)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("pool", [3, 20, ITEMS])
def test_each_item_has_the_largest_marginal_relevance_of_the_pool(strength, pool):
    rng, items, source, scores = scores_of(3)
    excluded = excluded_of(rng, 0.2)
    lists = OpenLists(ListLimits(), Masks(excluded), USERS, SLOTS, threads=1)
    found = lists.add(source, np.full(USERS, SLOTS), selector=Diverse(items, strength, pool))
    for user, hidden in enumerate(sets_of(excluded)):
        ranked = [item for item in np.argsort(-scores[user]).tolist() if item not in hidden]
        chosen = found.item_rows[user].tolist()
        assert_marginal_relevance(
            chosen, scores[user], items, strength, ranked[: max(pool, SLOTS)], Greedy(SLOTS, [])
        )
        if strength == 0 or (pool == 3 and strength == 0):
            assert chosen == ranked[:SLOTS]


def test_limits_hold_for_different_items_too():
    rng, items, source, scores = scores_of(4)
    limited = [column_of(rng, 6, 2, 0), column_of(rng, 9, None, 4)]
    lists = OpenLists(ListLimits(limited), Masks(), USERS, SLOTS, threads=1)
    found = lists.add(source, np.full(USERS, SLOTS), selector=Diverse(items, 0.4, ITEMS))
    for user in range(USERS):
        chosen = [item for item in found.item_rows[user].tolist() if item >= 0]
        greedy = Greedy(SLOTS, limited)
        assert_marginal_relevance(chosen, scores[user], items, 0.4, list(range(ITEMS)), greedy)
        assert len(chosen) == SLOTS or not any(greedy.allows(item) for item in range(ITEMS))


def test_a_pool_that_a_limit_exhausts_is_refilled_with_the_next_items_that_it_allows():
    rng, items, source, scores = scores_of(6)
    limited, pool = [column_of(rng, 9, 1, 0)], 12
    found = OpenLists(ListLimits(limited), Masks(), USERS, SLOTS, threads=1).add(
        source, np.full(USERS, SLOTS), selector=Diverse(items, 0.4, pool)
    )
    refilled = 0
    for user in range(USERS):
        chosen = found.item_rows[user].tolist()
        assert min(chosen) >= 0
        codes = [code for code in limited[0].codes[chosen].tolist() if code >= 0]
        assert len(codes) == len(set(codes))
        is_later = [item not in np.argsort(-scores[user])[:pool] for item in chosen]
        assert is_later == sorted(is_later)
        refilled += any(is_later)
    assert refilled > USERS / 2


def test_samples_depend_on_the_user_and_the_seed_only():
    _, _, source, scores = scores_of(5)
    ids = pl.Series([f"u{n}" for n in range(USERS)])
    pool = 30

    def sampled(keys, users):
        part = SourceScores(source.users[users], source.items)
        lists = OpenLists(ListLimits(), Masks(), len(keys), 4, threads=1)
        return lists.add(part, np.full(len(keys), 4), selector=AtRandom(keys, pool)).item_rows

    everybody = np.arange(USERS)
    together = sampled(sample_keys(ids, 7), everybody)
    np.testing.assert_array_equal(together, sampled(sample_keys(ids, 7), everybody))
    np.testing.assert_array_equal(together[9:20], sampled(sample_keys(ids[9:20], 7), everybody[9:20]))
    assert (together != sampled(sample_keys(ids, 8), everybody)).any(axis=1).mean() > 0.9
    ranks = [np.argsort(-scores[user]).tolist() for user in range(USERS)]
    places = np.array([[ranks[user].index(item) for item in row] for user, row in enumerate(together)])
    assert places.max() < pool
    assert 10 < places.mean() < 20  # uniform on 0 to 29
    assert all(len(set(row)) == 4 for row in together)
    assert (sample_keys(pl.Series([5, 6]), 1) == sample_keys(pl.Series(["5", "6"]), 1)).all()
