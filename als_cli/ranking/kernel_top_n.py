"""Compiled top-N: a matrix product whose tiles are compared with the n-th best score of each user in registers.

Only items that may enter a list are scored again by definition: a float64 sum, rounded to float32. A list therefore
depends on its user only. Importing this module compiles it, once per machine.
"""

import numpy as np

from als_cli.als.kernels.compiling import inlined, pasted
from als_cli.als.kernels.vectors import lanes_not_below, load, lowest_bit, multiply_add, spread, store
from als_cli.arrays import Float32Array
from als_cli.ranking.kernel_data import (
    GROUP,
    PANEL,
    CandidateRows,
    PackedAudience,
    PackedItems,
    PackedLists,
    PackedUsers,
    Scratch,
)
from als_cli.ranking.kernel_heap import append, is_worse, replace, sort_best_first
from als_cli.ranking.kernel_limits import NOWHERE, place_within

_PANELS_TOGETHER = 16
"""Panels that stay in cache while the kernel goes through all users of a call."""


@pasted
def _score(audience: PackedUsers, user: int, catalogue: PackedItems, position: int) -> np.float32:
    """Return the dot product of a user's and an item's factors, summed in float64."""
    size = audience.factors.shape[0] // audience.lengths.shape[0]
    a = audience.factors[user * size : (user + 1) * size]
    b = catalogue.factors[position * size : (position + 1) * size]
    total = 0.0
    for k in range(size):
        total += np.float64(a[k]) * np.float64(b[k])
    return np.float32(total)


@pasted
def _is_seen(audience: PackedUsers, user: int, row: int) -> bool:
    """Return whether `row` is among the user's seen items, which are in ascending order."""
    low, high = audience.seen_indptr[user], audience.seen_indptr[user + 1]
    while low < high:
        middle = (low + high) >> 1
        if audience.seen[middle] < row:
            low = middle + 1
        else:
            high = middle
    return bool(low < audience.seen_indptr[user + 1] and audience.seen[low] == row)


@inlined
def _offer(users: PackedUsers, catalogue: PackedItems, lists: PackedLists, user: int, position: int) -> None:
    """Add an item to the user's list if it is among the n best so far and not seen."""
    row, score = catalogue.order[position], _score(users, user, catalogue, position)
    rows, scores, filled = lists.rows[user], lists.scores[user], lists.filled[user]
    is_full = filled == rows.shape[0]
    if not np.isfinite(score) or (is_full and not is_worse(scores[0], rows[0], score, row)):
        return
    if _is_seen(users, user, row):
        return
    if is_full:
        replace(rows, scores, filled, 0, row, score)
    else:
        append(rows, scores, filled, row, score)
        lists.filled[user] = filled + 1


@inlined
def _offer_within(
    audience: PackedAudience, catalogue: PackedItems, lists: PackedLists, user: int, position: int
) -> None:
    """Add an item as `_offer` does, if the limits of the list allow it.

    An item of a full group replaces the worst item of this group. Such exchanges lead to the same list as taking all
    items in order of score, because limits on one column and on the length of the list form a matroid (Edmonds 1971).
    """
    row = catalogue.order[position]
    score = _score(audience.users, user, catalogue, position)
    rows, scores, filled = lists.rows[user], lists.scores[user], lists.filled[user]
    is_full = filled == rows.shape[0]
    if not np.isfinite(score) or (is_full and not is_worse(scores[0], rows[0], score, row)):
        return
    if _is_seen(audience.users, user, row):
        return
    place = place_within(audience.limits, user, row, rows, scores, filled)
    if place == NOWHERE:
        return
    if place >= 0:
        if is_worse(scores[place], rows[place], score, row):
            replace(rows, scores, filled, place, row, score)
    elif is_full:
        replace(rows, scores, filled, 0, row, score)
    else:
        append(rows, scores, filled, row, score)
        lists.filled[user] = filled + 1


