"""Thirds of users by history length, against sorting and counting."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from als_cli.evaluation.cohorts import cohorts_of

lengths = st.lists(st.integers(1, 12), min_size=1, max_size=40)


def thirds(values):
    """The lengths at which a third, and two thirds, of the users are reached."""
    ranked = sorted(values)
    return tuple(ranked[-(-len(ranked) * part // 3) - 1] for part in (1, 2))


@given(lengths)
def test_users_stand_in_the_third_of_their_length(values):
    first, second = thirds(values)
    expected = {"new": [], "light": [], "heavy": []}
    for user, length in enumerate(values):
        expected["new" if length <= first else "light" if length <= second else "heavy"].append(user)
    found = cohorts_of(np.array(values))
    assert {one.name: one.users.tolist() for one in found} == {
        name: users for name, users in expected.items() if users
    }
    for one in found:
        own = [values[user] for user in one.users]
        assert (one.fewest, one.most) == (min(own), max(own))


def test_nine_different_lengths_are_three_threes():
    found = cohorts_of(np.array([9, 1, 8, 2, 7, 3, 6, 4, 5]))
    assert [(one.name, one.fewest, one.most) for one in found] == [
        ("new", 1, 3),
        ("light", 4, 6),
        ("heavy", 7, 9),
    ]


def test_users_alike_are_one_cohort():
    assert [(one.name, len(one.users)) for one in cohorts_of(np.array([4, 4, 4]))] == [("new", 3)]
