"""All rules together, compared with lists that are made item by item."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from als_cli.ranking.lists import NO_SOURCE, SOURCES
from als_cli.ranking.masks import Masks
from als_cli.ranking.rules.applied import BlockSource, apply_rules
from als_cli.ranking.rules.fill import RankedItems, SourceScores
from als_cli.ranking.rules.limits import ListLimits
from als_cli.ranking.rules.list_rules import ChosenItems, ListRules
from tests.ranking.rules.greedy import Greedy
from tests.ranking.rules.test_fill import (
    ITEMS,
    USERS,
    column_of,
    excluded_of,
    factors_of,
    limits_of_a_column,
    sets_of,
)

ALS, POPULAR = SOURCES.index("als"), SOURCES.index("popular")


def source_of(rng: np.random.Generator, code: int, share: float, allowed, minimum: float):
    """Return a source for about `share` of the users, and its scores (B, I)."""
    users, items = factors_of(rng)
    codes = np.where(rng.random(USERS) < share, code, NO_SOURCE).astype(np.int8)
    return BlockSource(SourceScores(users, RankedItems(items, allowed)), codes, minimum), users @ items.T


def chosen_of(rng: np.random.Generator, kind: str, positions: list[int], allowed) -> ChosenItems:
    rows = rng.permutation(np.flatnonzero(allowed))[: rng.integers(0, 12)].astype(np.int32)
    return ChosenItems(f"{kind} {positions}", kind, np.array(positions, np.int64), rows)


def expected_list(user, rules, columns, sources, hidden, slots):
    """Return the list of one user as (item, score, source) by position, without empty positions."""
    greedy, places = Greedy(slots, columns), {}
    own = [(source, scores[user]) for source, scores in sources if source.codes[user] != NO_SOURCE]
    for chosen in rules.chosen:
        positions = [position for position in chosen.positions.tolist() if position < slots]
        if chosen.source == "pinned":
            added = greedy.add_in_order(chosen.item_rows.tolist(), len(positions), hidden)
            found = [(item, own[0][1][item] if own else 0.0) for item in added]
        else:
            found = []
            others = hidden | (set(range(ITEMS)) - set(chosen.item_rows.tolist()))
            for source, scores in own:
                left = len(positions) - len(found)
                found += [(i, scores[i]) for i in greedy.add_best(scores, left, others, source.minimum)]
        for position, (item, score) in zip(positions, found, strict=False):
            places[position] = (item, score, SOURCES.index(chosen.source))
    for source, scores in own:
        empty = [position for position in range(slots) if position not in places]
        added = greedy.add_best(scores, len(empty), hidden, source.minimum)
        for position, item in zip(empty, added, strict=False):
            places[position] = (item, scores[item], int(source.codes[user]))
    return [places[position] for position in sorted(places)]


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    limits=st.lists(limits_of_a_column, max_size=2),
    slots=st.integers(1, 12),
    pinned=st.lists(st.integers(0, 11), max_size=3, unique=True),
    promoted=st.lists(st.integers(12, 23), max_size=3, unique=True),
    minimum=st.sampled_from([-np.inf, 0.0, 5.0]),
    denied=st.sampled_from([0.0, 0.2, 0.9]),
    has_own_candidates=st.booleans(),
)
def test_all_rules_together(*, seed, limits, slots, pinned, promoted, minimum, denied, has_own_candidates):
    rng = np.random.default_rng(seed)
    columns = [column_of(rng, *one) for one in limits]
    allowed = rng.random(ITEMS) < 0.8
    masks = Masks(excluded_of(rng, denied), excluded_of(rng, 0.4) if has_own_candidates else None)
    places = sorted(position % 12 for position in promoted if position % 12 not in pinned)
    chosen = [chosen_of(rng, "pinned", sorted(pinned), allowed)] if pinned else []
    chosen += [chosen_of(rng, "promoted", places, allowed)] if places else []
    rules = ListRules(slots, limits=ListLimits(columns), allowed=allowed, chosen=tuple(chosen))
    sources = [source_of(rng, ALS, 0.7, allowed, minimum), source_of(rng, POPULAR, 0.9, allowed, -np.inf)]
    lists = apply_rules(rules, [source for source, _ in sources], masks, slots, threads=1)
    hidden = sets_of(masks.seen)
    own = [set(range(ITEMS))] * USERS if masks.candidates is None else sets_of(masks.candidates)
    for user in range(USERS):
        out = hidden[user] | (set(range(ITEMS)) - own[user]) | set(np.flatnonzero(~allowed).tolist())
        expected = expected_list(user, rules, columns, sources, out, slots)
        count = int(lists.slots.top.filled[user].sum())
        found = list(
            zip(
                lists.slots.top.item_rows[user, :count],
                lists.slots.top.scores[user, :count],
                lists.slots.sources[user, :count],
                strict=True,
            )
        )
        assert found == expected
        assert (lists.slots.sources[user, count:] == NO_SOURCE).all()
