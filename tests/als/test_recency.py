"""Confidences that are halved for every half-life before the newest pair of a history."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from als_cli.als.confidence import with_recency

DAY = 86_400
YEAR = 365 * DAY
START = 1_767_225_600
"""2026-01-01 in seconds since 1970."""

pairs_of_users = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.integers(0, 4),
        st.integers(-20 * YEAR, 5 * YEAR),
        st.floats(0.125, 50, width=32).flatmap(lambda value: st.sampled_from([value, -value])),
    ),
    max_size=25,
    unique_by=lambda pair: pair[:2],
)
"""User, item, seconds after START, and confidence; users can have no pair. A negative confidence is a dislike."""


def matrices(pairs, shift=0):
    """Return confidences (7, 5) and their times."""
    users, items = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    times = np.array([(START + shift + pair[2]) * 1_000_000 for pair in pairs], np.int64)
    confidence = np.array([pair[3] for pair in pairs], np.float32)
    return csr_matrix((confidence, (users, items)), shape=(7, 5)), csr_matrix(
        (times, (users, items)), shape=(7, 5)
    )


@given(pairs=pairs_of_users, days=st.sampled_from([0.001, 1.0, 30.0, 1000.0]))
def test_a_pair_is_halved_for_every_half_life_before_the_newest_of_its_user(pairs, days):
    confidence, times = matrices(pairs)
    expected = np.zeros((7, 5))
    for user, item, second, value in pairs:
        newest = max(other[2] for other in pairs if other[0] == user)
        expected[user, item] = value * 0.5 ** ((newest - second) / (days * DAY))
    found = with_recency(confidence, times, days * DAY)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6, atol=1e-37)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.indices, confidence.indices)
    np.testing.assert_array_equal(found.indptr, confidence.indptr)


@given(pairs=pairs_of_users, days=st.sampled_from([1e-300, 0.001, 30.0]))
def test_the_newest_pairs_keep_their_confidence(pairs, days):
    confidence, times = matrices(pairs)
    found = with_recency(confidence, times, days * DAY).toarray()
    for user, item, second, value in pairs:
        if second == max(other[2] for other in pairs if other[0] == user):
            assert found[user, item] == np.float32(value)


@given(pairs=pairs_of_users, shift=st.integers(-30 * YEAR, 30 * YEAR))
def test_a_shift_of_all_times_changes_no_bit(pairs, shift):
    before, after = (with_recency(*matrices(pairs, seconds), 3.5 * DAY) for seconds in (0, shift))
    np.testing.assert_array_equal(before.toarray(), after.toarray())


@given(pairs=pairs_of_users)
def test_a_history_does_not_depend_on_other_histories(pairs):
    confidence, times = matrices(pairs)
    together = with_recency(confidence, times, 9 * DAY)
    for user in range(7):
        alone = with_recency(confidence[user], times[user], 9 * DAY)
        np.testing.assert_array_equal(alone.toarray(), together[user].toarray())


def test_the_ratio_is_two_to_the_power_of_half_lives():
    found = with_recency(*matrices([(2, 0, 0, 8.0), (2, 1, -DAY, 8.0), (2, 3, -3 * DAY, 8.0)]), DAY)
    assert found.toarray()[2].tolist() == [8, 4, 0, 1, 0]


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [(0, 1, 0, 3.0), (3, 2, -YEAR, 2.5), (6, 4, 7, -1.5)],  # one pair each, and empty rows between
        [(5, 0, 7, 3.0), (5, 1, 7, 2.5), (5, 4, 7, -1.5)],  # equal times
    ],
)
@pytest.mark.parametrize("half_life", [1e-9, 1.0, 100 * YEAR])
def test_rows_without_older_pairs_do_not_change(pairs, half_life):
    confidence, times = matrices(pairs)
    np.testing.assert_array_equal(with_recency(confidence, times, half_life).toarray(), confidence.toarray())


@pytest.mark.parametrize("half_life", [1e-9, 5e-324, 1.0])
def test_pairs_that_are_very_many_half_lives_old_become_zero_and_stay_stored(half_life):
    confidence, times = matrices([(1, 0, 0, 3.0), (1, 2, -YEAR, 2.0), (4, 1, -5 * YEAR, 4.0)])
    found = with_recency(confidence, times, half_life)
    assert found.toarray()[[1, 1, 4], [0, 2, 1]].tolist() == [3, 0, 4]
    assert found.nnz == 3


def test_the_given_confidences_are_not_changed():
    confidence, times = matrices([(1, 0, 0, 3.0), (1, 2, -DAY, 2.0)])
    with_recency(confidence, times, DAY)
    assert confidence.data.tolist() == [3, 2]
