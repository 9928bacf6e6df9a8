"""Inputs, outputs and scratch memory of the compiled top-N. This module does not import numba."""

from typing import NamedTuple

import numpy as np

from als_cli.arrays import Float32Array, Int32Array, Int64Array

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


class PackedUsers(NamedTuple):
    """The users to rank items for."""

    factors: Float32Array
    """(B * f,) flat."""
    lengths: Float32Array
    """(B,) norms, rounded up."""
    seen_indptr: Int64Array
    seen: Int32Array
    """Item rows that the users have seen, ascending within a user."""


class CandidateRows(NamedTuple):
    """The only items that may be in the list of each user."""

    indptr: Int64Array
    rows: Int32Array


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
