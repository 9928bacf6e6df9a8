"""The slots of the lists of a block of users, with the source of each."""

from dataclasses import dataclass

import numpy as np

from als_cli.arrays import BoolArray, Int8Array, Int64Array
from als_cli.ranking.lists import SOURCES
from als_cli.ranking.top_n import TopN

_MODEL = [SOURCES.index(name) for name in ("als", "fold_in")]


@dataclass(frozen=True)
class FilledSlots:
    """B lists with n slots each. In each list, filled slots come first."""

    top: TopN
    sources: Int8Array
    """(B, n) position in SOURCES of the source of each slot, -1 for empty slots."""
    by_model: BoolArray
    """(B, n) whether the score of the slot is that of the model."""


class Slots:
    """B lists with n slots each, empty at first."""

    def __init__(self, users: int, slots: int) -> None:
        self._top = TopN.unfilled(users, slots)
        self._sources: Int8Array = np.full((users, slots), -1, np.int8)
        self._by_model: BoolArray = np.zeros((users, slots), bool)
        self._is_untouched = True

    @property
    def slots(self) -> int:
        """Number of slots of each list."""
        return int(self._top.item_rows.shape[1])

    @property
    def free(self) -> Int64Array:
        """(B,) number of empty slots."""
        return np.asarray((self._top.item_rows < 0).sum(axis=1), np.int64)

    def put(self, found: TopN, positions: Int64Array, source: int, by_model: BoolArray) -> None:
        """Put item k of each list of `found` (B, k) at positions[k]; a missing item leaves its position empty.

        `by_model` (B, k) says whether the score of an item is that of the model.
        """
        count, self._is_untouched = len(positions), False
        self._top.item_rows[:, positions] = found.item_rows[:, :count]
        self._top.scores[:, positions] = found.scores[:, :count]
        filled = found.item_rows[:, :count] >= 0
        self._sources[:, positions] = np.where(filled, source, -1)
        self._by_model[:, positions] = filled & by_model[:, :count]

    def fill(self, found: TopN, sources: Int8Array, reserved: Int64Array | None = None) -> None:
        """Put the items of `found` (B, m) into the empty slots, in order; `sources` (B,) is the source of each user.

        Slots at the positions `reserved` stay empty.
        """
        if self._is_untouched and reserved is None and found.item_rows.shape[1] == self.slots:
            self._top, self._is_untouched = found, False
            self._sources = np.where(found.filled, sources[:, None], np.int8(-1))
            self._by_model = found.filled & _is_model(sources)[:, None]
            return
        empty = self._top.item_rows < 0
        if reserved is not None:
            empty[:, reserved] = False
        order = np.cumsum(empty, axis=1) - 1
        counts = found.filled.sum(axis=1)
        # Flat positions take half the time of pairs of positions.
        places = np.flatnonzero(empty & (order < counts[:, None]))
        users = places // self.slots
        taken = users * found.item_rows.shape[1] + order.take(places)
        np.put(self._top.item_rows, places, found.item_rows.take(taken))
        np.put(self._top.scores, places, found.scores.take(taken))
        np.put(self._sources, places, sources[users])
        np.put(self._by_model, places, _is_model(sources)[users])
        self._is_untouched = False

    def closed_up(self) -> "FilledSlots":
        """Return the lists without empty slots before filled ones."""
        filled: BoolArray = self._top.filled
        if (filled[:, 1:] <= filled[:, :-1]).all():
            return FilledSlots(self._top, self._sources, self._by_model)
        order = np.argsort(~filled, axis=1, kind="stable")
        rows = np.take_along_axis(self._top.item_rows, order, 1)
        scores = np.take_along_axis(self._top.scores, order, 1)
        by_model = np.take_along_axis(self._by_model, order, 1)
        return FilledSlots(TopN(rows, scores), np.take_along_axis(self._sources, order, 1), by_model)


def _is_model(sources: Int8Array) -> BoolArray:
    return np.isin(sources, _MODEL)
