"""Inputs, outputs and scratch memory of the compiled top-N. This module does not import numba."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from als_cli.arrays import Float32Array, Int32Array, Int64Array, Uint8Array

PANEL = 32
"""Items per tile."""
GROUP = 8
"""Users per tile."""


class PackedItems(NamedTuple):
    """The items that may be ranked, sorted by decreasing norm of their factors."""

    factors: Float32Array
    """(items * f,) flat, one item after the other, so that the items of a panel stay in cache together."""
    panels: Float32Array
    """(panels * f * PANEL,) flat: per panel of items and per factor, the values of the items; padded with zeros."""
    panel_lengths: Float32Array
    """(panels,) maximum norm of the items in a panel, rounded up; decreasing."""
    order: Int32Array
    """(items,) item row of each position."""
    positions: Int32Array
    """(I,) position of each item row, -1 for items that may not be ranked."""


class CandidateRows(NamedTuple):
    """The only items that may be in the list of each user."""

    indptr: Int64Array
    rows: Int32Array


class PackedLimits(NamedTuple):
    """Limits on the slots of items with the same value of a column; see :mod:`als_cli.ranking.rules.limits`."""

    groups: Int32Array
    """(I * columns,) flat: the group of each item in each column, -1 without a group."""
    columns: int
    """Number of limited columns. Without any, the other fields are not used."""
    free: Int32Array
    """(B * stride,) flat: slots that each group may still take in the list of each user."""
    stride: int
    """Number of groups; 0 if all users have the same `free` (groups,)."""
    exchanges: int
    """1: the list has at most `free` items of each group, the best ones. This needs a single column. 0: only items of groups without free slots are left out."""


class PackedOffers(NamedTuple):
    """Items for the lists of some users, best first."""

    rows: Int32Array
    """(M, m) item rows, -1 after the last item."""
    scores: Float32Array
    """(M, m)."""
    users: Int64Array
    """(M,) position of each user in the block."""
    minimum: np.float32
    """Minimum score of an item that may be taken."""


class PackedDiversity(NamedTuple):
    """Maximal marginal relevance: an item counts (1 - s) score / best score - s (largest cosine with a chosen item)."""

    units: Float32Array
    """(I * f,) item factors of length one, flat."""
    size: int
    """f."""
    strength: np.float32
    """s."""
    penalties: Float32Array
    """(m,) scratch: the largest cosine of each offer with a chosen item."""
    is_taken: Uint8Array
    """(m,) scratch: 1 for offers that are chosen or not allowed."""


class PackedState(NamedTuple):
    """The limits of the lists of a block of B users, and the items that count in each list. The kernel changes it."""

    groups: Int32Array
    """(I * columns,) flat: the group of each item in each column, -1 without a group."""
    at_most: Int32Array
    """(columns,) maximum number of items of a group."""
    varied: Uint8Array
    """(columns,) 1 for columns with a minimum number of values."""
    shared: Int32Array
    """(columns,) the group of items without a value: it has no maximum, and all its items are repeats. -1: there is none."""
    rows: Int32Array
    """(B, n) items of each list."""
    filled: Int64Array
    """(B,) number of these items."""
    repeats: Int32Array
    """(B, columns) slots that values which the list already has may still take."""


class PackedUsers(NamedTuple):
    """The users to rank items for."""

    factors: Float32Array
    """(B * f,) flat."""
    lengths: Float32Array
    """(B,) norms, rounded up."""
    seen_indptr: Int64Array
    seen: Int32Array
    """Item rows that the users have seen, ascending within a user."""


class PackedAudience(NamedTuple):
    """The users to rank items for, and the limits of their lists."""

    users: PackedUsers
    limits: PackedLimits


class PackedLists(NamedTuple):
    """The list of each user: a heap with the worst entry first, until it is sorted."""

    rows: Int32Array
    """(B, n)."""
    scores: Float32Array
    """(B, n)."""
    filled: Int64Array
    """(B,) filled slots."""


class Scratch(NamedTuple):
    """Scratch memory for one call at a time."""

    packed: Float32Array
    """(groups, f * 8) the factors of eight users each, factor by factor."""
    is_open: Int64Array
    """(groups,) 1 while an item can still enter one of the group's lists."""
    bounds: Float32Array
    """(8,) the minimum product that could still enter each list of a group."""
    found: Int64Array
    """(8,) bit mask of the items whose product reaches the bound of each user."""
    products: Float32Array
    """(8 * PANEL,) products of a group and a panel, user by user."""


def scratch_for(users: int, size: int) -> Scratch:
    """Return the scratch memory of one call for `users` users with `size` factors."""
    groups = -(-users // GROUP)
    return Scratch(
        np.empty((groups, size * GROUP), np.float32),
        np.empty(groups, np.int64),
        np.empty(GROUP, np.float32),
        np.empty(GROUP, np.int64),
        np.empty(GROUP * PANEL, np.float32),
    )


def packed_limits(groups: Int32Array, free: Int32Array, *, exchanges: bool) -> PackedLimits:
    """Return the limits of `groups` (I, columns), with `free` slots; for the fields see :class:`PackedLimits`.

    `free` is (B, G), or (G,) if it is the same for all users.
    """
    stride = free.shape[1] if free.ndim == 2 else 0
    return PackedLimits(
        frozen(groups.reshape(-1)), groups.shape[1], frozen(free.reshape(-1)), stride, int(exchanges)
    )


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a read-only view of `array`, which kernels take as input."""
    view = array.view()
    view.flags.writeable = False
    return view
