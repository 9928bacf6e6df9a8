"""Pooled differences: a row per person, whose mean is the mean over the parts."""

import numpy as np
import pytest

from als_cli.evaluation.pooling import pooled_by_user
from als_cli.evaluation.significance import compare


@pytest.fixture
def parts():
    generator = np.random.default_rng(4)
    rows = [generator.permutation(9)[:size] for size in (9, 4, 6)]
    return [generator.normal(size=(len(one), 2)) for one in rows], rows


def test_the_mean_over_users_is_the_mean_over_parts(parts):
    differences, rows = parts
    pooled = pooled_by_user(differences, rows, 9)
    expected = np.mean([one.mean(axis=0) for one in differences], axis=0)
    np.testing.assert_allclose(pooled.mean(axis=0), expected, atol=1e-12)


def test_each_row_is_what_the_user_brought_to_all_parts(parts):
    differences, rows = parts
    pooled = pooled_by_user(differences, rows, 9)
    for user in range(9):
        brought = np.zeros(2)
        for part, members in zip(differences, rows, strict=True):
            for member, values in zip(members, part, strict=True):
                if member == user:
                    brought += values / len(members)
        np.testing.assert_allclose(pooled[user], brought * 9 / 3, atol=1e-12)


def test_a_single_part_stays_as_it_is(parts):
    differences, rows = parts
    np.testing.assert_allclose(pooled_by_user(differences[:1], rows[:1], 9)[rows[0]], differences[0])


def test_the_same_people_in_every_part_are_not_more_people():
    one = np.random.default_rng(1).normal(0.3, 1, size=(40, 1))
    everyone = np.arange(40)
    four = pooled_by_user([one] * 4, [everyone] * 4, 40)
    alone, together, as_if_new = (compare(rows, 7) for rows in (one, four, np.vstack([one] * 4)))
    assert together.low == pytest.approx(alone.low)
    assert together.high == pytest.approx(alone.high)
    assert as_if_new.high - as_if_new.low < 0.7 * (together.high - together.low)
