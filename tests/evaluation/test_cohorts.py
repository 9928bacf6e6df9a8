"""Cohorts, compared with sorting and counting."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from als_cli.evaluation.cohorts import history_cohorts, popularity_cohorts, value_cohorts

lengths = st.lists(st.integers(1, 12), min_size=1, max_size=40)


def thirds(values):
    """Return the lengths that a third and two thirds of the users do not exceed."""
    ranked = sorted(values)
    return tuple(ranked[-(-len(ranked) * part // 3) - 1] for part in (1, 2))


def shown(cohorts):
    return {one.name: one.members.tolist() for one in cohorts}


@given(lengths)
def test_users_are_in_the_third_of_their_length(values):
    first, second = thirds(values)
    expected = {"new": [], "light": [], "heavy": []}
    for user, length in enumerate(values):
        expected["new" if length <= first else "light" if length <= second else "heavy"].append(user)
    found = history_cohorts(np.array(values))
    assert shown(found) == {name: users for name, users in expected.items() if users}
    for one in found:
        own = [values[user] for user in one.members]
        assert (one.minimum, one.maximum) == (min(own), max(own))


def test_nine_different_lengths_are_three_threes():
    found = history_cohorts(np.array([9, 1, 8, 2, 7, 3, 6, 4, 5]))
    assert [(one.name, one.minimum, one.maximum) for one in found] == [
        ("new", 1, 3),
        ("light", 4, 6),
        ("heavy", 7, 9),
    ]


def test_users_with_equal_lengths_are_one_cohort():
    assert [(one.name, len(one.members)) for one in history_cohorts(np.array([4, 4, 4]))] == [("new", 3)]


@given(lengths)
def test_items_are_in_the_third_of_the_interactions_that_they_reach(values):
    """Add up from the most popular item: a third ends with the popularity of the item that reaches it."""
    total, reached, ends = sum(values), 0, []
    for count in sorted(values, reverse=True):
        reached += count
        while len(ends) < 2 and 3 * reached >= (len(ends) + 1) * total:
            ends.append(count)
    expected = {"head": [], "middle": [], "tail": []}
    for item, count in enumerate(values):
        expected["head" if count >= ends[0] else "middle" if count >= ends[1] else "tail"].append(item)
    found = popularity_cohorts(np.array(values))
    assert shown(found) == {name: items for name, items in expected.items() if items}
    for one in found:
        own = [values[item] for item in one.members]
        assert (one.minimum, one.maximum) == (min(own), max(own))


def test_one_bestseller_is_the_head_and_many_slow_sellers_are_the_tail():
    found = popularity_cohorts(np.array([1, 10, 1, 5, 5, 2, 2, 2, 2]))
    assert shown(found) == {"head": [1], "middle": [3, 4], "tail": [0, 2, 5, 6, 7, 8]}


def test_equally_popular_items_are_one_cohort():
    assert shown(popularity_cohorts(np.array([7, 7, 7]))) == {"head": [0, 1, 2]}


@given(st.lists(st.sampled_from([None, "other", "unknown", *(f"v{n}" for n in range(25))]), max_size=120))
def test_the_most_frequent_values_are_cohorts_and_the_rest_is_other(values):
    frequency = {value: values.count(value) for value in set(values) - {None, "other", "unknown"}}
    largest = sorted(frequency, key=lambda value: (-frequency[value], value))[:20]
    expected = {name: [] for name in (*largest, "other", "unknown")}
    for position, value in enumerate(values):
        name = "unknown" if value in (None, "unknown") else value if value in largest else "other"
        expected[name].append(position)
    found = value_cohorts(values, np.arange(len(values)))
    assert list(shown(found).items()) == [(name, members) for name, members in expected.items() if members]
    assert all((one.minimum, one.maximum) == (one.members[0], one.members[-1]) for one in found)
