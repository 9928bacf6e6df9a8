"""Limits on the values of columns in a list, for kernels: where an item may enter a list, and counting of items."""

from als_cli.als.kernels.compiling import pasted
from als_cli.arrays import Float32Array, Int32Array
from als_cli.ranking.kernel_data import PackedLimits, PackedState
from als_cli.ranking.kernel_heap import is_worse

ANYWHERE, NOWHERE = -1, -2


@pasted
def place_within(
    limits: PackedLimits, user: int, row: int, rows: Int32Array, scores: Float32Array, filled: int
) -> int:
    """Return where item `row` may enter a list: ANYWHERE, NOWHERE, or the place of the worst item of its full group."""
    for column in range(limits.columns):
        group = limits.groups[row * limits.columns + column]
        if group >= 0 and limits.free[user * limits.stride + group] <= 0:
            return NOWHERE
    if limits.exchanges == 0 or limits.groups[row] < 0:
        return ANYWHERE
    group, worst = limits.groups[row], ANYWHERE
    free = limits.free[user * limits.stride + group]
    for place in range(filled):
        if limits.groups[rows[place]] == group:
            free -= 1
            if worst < 0 or is_worse(scores[place], rows[place], scores[worst], rows[worst]):
                worst = place
    return worst if free <= 0 else ANYWHERE


@pasted
def may_take(state: PackedState, user: int, row: int) -> bool:
    """Return whether the limits allow item `row` in the list of a user."""
    columns = state.varied.shape[0]
    for column in range(columns):
        group = state.groups[row * columns + column]
        if group >= 0:
            if state.free[user, group] <= 0:
                return False
            if state.varied[column] and state.used[user, group] and state.repeats[user, column] <= 0:
                return False
    return True


@pasted
def take(state: PackedState, user: int, row: int) -> None:
    """Count item `row` in the list of a user."""
    columns = state.varied.shape[0]
    for column in range(columns):
        group = state.groups[row * columns + column]
        if group >= 0:
            state.free[user, group] -= 1
            if state.varied[column]:
                state.repeats[user, column] -= state.used[user, group]
                state.used[user, group] = 1


@pasted
def close_groups(state: PackedState, user: int) -> None:
    """Leave no free slot to the groups that the list has, in columns of which it needs other values only."""
    for column in range(state.varied.shape[0]):
        if state.varied[column] and state.repeats[user, column] <= 0:
            for group in range(state.first_groups[column], state.first_groups[column + 1]):
                if state.used[user, group]:
                    state.free[user, group] = 0
