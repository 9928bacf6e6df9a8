"""Users by the length of their history: the mean over all hides who is served well and who is not."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CountArray = npt.NDArray[np.int64]

COHORTS = ("new", "light", "heavy")
"""Names of the thirds, by rising length of the history."""


@dataclass(frozen=True)
class Cohort:
    """Test users whose histories are about as long."""

    name: str
    users: npt.NDArray[np.int64]
    """Their positions among the test users, ascending; never empty."""
    fewest: int
    """Items in the shortest of their histories."""
    most: int
    """Items in the longest."""


def cohorts_of(history_lengths: CountArray) -> tuple[Cohort, ...]:
    """Return thirds of the users by `history_lengths` (T,), shortest first; equal lengths are never divided.

    A third ends with the length that its last user has, so cohorts differ in size where many lengths are equal, and
    those without any user are left out.
    """
    first, second = np.quantile(history_lengths, [1 / 3, 2 / 3], method="inverted_cdf")
    third = (history_lengths > first).astype(np.int64) + (history_lengths > second)
    members = [np.flatnonzero(third == place) for place in range(len(COHORTS))]
    return tuple(
        Cohort(name, users, int(history_lengths[users].min()), int(history_lengths[users].max()))
        for name, users in zip(COHORTS, members, strict=True)
        if len(users)
    )
