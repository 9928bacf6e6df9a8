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
def _slots_of(state: PackedState, user: int, column: int, group: int) -> int:
    """Return how many items of the list have `group` in a column."""
    columns, slots = state.at_most.shape[0], 0
    for place in range(state.filled[user]):
        if state.groups[state.rows[user, place] * columns + column] == group:
            slots += 1
    return slots


@pasted
def may_take(state: PackedState, user: int, row: int) -> bool:
    """Return whether the limits allow item `row` in the list of a user."""
    columns = state.at_most.shape[0]
    for column in range(columns):
        group = state.groups[row * columns + column]
        if group >= 0:
            is_shared, slots = group == state.shared[column], _slots_of(state, user, column, group)
            if not is_shared and slots >= state.at_most[column]:
                return False
            if state.varied[column] and (is_shared or slots > 0) and state.repeats[user, column] <= 0:
                return False
    return True


@pasted
def take(state: PackedState, user: int, row: int) -> None:
    """Count item `row` in the list of a user."""
    columns = state.at_most.shape[0]
    for column in range(columns):
        group = state.groups[row * columns + column]
        is_varied = group >= 0 and state.varied[column]
        if is_varied and (group == state.shared[column] or _slots_of(state, user, column, group) > 0):
            state.repeats[user, column] -= 1
    state.rows[user, state.filled[user]] = row
    state.filled[user] += 1
