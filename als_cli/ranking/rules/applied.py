"""The rules applied to the lists of a block of users, in their order: pinned items, promoted items, then the sources.

Each step fills empty slots and keeps to the masks and limits. A later step never removes an item of an earlier one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from als_cli.arrays import BoolArray, Float32Array, Int8Array, Int32Array
from als_cli.ranking.lists import (
    LIMITS,
    MINIMUM_SCORE,
    NO_HISTORY,
    NO_SOURCE,
    NOT_ALLOWED,
    SOURCES,
    TOO_FEW_CANDIDATES,
)
from als_cli.ranking.masks import Masks
from als_cli.ranking.rules.fill import OpenLists, SourceScores
from als_cli.ranking.rules.list_rules import ChosenItems, Exploration, ListRules
from als_cli.ranking.rules.selectors import IN_ORDER, AtRandom, Selector, UInt64Array
from als_cli.ranking.rules.slots import FilledSlots, Slots
from als_cli.ranking.top_n import TopN


@dataclass(frozen=True)
class BlockSource:
    """A source of items for the lists of B users."""

    scored: SourceScores
    codes: Int8Array
    """(B,) position of the source in SOURCES for each user, NO_SOURCE for users that it has no items for."""
    minimum: float
    """Minimum score of its items."""
    selector: Selector = IN_ORDER
    """How lists choose from its items."""


@dataclass(frozen=True)
class AppliedLists:
    """Lists of B users with n slots."""

    slots: FilledSlots
    reasons: pl.Series
    """(B,) String: why a list is not full."""
    chosen: Mapping[str, tuple[int, int]]
    """Users and slots of each rule that chose items, by its name."""
    below_minimum: tuple[int, int]
    """Users whose first source has fewer items above the minimum score than slots, and the number of these slots."""


def apply_rules(
    rules: ListRules,
    sources: Sequence[BlockSource],
    masks: Masks,
    slots: int,
    threads: int,
    keys: UInt64Array | None = None,
) -> AppliedLists:
    """Return lists with `slots` slots.

    The sources fill the slots in order. Pinned items have the score of the first source of their user. `keys` (B,)
    determine the items sampled at random (:func:`als_cli.ranking.rules.selectors.sample_keys`).
    """
    users = len(sources[0].codes)
    counts: dict[str, tuple[int, int]] = {}
    lists, filled = OpenLists(rules.limits, masks, users, slots, threads), Slots(users, slots)
    for chosen in rules.chosen:
        positions = chosen.positions[chosen.positions < slots]
        if not len(positions):
            continue
        choose = _pinned if chosen.source == "pinned" else _promoted
        found, by_model = choose(chosen, lists, users, len(positions), sources)
        filled.put(found, positions, SOURCES.index(chosen.source), by_model)
        taken = found.filled.sum(axis=1)
        counts[chosen.name] = (int(np.count_nonzero(taken)), int(taken.sum()))
    if rules.explore is not None and keys is not None:
        counts["explore"] = _explore(rules.explore, lists, filled, sources[0], keys)
    left = _fill(lists, filled, sources)
    closed = filled.closed_up()
    return AppliedLists(closed, _reasons(rules, sources, masks, closed.top), counts, left)


def _explore(
    explore: Exploration, lists: OpenLists, filled: Slots, source: BlockSource, keys: UInt64Array
) -> tuple[int, int]:
    """Fill the lists from the first source, and the positions of `explore` at random from the items behind them.

    Return the users and slots with such items.
    """
    positions = explore.positions[explore.positions < filled.slots]
    is_member = source.codes != NO_SOURCE
    wanted = np.where(is_member, np.maximum(filled.free - len(positions), 0), 0)
    best = lists.add(source.scored, wanted, source.minimum, source.selector)
    filled.fill(best, source.codes, positions)
    sampled = lists.add(
        source.scored,
        np.where(is_member, len(positions), 0),
        source.minimum,
        AtRandom(keys, explore.pool),
    )
    filled.put(sampled, positions, SOURCES.index("explore"), sampled.filled)
    taken = sampled.filled.sum(axis=1)
    return int(np.count_nonzero(taken)), int(taken.sum())


def _fill(lists: OpenLists, filled: Slots, sources: Sequence[BlockSource]) -> tuple[int, int]:
    """Fill the empty slots. Return the users and slots that the first source leaves because of its minimum score."""
    is_exhausted, left = np.zeros(len(sources[0].codes), bool), (0, 0)
    for number, source in enumerate(sources):
        is_member = source.codes != NO_SOURCE
        wanted = np.where(is_member & ~is_exhausted, filled.free, 0)
        if wanted.any():
            filled.fill(lists.add(source.scored, wanted, source.minimum, source.selector), source.codes)
        if number == 0 and source.minimum > -np.inf:
            empty = np.where(is_member, filled.free, 0)
            left = (int(np.count_nonzero(empty)), int(empty.sum()))
        # A source without a minimum leaves a slot empty only if no item may fill it.
        is_exhausted |= is_member & (source.minimum == -np.inf)
    return left


def _pinned(
    chosen: ChosenItems, lists: OpenLists, users: int, slots: int, sources: Sequence[BlockSource]
) -> tuple[TopN, BoolArray]:
    """Return the first items of `chosen` that each list may contain, (B, slots), and whether the model scores them.

    A list without an item for a slot has none left.
    """
    rows = np.full((users, slots), -1, np.int32)
    count = np.zeros(users, np.int64)
    for item in chosen.item_rows:
        if (count == slots).all():
            break
        added = lists.add_item(int(item), count < slots)
        rows[added, count[added]] = item
        count[added] += 1
    by_model = np.repeat(sources[0].codes[:, None] != NO_SOURCE, slots, axis=1)
    return TopN(rows, _scores(rows, sources)), by_model


def _scores(rows: Int32Array, sources: Sequence[BlockSource]) -> Float32Array:
    """Return the score of each item of `rows` (B, k) by the first source of the user; -inf for empty slots, 0 without a source."""
    scores: Float32Array = np.where(rows >= 0, np.float32(0), np.float32(-np.inf))
    is_open = np.ones(len(rows), bool)
    for source in sources:
        members = np.flatnonzero(is_open & (source.codes != NO_SOURCE))
        if len(members):
            found = source.scored.items.scores(source.scored.users[members], np.maximum(rows[members], 0))
            scores[members] = np.where(rows[members] >= 0, found, -np.inf)
            is_open[members] = False
    return scores


def _promoted(
    chosen: ChosenItems, lists: OpenLists, users: int, slots: int, sources: Sequence[BlockSource]
) -> tuple[TopN, BoolArray]:
    """Return the best items of `chosen` by the score of each user's sources, (B, slots), and whether it is the model."""
    found = Slots(users, slots)
    for source in sources:
        wanted = np.where(source.codes != NO_SOURCE, found.free, 0)
        if wanted.any():
            only = SourceScores(source.scored.users, source.scored.items.only(chosen.name, chosen.item_rows))
            found.fill(lists.add(only, wanted, source.minimum), source.codes)
    closed = found.closed_up()
    return closed.top, closed.by_model


def _reasons(rules: ListRules, sources: Sequence[BlockSource], masks: Masks, top: TopN) -> pl.Series:
    """Return why each list is not full, (B,). The first reason that applies counts."""
    users, slots = top.item_rows.shape
    reasons = np.full(users, TOO_FEW_CANDIDATES, dtype=object)
    if not top.filled.all():
        items = sources[0].scored.items.count
        allowed = np.ones(items, bool) if rules.allowed is None else rules.allowed
        candidates = masks.candidate_counts(users, allowed)
        is_possible = candidates >= slots
        has_source = np.max([source.codes for source in sources], axis=0) != NO_SOURCE
        if rules.limits.columns:
            reasons[is_possible] = LIMITS
        if rules.minimum_score is not None and not rules.fallback:
            reasons[is_possible] = MINIMUM_SCORE
        if rules.user_allow is not None:
            reasons[candidates == 0] = NOT_ALLOWED
        reasons[~has_source] = NO_HISTORY
    return pl.Series(reasons, dtype=pl.String)
