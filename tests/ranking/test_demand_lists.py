"""Lists by demand, compared with scores that plain Python computes from the definition."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from als_cli.als.demand import DemandRule
from als_cli.als.engine import Factors
from als_cli.config.events import EventsConfig
from als_cli.dataset.aggregation import aggregate
from tests.ranking.demand_lists import (
    DAY,
    ITEMS,
    USERS,
    assert_best_first,
    dataset_of,
    lists_of,
    model_of,
    oracle_scores,
    random_factors,
    recipe_of,
)
from tests.stages.builders import NEWEST, interactions_of

half_lives = st.sampled_from([None, 3600.0, DAY, 30.0 * DAY])
rules = st.builds(
    DemandRule,
    half_life=half_lives,
    exponent=st.sampled_from([0.0, 0.5, 1.0, 2.5]),
    long_run_half_life=half_lives,
    long_run_exponent=st.sampled_from([0.0, 0.3, 1.0]),
    offset=st.sampled_from([0.0, 0.1, 2.0, 100.0]),
)
some_pairs = st.lists(
    st.tuples(st.sampled_from(USERS), st.sampled_from(ITEMS), st.integers(0, 40 * DAY)),
    min_size=1,
    max_size=30,
    unique_by=lambda pair: pair[:2],
)


@settings(max_examples=60)
@given(rule=rules, pairs=some_pairs, seed=st.integers(0, 99), top_n=st.sampled_from([1, 3, 9]))
def test_lists_are_those_of_the_definition(rule, pairs, seed, top_n):
    factors = random_factors(seed)
    expected = oracle_scores(rule, pairs, {user for user, *_ in pairs}, factors)
    dataset, model = dataset_of(pairs), model_of(factors)
    together = lists_of(dataset, model, recipe_of(rule), top_n=top_n)
    assert set(together) == {user for user, *_ in pairs} - {
        user for user in USERS if len({item for other, item, _ in pairs if other == user}) == len(ITEMS)
    }
    for user, found in together.items():
        assert_best_first(found, expected[user], {item for u, item, _ in pairs if u == user}, top_n)
    # One user at a time takes another code path.
    assert lists_of(dataset, model, recipe_of(rule), top_n=top_n, block=1) == together


@settings(max_examples=40)
@given(
    rule=rules,
    pairs=some_pairs,
    known=st.sets(st.sampled_from(ITEMS), min_size=1),
    extra=st.sets(st.sampled_from([-4, 9, 40, 42])),
)
def test_items_of_only_one_side(rule, pairs, known, extra):
    # Items only in the dataset are ignored, but the newest event may be theirs. Items only in the model have no demand.
    items = sorted({2 * item for item in known} | extra)
    pairs = [(user, 2 * item, age) for user, item, age in pairs]
    factors = random_factors(len(items), len(items))
    expected = oracle_scores(rule, pairs, {user for user, *_ in pairs}, factors, items)
    recipe = replace(recipe_of(rule), item_interactions=np.ones(len(items), np.int64))
    dataset, model = dataset_of(pairs), model_of(factors, items=items)
    together = lists_of(dataset, model, recipe, exclude_seen=False)
    for user, found in together.items():
        assert_best_first(found, expected[user], set(), 9)
    assert lists_of(dataset, model, recipe, exclude_seen=False, block=1) == together


@settings(max_examples=25)
@given(rule=rules, pairs=some_pairs, days=st.integers(-9000, 9000))
def test_a_shift_of_all_times_changes_nothing(rule, pairs, days):
    model = model_of(random_factors(1))
    shifted = [(user, item, age + days * DAY) for user, item, age in pairs]
    before, after = (lists_of(dataset_of(some), model, recipe_of(rule)) for some in (pairs, shifted))
    assert before == after


@settings(max_examples=25)
@given(
    pairs=some_pairs,
    seed=st.integers(0, 99),
    half_life=st.sampled_from([None, float(DAY)]),
    offset=st.sampled_from([0.0, 3.0]),
)
def test_a_neutral_rule_gives_the_lists_of_the_plain_scores(pairs, seed, half_life, offset):
    model, neutral = model_of(random_factors(seed)), DemandRule(half_life=half_life, offset=offset)
    found = lists_of(dataset_of(pairs), model, recipe_of(neutral))
    for user, (items, scores) in found.items():
        products = model.factors.users[user].astype(np.float64) @ model.factors.items.astype(np.float64).T
        seen = {item for other, item, _ in pairs if other == user}
        order = sorted(set(ITEMS) - seen, key=lambda item: (-np.float32(products[item]), item))
        assert items == order
        assert scores == [np.float32(products[item]) for item in order]


# In every test below, item 8 has the newest event, and the product of user 0 with an item falls with the item.
ORDERED = Factors(np.ones((len(USERS), 1), np.float32), np.arange(9, 0, -1, dtype=np.float32)[:, None])


def order_for(pairs, rule, **options):
    """Return the list of user 0, who has item 8 only."""
    found = lists_of(
        dataset_of([(0, 8, 0), *pairs]), model_of(ORDERED), recipe_of(rule, factors=1), **options
    )
    return found[0][0]


@pytest.mark.parametrize("offset", [0.0, 5.0])
@pytest.mark.parametrize("exponent", [0.5, 2.0, 4.0])
def test_items_without_recent_events_rank_by_the_score_of_the_model(exponent, offset):
    # All other events are 5,000 half-lives old, so every recent demand is below the range of float64.
    old = [(user, item, 5000 * 3600 + user) for user in (1, 2) for item in (0, 3, 5)]
    rule = DemandRule(half_life=3600, exponent=exponent, offset=offset)
    assert order_for(old, rule) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert order_for(old, rule, exclude_seen=False)[0] == 8
    scores = lists_of(dataset_of([(0, 8, 0), *old]), model_of(ORDERED), recipe_of(rule, factors=1))[0][1]
    assert all(first > second > 0 for first, second in pairwise(scores))


def test_items_without_recent_events_rank_by_long_run_demand():
    old = [(user, 5, 5000 * 3600) for user in (1, 2, 3)]
    assert order_for(old, DemandRule(3600, 1.0, None, 1.0)) == [0, 1, 2, 3, 4, 6, 7, 5]


def test_events_at_one_instant_rank_by_the_number_of_users():
    pairs = [(user, item, 0) for user, item in [(1, 6), (2, 6), (3, 6), (1, 2), (2, 2), (1, 4)]]
    rule = DemandRule(half_life=DAY, exponent=4.0)
    assert order_for(pairs, rule) == [6, 2, 4, 0, 1, 3, 5, 7]
    assert order_for(pairs, replace(rule, half_life=None)) == [6, 2, 4, 0, 1, 3, 5, 7]


def test_a_half_life_far_below_the_resolution_of_times_counts_the_newest_instant():
    pairs = [(1, 6, 0), (1, 2, 1), (2, 2, 1), (3, 2, 1)]
    assert order_for(pairs, DemandRule(half_life=1e-9, exponent=1.0)) == [6, 0, 1, 2, 3, 4, 5, 7]


def test_only_candidates_are_listed():
    allowed = np.isin(ITEMS, [2, 4, 6])
    pairs = [(1, 6, 0), (1, 5, 0)]
    assert order_for(pairs, DemandRule(half_life=DAY, exponent=1.0), allowed=allowed) == [6, 2, 4]


@settings(max_examples=15)
@given(order=st.permutations(range(12)), rule=rules)
def test_the_order_of_events_does_not_matter(order, rule):
    events = [
        (user, item, NEWEST - timedelta(seconds=1000 * number), 1.0, 1.0)
        for number, (user, item) in enumerate([(u, i) for u in (0, 1, 2, 0) for i in (1, 2, 5)])
    ]
    types = {"user_id": pl.Int64, "item_id": pl.Int64, "timestamp": pl.Datetime("us", "UTC")}
    schema = types | {"weight": pl.Float64, "value": pl.Float64}
    model, found = model_of(random_factors(3)), []
    for rows in (events, [events[number] for number in order]):
        clean = pl.DataFrame(rows, schema=schema, orient="row").lazy()
        interactions = aggregate(clean, EventsConfig(source="events.csv"))
        found.append(lists_of(interactions, model, recipe_of(rule)))
    assert found[0] == found[1]


def test_a_rule_that_needs_no_times_works_without_them():
    rule = DemandRule(half_life=DAY, long_run_exponent=1.0)
    untimed = interactions_of([(0, 8), (1, 0), (2, 0), (2, 1)], timed=False)
    found = lists_of(untimed, model_of(ORDERED), recipe_of(rule, factors=1))
    # Scores: 9 / 3, 8 / 2, and then 7, 6, 5, 4, 3, 2 of items without users. Equal scores: the first item.
    assert found[0][0] == [2, 3, 4, 1, 5, 0, 6, 7]