@pasted
def _offer_any(
    audience: PackedAudience, catalogue: PackedItems, lists: PackedLists, user: int, position: int
) -> None:
    """Offer an item, with the limits of the list if there are any. Without them, offers take less time."""
    if audience.limits.columns == 0:
        _offer(audience.users, catalogue, lists, user, position)
    else:
        _offer_within(audience, catalogue, lists, user, position)


@pasted
def _bound(audience: PackedUsers, lists: PackedLists, user: int, length: np.float32) -> np.float32:
    """Return the minimum float32 product that could still enter the user's list; infinity if no item of the panel can.

    `length` is the maximum norm in the panel. |x| |y| bounds every score (Cauchy-Schwarz), and gamma_f |x| |y| bounds
    its rounding error; gamma_f = f u / (1 - f u), u = 2^-24 doubled for the rounding of the score itself (Higham 2002, section 3.1).
    """
    if lists.filled[user] < lists.rows.shape[1]:
        return np.float32(-np.inf)
    worst, reach = lists.scores[user, 0], audience.lengths[user] * length
    if reach < worst:
        return np.float32(np.inf)
    size = audience.factors.shape[0] // audience.lengths.shape[0]
    slack = np.float32((size + 2) * 2.0**-23 / (1 - (size + 2) * 2.0**-23))
    return np.float32(worst - slack * reach - np.float32(1e-35))


@inlined
def _tile(users: Float32Array, size: int, panels: Float32Array, panel: int, scratch: Scratch) -> None:
    """Set the products of a panel's items with eight users, and found[i]: the items that reach bounds[i] of user i."""
    a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = spread(np.float32(0.0))
    e0 = e1 = f0 = f1 = g0 = g1 = h0 = h1 = spread(np.float32(0.0))
    base = panel * size * PANEL
    for k in range(size):
        y0, y1 = load(panels, base + k * PANEL), load(panels, base + k * PANEL + 16)
        x = k * GROUP
        w = spread(users[x])
        a0, a1 = multiply_add(w, y0, a0), multiply_add(w, y1, a1)
        w = spread(users[x + 1])
        b0, b1 = multiply_add(w, y0, b0), multiply_add(w, y1, b1)
        w = spread(users[x + 2])
        c0, c1 = multiply_add(w, y0, c0), multiply_add(w, y1, c1)
        w = spread(users[x + 3])
        d0, d1 = multiply_add(w, y0, d0), multiply_add(w, y1, d1)
        w = spread(users[x + 4])
        e0, e1 = multiply_add(w, y0, e0), multiply_add(w, y1, e1)
        w = spread(users[x + 5])
        f0, f1 = multiply_add(w, y0, f0), multiply_add(w, y1, f1)
        w = spread(users[x + 6])
        g0, g1 = multiply_add(w, y0, g0), multiply_add(w, y1, g1)
        w = spread(users[x + 7])
        h0, h1 = multiply_add(w, y0, h0), multiply_add(w, y1, h1)
    _keep(scratch, 0, a0, a1)
    _keep(scratch, 1, b0, b1)
    _keep(scratch, 2, c0, c1)
    _keep(scratch, 3, d0, d1)
    _keep(scratch, 4, e0, e1)
    _keep(scratch, 5, f0, f1)
    _keep(scratch, 6, g0, g1)
    _keep(scratch, 7, h0, h1)


@inlined
def _keep(scratch: Scratch, i: int, low: Float32Array, high: Float32Array) -> None:
    """Store the products of user i, and the bit mask of the products that reach the bound of this user."""
    bound = scratch.bounds[i]
    store(scratch.products, i * PANEL, low)
    store(scratch.products, i * PANEL + 16, high)
    scratch.found[i] = lanes_not_below(low, bound) | (lanes_not_below(high, bound) << 16)


@pasted
def _interleave(audience: PackedAudience, first: int, last: int, packed: Float32Array) -> None:
    """Fill `packed`: one row per eight users from `first` on, factor by factor; zeros after user `last`."""
    size = packed.shape[1] // GROUP
    for group in range(packed.shape[0]):
        for i in range(GROUP):
            user = first + group * GROUP + i
            for k in range(size):
                packed[group, k * GROUP + i] = (
                    audience.users.factors[user * size + k] if user <= last else np.float32(0.0)
                )


