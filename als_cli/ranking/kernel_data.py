"""What the compiled top-N is given, and where it writes; numba is not imported here."""

from typing import NamedTuple

import numpy as np

from als_cli.arrays import Float32Array, Int32Array, Int64Array

PANEL = 32
"""Items of a tile."""
GROUP = 8
"""Users of a tile."""


class PackedItems(NamedTuple):
    """The items that may be ranked, by falling length of their factors."""

    factors: Float32Array
    """(items * f,) flat, one item after the other, so that those of a panel stay in cache as the panel does."""
    panels: Float32Array
    """(panels * f * PANEL,) flat: for each panel of items, for each factor, the values of its items; zero-filled."""
    panel_lengths: Float32Array
    """(panels,) the greatest length in a panel, falling, rounded up."""
    order: Int32Array
    """(items,) item row of each position."""
    positions: Int32Array
    """(I,) position of each item row, -1 where it may not be ranked."""


class PackedUsers(NamedTuple):
    """The users to rank for."""

    factors: Float32Array
    """(B * f,) flat."""
    lengths: Float32Array
    """(B,) rounded up."""
    seen_indptr: Int64Array
    seen: Int32Array
    """Item rows seen, rising within a user."""


class CandidateRows(NamedTuple):
    """The only items that each user may be given."""

    indptr: Int64Array
    rows: Int32Array


class PackedLists(NamedTuple):
    """Each user's list, a heap whose first place holds the worst until it is sorted."""

    rows: Int32Array
    """(B, n)."""
    scores: Float32Array
    """(B, n)."""
    filled: Int64Array
    """(B,) places taken."""


class Scratch(NamedTuple):
    """Memory to work in, for one call at a time."""

    packed: Float32Array
    """(groups, f * 8): the factors of eight users each, factor by factor."""
    is_open: Int64Array
    """(groups,) 1 while an item can still reach one of the lists."""
    bounds: Float32Array
    """(8,) the least product that could still belong on each list of a group."""
    found: Int64Array
    """(8,) the bits of the items that reach them."""
    products: Float32Array
    """(8 * PANEL,) of the group and a panel, user by user."""


def scratch_for(users: int, size: int) -> Scratch:
    """Return the memory to rank for `users` users of `size` factors in one call."""
    groups = -(-users // GROUP)
    return Scratch(
        np.empty((groups, size * GROUP), np.float32),
        np.empty(groups, np.int64),
        np.empty(GROUP, np.float32),
        np.empty(GROUP, np.int64),
        np.empty(GROUP * PANEL, np.float32),
    )
