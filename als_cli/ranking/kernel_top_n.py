"""Compiled top-N: a matrix product whose tiles are compared with each user's n-th best score while in registers.

Only survivors leave the registers; they are scored again by definition (float64 sum, rounded to float32), so a list
depends on nothing but its user. Importing this module compiles it, once per machine.
"""

from typing import Any, NamedTuple

import numpy as np
from numba.core import types

from als_cli.als.arrays import Float32Array, Int32Array, Int64Array
from als_cli.als.kernels.compiling import inlined, kernel, read_only, writable
from als_cli.als.kernels.vectors import lanes_not_below, load, lowest_bit, multiply_add, spread
from als_cli.ranking.kernel_heap import append, is_worse, replace_worst, sort_best_first

PANEL = 32
"""Items of a tile."""
_USERS = 8
"""Users of a tile."""
_PANELS_TOGETHER = 16
"""Panels that stay in cache while all users of a call pass by."""


class Catalogue(NamedTuple):
    """The items that may be ranked, by falling length of their factors."""

    factors: Float32Array
    """(I * f,) flat, by item row."""
    panels: Float32Array
    """(panels * f * PANEL,) flat: for each panel of items, for each factor, the values of its items; zero-filled."""
    panel_lengths: Float32Array
    """(panels,) the greatest length in a panel, falling, rounded up."""
    order: Int32Array
    """(items,) item row of each position in the panels."""


class Audience(NamedTuple):
    """The users to rank for."""

    factors: Float32Array
    """(B * f,) flat."""
    lengths: Float32Array
    """(B,) rounded up."""
    seen_indptr: Int64Array
    seen: Int32Array
    """Item rows seen, rising within a user."""


class Candidates(NamedTuple):
    """The only items that each user may be given."""

    indptr: Int64Array
    rows: Int32Array


class Lists(NamedTuple):
    """Each user's list, a heap whose first place holds the worst until it is sorted."""

    rows: Int32Array
    """(B, n)."""
    scores: Float32Array
    """(B, n)."""
    filled: Int64Array
    """(B,) places taken."""


_named: Any = types.NamedTuple
_FLOATS, _INTS, _LONGS = read_only(types.float32), read_only(types.int32), read_only(types.int64)
_CATALOGUE = _named((_FLOATS, _FLOATS, _FLOATS, _INTS), Catalogue)
_AUDIENCE = _named((_FLOATS, _FLOATS, _LONGS, _INTS), Audience)
_CANDIDATES = _named((_LONGS, _INTS), Candidates)
_LISTS = _named((writable(types.int32, 2), writable(types.float32, 2), writable(types.int64)), Lists)


@inlined
def _score(users: Float32Array, user: int, items: Float32Array, item: int, size: int) -> np.float32:
    """Return the dot product of two factor rows, summed in float64."""
    a, b = users[user * size : (user + 1) * size], items[item * size : (item + 1) * size]
    total = 0.0
    for k in range(size):
        total += np.float64(a[k]) * np.float64(b[k])
    return np.float32(total)


@inlined
def _is_seen(audience: Audience, user: int, row: int) -> bool:
    """Return whether the user's seen items, which rise, hold `row`."""
    low, high = audience.seen_indptr[user], audience.seen_indptr[user + 1]
    while low < high:
        middle = (low + high) >> 1
        if audience.seen[middle] < row:
            low = middle + 1
        else:
            high = middle
    return bool(low < audience.seen_indptr[user + 1] and audience.seen[low] == row)


@inlined
def _offer(audience: Audience, catalogue: Catalogue, lists: Lists, user: int, row: int) -> None:
    """Put an item on the user's list if it belongs there."""
    size = audience.factors.shape[0] // audience.lengths.shape[0]
    score = _score(audience.factors, user, catalogue.factors, row, size)
    rows, scores, filled = lists.rows[user], lists.scores[user], lists.filled[user]
    is_full = filled == rows.shape[0]
    if not np.isfinite(score) or (is_full and not is_worse(scores[0], rows[0], score, row)):
        return
    if _is_seen(audience, user, row):
        return
    if is_full:
        replace_worst(rows, scores, filled, row, score)
    else:
        append(rows, scores, filled, row, score)
        lists.filled[user] = filled + 1


@inlined
def _bound(
    audience: Audience, lists: Lists, user: int, last: int, length: np.float32, slack: np.float32
) -> np.float32:
    """Return the least float32 product that could still belong on the user's list; infinity if none in the panel can.

    `length` is the panel's greatest: |x| |y| bounds every score (Cauchy-Schwarz), `slack` |x| |y| its rounding error.
    """
    if user > last:
        return np.float32(np.inf)
    if lists.filled[user] < lists.rows.shape[1]:
        return np.float32(-np.inf)
    worst, reach = lists.scores[user, 0], audience.lengths[user] * length
    if reach < worst:
        return np.float32(np.inf)
    return np.float32(worst - slack * reach - np.float32(1e-35))


