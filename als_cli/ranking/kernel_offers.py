"""Taking of offered items in order, compiled: each item that the limits allow, until a list is full."""

from als_cli.arrays import BoolArray, Int64Array
from als_cli.ranking.kernel_data import PackedLists, PackedOffers, PackedState
from als_cli.ranking.kernel_limits import may_take, take


def take_offers(
    offers: PackedOffers,
    state: PackedState,
    lists: PackedLists,
    wanted: Int64Array,
    is_done: BoolArray,
) -> None:
    """Append the offers, in order, to the lists that may take them, up to `wanted` (B,) items in the list of a user.

    `is_done` (B,) is set for users that are offered no more, or whose list has all wanted items.
    """
    for i in range(offers.users.shape[0]):
        user = offers.users[i]
        for j in range(offers.rows.shape[1]):
            row, score = offers.rows[i, j], offers.scores[i, j]
            if lists.filled[user] >= wanted[user]:
                break
            if row < 0 or score < offers.minimum:
                is_done[user] = True
                break
            if may_take(state, user, row):
                take(state, user, row)
                lists.rows[user, lists.filled[user]] = row
                lists.scores[user, lists.filled[user]] = score
                lists.filled[user] += 1
        is_done[user] = is_done[user] or lists.filled[user] >= wanted[user]
