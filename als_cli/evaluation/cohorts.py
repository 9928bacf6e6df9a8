"""Users by the length of their history, items by their popularity, both by a value: a mean over all hides who is served well."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from als_cli.arrays import Int64Array

HISTORY_COHORTS = ("new", "light", "heavy")
"""Names of the thirds of users, by rising length of the history."""
POPULARITY_COHORTS = ("head", "middle", "tail")
"""Names of the thirds of the interactions, by falling popularity of their items."""
LARGEST_VALUES = 20
"""Values of a column that are a cohort each."""
OTHER, UNKNOWN = "other", "unknown"
"""Cohorts of all less frequent values, and of those without any."""


@dataclass(frozen=True)
class Cohort:
    """Test users, or training items, that have something in common."""

    name: str
    members: Int64Array
    """Their positions among the test users, or the training items, ascending; never empty."""
    minimum: int
    """Interactions of the one that has minimum: items in a user's history, training users of an item."""
    maximum: int
    """Interactions of the one that has most."""


def history_cohorts(history_lengths: Int64Array) -> tuple[Cohort, ...]:
    """Return thirds of the users by `history_lengths` (T,), shortest first; equal lengths are never divided.

    A third ends with the length that its last user has, so cohorts differ in size where many lengths are equal, and
    those without any user are left out.
    """
    first, second = np.quantile(history_lengths, [1 / 3, 2 / 3], method="inverted_cdf")
    third = (history_lengths > first).astype(np.int64) + (history_lengths > second)
    return _cohorts(HISTORY_COHORTS, third, history_lengths)


def popularity_cohorts(interactions: Int64Array) -> tuple[Cohort, ...]:
    """Return the items that hold a third of all `interactions` (I,) each, the most popular first; equal ones are never divided.

    A third ends with the popularity of the item with which it is reached, so one without any item is left out.
    """
    falling = np.sort(interactions)[::-1]
    reached = np.cumsum(falling)
    first, second = (falling[np.searchsorted(3 * reached, part * reached[-1])] for part in (1, 2))
    third = (interactions < first).astype(np.int64) + (interactions < second)
    return _cohorts(POPULARITY_COHORTS, third, interactions)


def value_cohorts(values: Sequence[str | None], interactions: Int64Array) -> tuple[Cohort, ...]:
    """Return a cohort per value of `values` (N,), the most frequent first, then OTHER, then UNKNOWN (None).

    The LARGEST_VALUES most frequent have their own, of equally frequent ones the smaller text; those without any
    member are left out. A value that is named like OTHER or UNKNOWN joins them. `interactions` (N,) are those of
    each user or item.
    """
    found = Counter(UNKNOWN if value is None else value for value in values)
    named = sorted(found.keys() - {OTHER, UNKNOWN}, key=lambda value: (-found[value], value))[:LARGEST_VALUES]
    names = (*named, OTHER, UNKNOWN)
    place_of = {name: place for place, name in enumerate(names)}
    places = [
        place_of[UNKNOWN] if value is None else place_of.get(value, place_of[OTHER]) for value in values
    ]
    return _cohorts(names, np.array(places, dtype=np.int64), interactions)


def _cohorts(names: Sequence[str], places: Int64Array, interactions: Int64Array) -> tuple[Cohort, ...]:
    """Return the cohorts that have members: the one of name n has those whose place is n's."""
    order = np.argsort(places, kind="stable")
    ends = np.cumsum(np.bincount(places, minlength=len(names)))
    members = np.split(order, ends[:-1])
    return tuple(
        Cohort(name, of_name, int(interactions[of_name].min()), int(interactions[of_name].max()))
        for name, of_name in zip(names, members, strict=True)
        if len(of_name)
    )
