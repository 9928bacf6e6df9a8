"""Pooled differences: one row per user; the mean of the rows is the mean over test sets."""

import numpy as np
import pytest

from als_cli.evaluation.pooling import pooled_by_user
from als_cli.evaluation.significance import compare


@pytest.fixture
def test_sets():
    generator = np.random.default_rng(4)
    rows = [generator.permutation(9)[:size] for size in (9, 4, 6)]
    return [generator.normal(size=(len(one), 2)) for one in rows], rows


def test_the_mean_over_users_is_the_mean_over_test_sets(test_sets):
    differences, rows = test_sets
    pooled = pooled_by_user(differences, rows, 9)
    expected = np.mean([one.mean(axis=0) for one in differences], axis=0)
    np.testing.assert_allclose(pooled.mean(axis=0), expected, atol=1e-12)


def test_each_row_sums_the_differences_of_the_user_in_all_test_sets(test_sets):
    differences, rows = test_sets
    pooled = pooled_by_user(differences, rows, 9)
    for user in range(9):
        summed = np.zeros(2)
        for values_of_set, members in zip(differences, rows, strict=True):
            for member, values in zip(members, values_of_set, strict=True):
                if member == user:
                    summed += values / len(members)
        np.testing.assert_allclose(pooled[user], summed * 9 / 3, atol=1e-12)


def test_a_single_test_set_is_unchanged(test_sets):
    differences, rows = test_sets
    np.testing.assert_allclose(pooled_by_user(differences[:1], rows[:1], 9)[rows[0]], differences[0])


def test_the_same_users_in_all_test_sets_do_not_count_as_more_users():
    one = np.random.default_rng(1).normal(0.3, 1, size=(40, 1))
    everyone = np.arange(40)
    four = pooled_by_user([one] * 4, [everyone] * 4, 40)
    alone, together, as_new_users = (compare(rows, 7) for rows in (one, four, np.vstack([one] * 4)))
    assert together.low == pytest.approx(alone.low)
    assert together.high == pytest.approx(alone.high)
    assert as_new_users.high - as_new_users.low < 0.7 * (together.high - together.low)
