"""Cohorts: users by length of history, items by popularity, users or items by a value from a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from als_cli.arrays import Int64Array

HISTORY_COHORTS = ("new", "light", "heavy")
"""Thirds of the users, by increasing length of history."""
POPULARITY_COHORTS = ("head", "middle", "tail")
"""Thirds of the interactions, by decreasing popularity of the items."""
MAXIMUM_VALUES = 20
"""Maximum number of values of a column that have their own cohort."""
OTHER, UNKNOWN = "other", "unknown"
"""Cohorts of the less frequent values, and of users or items without a value."""


@dataclass(frozen=True)
class Cohort:
    """A group of test users or of training items."""

    name: str
    members: Int64Array
    """(N,) positions among the test users or the training items, ascending, N at least 1."""
    minimum: int
    """Minimum number of interactions of a member: items in the history of a user, or training users of an item."""
    maximum: int
    """Maximum number of interactions of a member."""


def history_cohorts(history_lengths: Int64Array) -> tuple[Cohort, ...]:
    """Return thirds of the users by `history_lengths` (T,), shortest first. Users with equal lengths stay together.

    A third ends with the length of its last user. Cohorts therefore differ in size if many lengths are equal. Empty
    cohorts are left out.
    """
    first, second = np.quantile(history_lengths, [1 / 3, 2 / 3], method="inverted_cdf")
    third = (history_lengths > first).astype(np.int64) + (history_lengths > second)
    return _cohorts(HISTORY_COHORTS, third, history_lengths)


def popularity_cohorts(interactions: Int64Array) -> tuple[Cohort, ...]:
    """Return items with a third of all `interactions` (I,) each, most popular first. Equally popular items stay together.

    A third ends with the popularity of the item that reaches it. Empty cohorts are left out.
    """
    descending = np.sort(interactions)[::-1]
    summed = np.cumsum(descending)
    first, second = (descending[np.searchsorted(3 * summed, third * summed[-1])] for third in (1, 2))
    third = (interactions < first).astype(np.int64) + (interactions < second)
    return _cohorts(POPULARITY_COHORTS, third, interactions)


def value_cohorts(values: Sequence[str | None], interactions: Int64Array) -> tuple[Cohort, ...]:
    """Return a cohort per value of `values` (N,), most frequent first, then OTHER, then UNKNOWN (value None).

    The MAXIMUM_VALUES most frequent values have their own cohort. Of equally frequent values, the smaller text comes
    first. Empty cohorts are left out. A value with the name of OTHER or UNKNOWN belongs to that cohort. `interactions`
    (N,) are the numbers of interactions of each user or item.
    """
    found = Counter(UNKNOWN if value is None else value for value in values)
    named = sorted(found.keys() - {OTHER, UNKNOWN}, key=lambda value: (-found[value], value))[:MAXIMUM_VALUES]
    names = (*named, OTHER, UNKNOWN)
    number_of = {name: number for number, name in enumerate(names)}
    numbers = [
        number_of[UNKNOWN] if value is None else number_of.get(value, number_of[OTHER]) for value in values
    ]
    return _cohorts(names, np.array(numbers, dtype=np.int64), interactions)


def _cohorts(names: Sequence[str], numbers: Int64Array, interactions: Int64Array) -> tuple[Cohort, ...]:
    """Return the cohorts that are not empty; `numbers` (N,) are the positions in `names` of each member's cohort."""
    order = np.argsort(numbers, kind="stable")
    ends = np.cumsum(np.bincount(numbers, minlength=len(names)))
    members = np.split(order, ends[:-1])
    return tuple(
        Cohort(name, of_name, int(interactions[of_name].min()), int(interactions[of_name].max()))
        for name, of_name in zip(names, members, strict=True)
        if len(of_name)
    )
