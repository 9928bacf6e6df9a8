"""Demand of items, compared with the definition in plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from als_cli.als.demand import DemandRule, demand, item_weights, weighted_items, weights_of, with_offset

DAY = 86_400
YEAR = 365 * DAY
START = 1_767_225_600
"""2026-01-01 in seconds since 1970."""

pairs_of_items = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(-20 * YEAR, 5 * YEAR)),
    min_size=1,
    max_size=25,
    unique_by=lambda pair: pair[:2],
)


def matrices(pairs):
    """Return strengths and times of (user, item, seconds after START)."""
    users, items, seconds = zip(*pairs, strict=True)
    times = np.array([(START + second) * 1_000_000 for second in seconds], np.int64)
    strength = csr_matrix((np.full(len(users), 2.5, np.float32), (users, items)), shape=(6, 5))
    return strength, csr_matrix((times, (users, items)), shape=(6, 5))


@given(pairs=pairs_of_items, days=st.sampled_from([0.001, 1, 30, 1000]))
def test_a_user_counts_half_for_every_half_life(pairs, days):
    expected = np.zeros(5)
    newest = max(second for _, _, second in pairs)
    for _, item, second in pairs:
        expected[item] += 0.5 ** ((newest - second) / (days * DAY))
    np.testing.assert_allclose(demand(*matrices(pairs), days * DAY), expected, rtol=1e-12, atol=1e-300)


@given(pairs=pairs_of_items, shift=st.integers(-30 * YEAR, 30 * YEAR))
def test_a_shift_of_all_times_changes_no_bit(pairs, shift):
    shifted = [(user, item, second + shift) for user, item, second in pairs]
    before, after = (demand(*matrices(some), 3.5 * DAY) for some in (pairs, shifted))
    np.testing.assert_array_equal(before, after)


def test_with_an_infinite_half_life_all_users_count_and_times_are_not_needed():
    strength, _ = matrices([(0, 1, 0), (1, 1, -YEAR), (2, 3, 5)])
    assert demand(strength, None, None).tolist() == [0, 2, 0, 1, 0]
    with pytest.raises(ValueError, match="needs times"):
        demand(strength, None, 1.0)


@pytest.mark.parametrize("half_life", [1e-9, 5e-324])
def test_a_half_life_below_the_resolution_of_times_leaves_the_newest_events(half_life):
    strength, times = matrices([(0, 1, 7), (1, 1, 7), (2, 3, 6), (3, 2, 7)])
    assert demand(strength, times, half_life).tolist() == [0, 2, 1, 0, 0]


def test_events_at_one_instant_count_in_full():
    assert demand(*matrices([(0, 1, 5), (1, 1, 5), (2, 3, 5)]), DAY).tolist() == [0, 2, 0, 1, 0]


def test_more_pairs_than_are_counted_at_a_time():
    rng = np.random.default_rng(3)
    count = (1 << 20) + 12_345
    items, seconds = rng.integers(0, 40, count), rng.integers(0, 90 * DAY, count)
    indptr = np.append(np.arange(0, count, 5), count)
    times = csr_matrix((seconds * 1_000_000, items.astype(np.int32), indptr), shape=(len(indptr) - 1, 40))
    expected = np.bincount(items, 0.5 ** ((seconds.max() - seconds) / (7 * DAY)), minlength=40)
    np.testing.assert_allclose(demand(times, times, 7 * DAY), expected, rtol=1e-12)


@given(
    gamma=st.floats(0, 4),
    delta=st.floats(0, 2),
    recent=st.lists(st.floats(0, 1e4), min_size=3, max_size=3),
    long_run=st.lists(st.floats(0, 1e4), min_size=3, max_size=3),
)
def test_weights_have_the_ratios_of_the_definition(gamma, delta, recent, long_run):
    found = item_weights(DemandRule(DAY, gamma, YEAR, delta), np.array(recent), np.array(long_run))
    plain = [(0.001 + d) ** gamma / (1 + many) ** delta for d, many in zip(recent, long_run, strict=True)]
    assert found.dtype == np.float32
    assert found.max() == 1
    np.testing.assert_allclose(found, np.array(plain) / max(plain), rtol=1e-6)


def test_weights_stay_positive_without_recent_events():
    # The item with the newest event has a million recent users. The others have had none for 10,000 half-lives.
    found = item_weights(DemandRule(DAY, 4.0), np.array([1e6, 0.0, 0.0]), np.zeros(3))
    assert found[0] == 1
    assert found[1] == found[2] > np.finfo(np.float32).tiny


def test_no_items_have_no_weights():
    assert item_weights(DemandRule(DAY, 1.0), np.empty(0), np.empty(0)).shape == (0,)


class TestRule:
    @pytest.mark.parametrize(
        ("rule", "is_neutral", "needs_times"),
        [
            (DemandRule(), True, False),
            (DemandRule(half_life=DAY, long_run_half_life=DAY, offset=3.0), True, False),
            (DemandRule(half_life=DAY, exponent=0.5), False, True),
            (DemandRule(exponent=0.5, long_run_half_life=DAY), False, False),
            (DemandRule(half_life=DAY, long_run_exponent=0.5), False, False),
            (DemandRule(long_run_half_life=DAY, long_run_exponent=0.5), False, True),
        ],
    )
    def test_only_a_half_life_with_an_exponent_needs_times(self, rule, is_neutral, needs_times):
        assert (rule.is_neutral, rule.needs_times) == (is_neutral, needs_times)
        strength, times = matrices([(0, 1, 0), (1, 2, 5)])
        assert (weights_of(rule, strength, times) is None) == is_neutral
        if needs_times:
            with pytest.raises(ValueError, match="needs times"):
                weights_of(rule, strength, None)
        else:
            weights_of(rule, strength, None)


class TestWeightedItems:
    def test_without_weights_nothing_is_copied(self):
        items, users = np.ones((3, 2), np.float32), np.ones((4, 2), np.float32)
        assert weighted_items(items, None, 5.0) is items
        assert with_offset(users, None, 5.0) is users

    @pytest.mark.parametrize("offset", [0.0, 0.7])
    def test_the_product_is_the_weighted_score(self, offset):
        rng = np.random.default_rng(5)
        items, users = (rng.normal(size=(count, 4)).astype(np.float32) for count in (6, 3))
        weights = rng.random(6).astype(np.float32)
        found = with_offset(users, weights, offset) @ weighted_items(items, weights, offset).T
        for u in range(3):
            for i in range(6):
                product = math.fsum(float(a) * float(b) for a, b in zip(users[u], items[i], strict=True))
                assert found[u, i] == pytest.approx(float(weights[i]) * (offset + product), abs=1e-5)
