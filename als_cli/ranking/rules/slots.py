"""The slots of the lists of a block of users, with the source of each."""

import numpy as np

from als_cli.arrays import BoolArray, Int8Array, Int64Array
from als_cli.ranking.top_n import TopN


class Slots:
    """B lists with n slots each, empty at first."""

    def __init__(self, users: int, slots: int) -> None:
        self._top = TopN.unfilled(users, slots)
        self._sources: Int8Array = np.full((users, slots), -1, np.int8)
        self._is_untouched = True

    @property
    def slots(self) -> int:
        """Number of slots of each list."""
        return int(self._top.item_rows.shape[1])

    @property
    def free(self) -> Int64Array:
        """(B,) number of empty slots."""
        return np.asarray((self._top.item_rows < 0).sum(axis=1), np.int64)

    def put(self, found: TopN, positions: Int64Array, source: int) -> None:
        """Put item k of each list of `found` (B, k) at positions[k]; a missing item leaves its position empty."""
        count, self._is_untouched = len(positions), False
        self._top.item_rows[:, positions] = found.item_rows[:, :count]
        self._top.scores[:, positions] = found.scores[:, :count]
        self._sources[:, positions] = np.where(found.item_rows[:, :count] >= 0, source, -1)

    def fill(self, found: TopN, sources: Int8Array, reserved: Int64Array | None = None) -> None:
        """Put the items of `found` (B, m) into the empty slots, in order; `sources` (B,) is the source of each user.

        Slots at the positions `reserved` stay empty.
        """
        if self._is_untouched and reserved is None and found.item_rows.shape[1] == self.slots:
            self._top, self._is_untouched = found, False
            self._sources = np.where(found.filled, sources[:, None], np.int8(-1))
            return
        empty = self._top.item_rows < 0
        if reserved is not None:
            empty[:, reserved] = False
        order = np.cumsum(empty, axis=1) - 1
        counts = found.filled.sum(axis=1)
        users, slots = np.nonzero(empty & (order < counts[:, None]))
        places = order[users, slots]
        self._top.item_rows[users, slots] = found.item_rows[users, places]
        self._top.scores[users, slots] = found.scores[users, places]
        self._sources[users, slots] = sources[users]
        self._is_untouched = False

    def closed_up(self) -> tuple[TopN, Int8Array]:
        """Return the lists and the source of each slot (-1: empty), without empty slots before filled ones."""
        filled: BoolArray = self._top.filled
        if (filled[:, 1:] <= filled[:, :-1]).all():
            return self._top, self._sources
        order = np.argsort(~filled, axis=1, kind="stable")
        rows = np.take_along_axis(self._top.item_rows, order, 1)
        scores = np.take_along_axis(self._top.scores, order, 1)
        return TopN(rows, scores), np.take_along_axis(self._sources, order, 1)
