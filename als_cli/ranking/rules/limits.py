"""Limits on the values of columns in a list: at most k items with the same value, at least m different values.

A list takes items in order of score and leaves out each item that a limit does not allow. With at least m different
values in n slots, at most n - m items may repeat a value that the list already has. Items without a value are never
limited by `at_most`. For `at_least` they count as repeats.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from als_cli.arrays import BoolArray, Int32Array, Int64Array
from als_cli.ranking.kernel_data import (
    PackedLimits,
    PackedState,
    frozen,
    packed_limits,
)

_SPARE = 2
"""Minimum number of items that a ranking gives beyond the free slots."""
_UNLIMITED = np.iinfo(np.int32).max


@dataclass(frozen=True)
class LimitedColumn:
    """A column of the items, and its limits."""

    name: str
    codes: Int32Array
    """(I,) number of the item's value, -1 without a value."""
    values: int
    """Number of different values."""
    at_most: int | None = None
    """Maximum number of items with the same value."""
    at_least: int = 0
    """Minimum number of different values."""


class ListLimits:
    """All limits of a list. Without columns, nothing is limited."""

    def __init__(self, columns: Sequence[LimitedColumn] = ()) -> None:
        """Assign a group to each value of each of `columns`."""
        self.columns = tuple(columns)
        sizes = [column.values + bool(column.at_least) for column in columns]
        self.first_groups: Int64Array = np.cumsum([0, *sizes], dtype=np.int64)
        """(columns + 1,) the first group of each column."""
        items = len(columns[0].codes) if columns else 0
        self.groups: Int32Array = np.full((items, len(columns)), -1, np.int32)
        """(I, columns) group of each item in each column, -1 without a group."""
        for number, column in enumerate(columns):
            codes = column.codes
            if column.at_least:  # items without a value share a group, because they count as repeats
                codes = np.where(codes < 0, column.values, codes)
            self.groups[:, number] = np.where(codes < 0, -1, codes + self.first_groups[number])

    @property
    def exchanges(self) -> bool:
        """Whether the top-N kernel applies the limits by itself. It can do so for one column without a minimum."""
        return len(self.columns) == 1 and not self.columns[0].at_least

    def spare(self, free: int) -> int:
        """Return how many items a ranking gives beyond the `free` slots of a list, because limits leave some out.

        Too many take time in each ranking, and too few lead to another ranking for some lists. With one item per value,
        lists leave out more items than with two or three.
        """
        if not self.columns:
            return 0
        is_tight = any(column.at_most == 1 for column in self.columns)
        return max(_SPARE, free // (2 if is_tight else 4))

    def bytes_per_user(self) -> int:
        """Return the memory of the state of one list."""
        return 5 * int(self.first_groups[-1])


class LimitState:
    """What the limits still allow in the lists of B users."""

    def __init__(self, limits: ListLimits, users: int, slots: int) -> None:
        """Begin with empty lists of `slots` slots for `users` users."""
        self._limits, self._is_untouched = limits, True
        varied = np.array([column.at_least > 0 for column in limits.columns], bool)
        shape = (users, int(limits.first_groups[-1]))
        self._state = state = PackedState(
            groups=frozen(limits.groups.reshape(-1)),
            free=np.empty(shape, np.int32),
            used=np.zeros(shape if varied.any() else (users, 0), np.uint8),
            repeats=np.empty((users, len(limits.columns)), np.int32),
            first_groups=frozen(limits.first_groups),
            varied=frozen(varied.astype(np.uint8)),
        )
        for number, column in enumerate(limits.columns):
            first, end = limits.first_groups[number : number + 2]
            state.free[:, first:end] = _UNLIMITED if column.at_most is None else column.at_most
            state.repeats[:, number] = slots - column.at_least
            if column.at_least:
                state.free[:, end - 1], state.used[:, end - 1] = _UNLIMITED, 1

    @property
    def packed(self) -> PackedState:
        """The state for kernels, which change it."""
        self._is_untouched = False
        return self._state

    def of(self, users: Int64Array, *, exchanges: bool) -> PackedLimits | None:
        """Return the limits of a ranking for `users` (M,), positions of users; None if nothing is limited.

        With `exchanges`, the ranking applies the limits by itself, which needs :attr:`ListLimits.exchanges`.
        """
        limits = self._limits
        if not limits.columns or (self._is_untouched and not exchanges):
            return None  # no group is full yet
        return packed_limits(limits.groups, self._state.free[users], exchanges=exchanges)

    def allows(self, item_row: int) -> BoolArray:
        """Return whether each list may take item `item_row`, (B,)."""
        state, allowed = self._state, np.ones(len(self._state.free), bool)
        for number, group in enumerate(self._limits.groups[item_row] if self._limits.columns else ()):
            if group >= 0:
                allowed &= state.free[:, group] > 0
                if state.varied[number]:
                    allowed &= (state.used[:, group] == 0) | (state.repeats[:, number] > 0)
        return allowed

    def take_one(self, item_row: int, lists: BoolArray) -> None:
        """Count item `item_row` in `lists` (B,)."""
        state, self._is_untouched = self._state, False
        for number, group in enumerate(self._limits.groups[item_row] if self._limits.columns else ()):
            if group >= 0:
                state.free[lists, group] -= 1
                if state.varied[number]:
                    state.repeats[lists, number] -= state.used[lists, group]
                    state.used[lists, group] = 1
                    self._close_groups(lists, number)

    def _close_groups(self, lists: BoolArray, number: int) -> None:
        """Leave no free slot to the values that a list has, if it needs other values only."""
        state, groups = self._state, slice(*self._limits.first_groups[number : number + 2])
        exhausted = lists & (state.repeats[:, number] <= 0)
        if exhausted.any():
            closed = exhausted[:, None] & (state.used[:, groups] > 0)
            state.free[:, groups][closed] = 0