@pasted
def _visit(
    audience: PackedAudience,
    catalogue: PackedItems,
    lists: PackedLists,
    scratch: Scratch,
    users: tuple[int, int],
    panel: int,
) -> None:
    """Offer user i of a group the found items of the panel.

    The bound rises while the list improves, so that most items are skipped before their exact score is computed.
    """
    i, user = users
    bits, bound = scratch.found[i], scratch.bounds[i]
    while bits != 0:
        lane = lowest_bit(bits)
        bits &= bits - 1
        position = panel * PANEL + lane
        if position < catalogue.order.shape[0] and not scratch.products[i * PANEL + lane] < bound:
            _offer_any(audience, catalogue, lists, user, position)
            bound = _bound(audience.users, lists, user, catalogue.panel_lengths[panel])


@pasted
def _rank_group(
    audience: PackedAudience,
    catalogue: PackedItems,
    lists: PackedLists,
    scratch: Scratch,
    users: tuple[int, int, int],
    panels: tuple[int, int],
) -> bool:
    """Offer the users of a group the items of some panels; return whether later panels can still change a list.

    `users` are the number of the group, its first user, and the last user of the call.
    """
    group, first, last = users
    packed = scratch.packed[group]
    size = packed.shape[0] // GROUP
    for panel in range(panels[0], panels[1]):
        least = np.float32(np.inf)
        for i in range(GROUP):
            bound = np.float32(np.inf)
            if first + i <= last and audience.users.lengths[first + i] > 0:
                bound = _bound(audience.users, lists, first + i, catalogue.panel_lengths[panel])
            scratch.bounds[i], least = bound, min(least, bound)
        if not least < np.inf:
            return False
        _tile(packed, size, catalogue.panels, panel, scratch)
        for i in range(GROUP):
            if scratch.found[i] != 0 and scratch.bounds[i] < np.inf:
                _visit(audience, catalogue, lists, scratch, (i, first + i), panel)
    return True


@pasted
def _rank_evenly(audience: PackedAudience, catalogue: PackedItems, lists: PackedLists, user: int) -> None:
    """Fill the list of a user whose factors are zero: all scores are equal, so the lowest item rows rank first."""
    for position in catalogue.positions:
        if lists.filled[user] == lists.rows.shape[1]:
            break
        if position >= 0:
            _offer_any(audience, catalogue, lists, user, position)


def rank_users(
    first: int,
    end: int,
    audience: PackedAudience,
    catalogue: PackedItems,
    lists: PackedLists,
    scratch: Scratch,
) -> None:
    """Fill the lists of users first..end - 1 from all items of the catalogue that they have not seen."""
    groups = (end - first + GROUP - 1) // GROUP
    _interleave(audience, first, end - 1, scratch.packed)
    scratch.is_open[:] = 1
    panels = catalogue.panel_lengths.shape[0]
    for start in range(0, panels, _PANELS_TOGETHER):
        stop = min(start + _PANELS_TOGETHER, panels)
        for group in range(groups):
            if scratch.is_open[group]:
                users = (group, first + group * GROUP, end - 1)
                scratch.is_open[group] = _rank_group(
                    audience, catalogue, lists, scratch, users, (start, stop)
                )
    for user in range(first, end):
        if audience.users.lengths[user] == 0:
            _rank_evenly(audience, catalogue, lists, user)
        sort_best_first(lists.rows[user], lists.scores[user], lists.filled[user])


def rank_candidates(
    first: int,
    end: int,
    audience: PackedAudience,
    catalogue: PackedItems,
    lists: PackedLists,
    candidates: CandidateRows,
) -> None:
    """Fill the lists of users first..end - 1 from their candidates that they have not seen."""
    for user in range(first, end):
        for place in range(candidates.indptr[user], candidates.indptr[user + 1]):
            position = catalogue.positions[candidates.rows[place]]
            if position >= 0:
                _offer_any(audience, catalogue, lists, user, position)
        sort_best_first(lists.rows[user], lists.scores[user], lists.filled[user])
