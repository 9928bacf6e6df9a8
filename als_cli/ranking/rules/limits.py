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
        """Return the memory for a list that needs another ranking: a number per group."""
        return 4 * int(self.first_groups[-1])


class LimitState:
    """The items that count in the lists of B users, and what the limits still allow."""

    def __init__(self, limits: ListLimits, users: int, slots: int) -> None:
        """Begin with empty lists of `slots` slots for `users` users."""
        self._limits, self._is_untouched = limits, True
        columns = limits.columns
        shared = [
            end - 1 if column.at_least else -1
            for column, end in zip(columns, limits.first_groups[1:], strict=True)
        ]
        most = [_UNLIMITED if column.at_most is None else column.at_most for column in columns]
        repeats = np.array([slots - column.at_least for column in columns], np.int32)
        self._state = PackedState(
            groups=frozen(limits.groups.reshape(-1)),
            at_most=frozen(np.array(most, np.int32)),
            varied=frozen(np.array([column.at_least > 0 for column in columns], np.uint8)),
            shared=frozen(np.array(shared, np.int32)),
            rows=np.empty((users, slots), np.int32),
            filled=np.zeros(users, np.int64),
            repeats=np.repeat(repeats[None, :], users, axis=0),
        )

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
        if not limits.columns:
            return None
        if self._is_untouched and not exchanges:
            return None  # no group is full yet
        free = self._free_at_first() if self._is_untouched else self._free(users)
        return packed_limits(limits.groups, free, exchanges=exchanges)

    def _free_at_first(self) -> Int32Array:
        """Return the slots that each group may take in an empty list, (G,)."""
        state, first = self._state, self._limits.first_groups
        free: Int32Array = np.repeat(state.at_most, np.diff(first))
        free[state.shared[state.shared >= 0]] = _UNLIMITED
        return free

    def _free(self, users: Int64Array) -> Int32Array:
        """Return the slots that each group may still take in the lists of `users` (M,): (M, G)."""
        state = self._state
        free = np.repeat(self._free_at_first()[None, :], len(users), axis=0)
        lists, places = np.nonzero(np.arange(state.rows.shape[1]) < state.filled[users, None])
        rows = state.rows[users[lists], places]
        for number in range(len(self._limits.columns)):
            groups = self._limits.groups[rows, number]
            counted = (groups >= 0) & (groups != state.shared[number])
            np.subtract.at(free, (lists[counted], groups[counted]), 1)
            if state.varied[
                number
            ]:  # a list that needs other values only has no free slot for the values that it has
                closed = state.repeats[users, number] <= 0
                free[closed, state.shared[number]] = 0
                counted &= closed[lists]
                free[lists[counted], groups[counted]] = 0
        return free

    def allows(self, item_row: int) -> BoolArray:
        """Return whether each list may take item `item_row`, (B,)."""
        state, allowed = self._state, np.ones(len(self._state.filled), bool)
        for number, group in enumerate(self._groups_of(item_row)):
            if group >= 0:
                slots, is_shared = self._slots_of(number, group), group == state.shared[number]
                if not is_shared:
                    allowed &= slots < state.at_most[number]
                if state.varied[number]:
                    allowed &= ~((slots > 0) | is_shared) | (state.repeats[:, number] > 0)
        return allowed

    def take_one(self, item_row: int, lists: BoolArray) -> None:
        """Count item `item_row` in `lists` (B,)."""
        state, self._is_untouched = self._state, False
        for number, group in enumerate(self._groups_of(item_row)):
            if group >= 0 and state.varied[number]:
                is_repeat = (self._slots_of(number, group) > 0) | (group == state.shared[number])
                state.repeats[:, number] -= lists & is_repeat
        users = np.flatnonzero(lists)
        state.rows[users, state.filled[users]] = item_row
        state.filled[users] += 1

    def _groups_of(self, item_row: int) -> Int32Array:
        """Return the group of an item in each column."""
        return self._limits.groups[item_row] if self._limits.columns else np.empty(0, np.int32)

    def _slots_of(self, column: int, group: int) -> Int64Array:
        """Return how many items of each list have `group` in a column, (B,)."""
        state = self._state
        longest = int(state.filled.max(initial=0))
        is_filled = np.arange(longest) < state.filled[:, None]
        rows = np.where(is_filled, state.rows[:, :longest], 0)
        has_group = is_filled & (self._limits.groups[rows, column] == group)
        return np.asarray(has_group.sum(axis=1), np.int64)