@inlined
def _tile(  # noqa: PLR0915 - registers, one by one
    users: Float32Array,
    size: int,
    panels: Float32Array,
    panel: int,
    limits: tuple[Float32Array, Int64Array],
) -> None:
    """Compare the panel's products with eight users to `limits` = (bounds, found).

    found[i] receives the bits of the items whose product with the i-th user reaches bounds[i].
    """
    bounds, found = limits
    a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = spread(np.float32(0.0))
    e0 = e1 = f0 = f1 = g0 = g1 = h0 = h1 = spread(np.float32(0.0))
    base = panel * size * PANEL
    for k in range(size):
        y0, y1 = load(panels, base + k * PANEL), load(panels, base + k * PANEL + 16)
        x = k * _USERS
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
    found[0] = lanes_not_below(a0, bounds[0]) | (lanes_not_below(a1, bounds[0]) << 16)
    found[1] = lanes_not_below(b0, bounds[1]) | (lanes_not_below(b1, bounds[1]) << 16)
    found[2] = lanes_not_below(c0, bounds[2]) | (lanes_not_below(c1, bounds[2]) << 16)
    found[3] = lanes_not_below(d0, bounds[3]) | (lanes_not_below(d1, bounds[3]) << 16)
    found[4] = lanes_not_below(e0, bounds[4]) | (lanes_not_below(e1, bounds[4]) << 16)
    found[5] = lanes_not_below(f0, bounds[5]) | (lanes_not_below(f1, bounds[5]) << 16)
    found[6] = lanes_not_below(g0, bounds[6]) | (lanes_not_below(g1, bounds[6]) << 16)
    found[7] = lanes_not_below(h0, bounds[7]) | (lanes_not_below(h1, bounds[7]) << 16)


@inlined
def _interleave(audience: Audience, first: int, last: int, packed: Float32Array) -> None:
    """Fill `packed`: a row for each eight users from `first` on; for each factor the users' values, zero past `last`."""
    size = packed.shape[1] // _USERS
    for group in range(packed.shape[0]):
        for i in range(_USERS):
            user = first + group * _USERS + i
            for k in range(size):
                packed[group, k * _USERS + i] = (
                    audience.factors[user * size + k] if user <= last else np.float32(0.0)
                )


@inlined
def _visit(audience: Audience, catalogue: Catalogue, lists: Lists, user: int, panel: int, bits: int) -> None:
    """Offer the user the items of the panel that `bits` name."""
    while bits != 0:
        position = panel * PANEL + lowest_bit(bits)
        bits &= bits - 1
        if position < catalogue.order.shape[0]:
            _offer(audience, catalogue, lists, user, catalogue.order[position])


@inlined
def _rank_group(
    audience: Audience,
    catalogue: Catalogue,
    lists: Lists,
    packed: Float32Array,
    users: tuple[int, int],
    panels: tuple[int, int],
) -> bool:
    """Offer eight users, users[0] and on but none past users[1], the items of some panels; return whether to go on.

    `packed` holds the users' factors, factor by factor.
    """
    first, last = users
    size = packed.shape[0] // _USERS
    # gamma_f = f u / (1 - f u), u = 2^-24 doubled for the rounding of the score itself (Higham 2002, section 3.1)
    slack = np.float32((size + 2) * 2.0**-23 / (1 - (size + 2) * 2.0**-23))
    bounds, found = np.empty(_USERS, np.float32), np.empty(_USERS, np.int64)
    for panel in range(panels[0], panels[1]):
        for i in range(_USERS):
            bounds[i] = _bound(audience, lists, first + i, last, catalogue.panel_lengths[panel], slack)
        if not bounds.min() < np.inf:
            return False
        _tile(packed, size, catalogue.panels, panel, (bounds, found))
        for i in range(_USERS):
            if found[i] != 0 and bounds[i] < np.inf:
                _visit(audience, catalogue, lists, first + i, panel, found[i])
    return True


@kernel(types.void, types.intp, types.intp, _AUDIENCE, _CATALOGUE, _LISTS)
def rank_users(first: int, end: int, audience: Audience, catalogue: Catalogue, lists: Lists) -> None:
    """Fill the lists of users first..end - 1, from all items of the catalogue that they have not seen."""
    size = audience.factors.shape[0] // audience.lengths.shape[0]
    groups = (end - first + _USERS - 1) // _USERS
    packed = np.empty((groups, size * _USERS), np.float32)
    _interleave(audience, first, end - 1, packed)
    is_open = np.ones(groups, np.bool_)
    panels = catalogue.panel_lengths.shape[0]
    for start in range(0, panels, _PANELS_TOGETHER):
        stop = min(start + _PANELS_TOGETHER, panels)
        for group in range(groups):
            if is_open[group]:
                users = (first + group * _USERS, end - 1)
                is_open[group] = _rank_group(audience, catalogue, lists, packed[group], users, (start, stop))
    for user in range(first, end):
        sort_best_first(lists.rows[user], lists.scores[user], lists.filled[user])


@kernel(types.void, types.intp, types.intp, _AUDIENCE, _CATALOGUE, _LISTS, _CANDIDATES)
def rank_candidates(
    first: int, end: int, audience: Audience, catalogue: Catalogue, lists: Lists, candidates: Candidates
) -> None:
    """Fill the lists of users first..end - 1, from their own candidates that they have not seen."""
    for user in range(first, end):
        for place in range(candidates.indptr[user], candidates.indptr[user + 1]):
            _offer(audience, catalogue, lists, user, candidates.rows[place])
        sort_best_first(lists.rows[user], lists.scores[user], lists.filled[user])
