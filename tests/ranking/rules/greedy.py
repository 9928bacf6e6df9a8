"""Lists under rules by definition: go through all items in order of score, and take each item that the rules allow."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from als_cli.ranking.rules.limits import LimitedColumn


@dataclass
class Greedy:
    """The list of one user while items are added to it."""

    slots: int
    columns: list[LimitedColumn]
    chosen: list[int] = field(default_factory=list)

    def allows(self, item: int) -> bool:
        """Return whether `item` may be added."""
        return item not in self.chosen and all(self._fits(column, item) for column in self.columns)

    def _fits(self, column: LimitedColumn, item: int) -> bool:
        code, values = column.codes[item], Counter(int(column.codes[i]) for i in self.chosen)
        if code >= 0 and column.at_most is not None and values[code] >= column.at_most:
            return False
        if column.at_least and (code < 0 or values[code]):
            different = len([value for value in values if value >= 0])
            repeats = len(self.chosen) - different
            return repeats < self.slots - column.at_least
        return True

    def add_best(
        self, scores: np.ndarray, wanted: int, excluded: set[int], minimum: float = -np.inf
    ) -> list[int]:
        """Add up to `wanted` items in order of score, and return them."""
        added: list[int] = []
        for item in sorted(range(len(scores)), key=lambda i: (-scores[i], i)):
            if len(added) == wanted or scores[item] < minimum:
                break
            if item not in excluded and np.isfinite(scores[item]) and self.allows(item):
                self.chosen.append(item)
                added.append(item)
        return added

    def add_in_order(self, items: list[int], wanted: int, excluded: set[int]) -> list[int]:
        """Add the first `wanted` of `items` that may be added, and return them."""
        added: list[int] = []
        for item in items:
            if len(added) < wanted and item not in excluded and self.allows(item):
                self.chosen.append(item)
                added.append(item)
        return added
