"""Seen items that may come again, compared with a loop over the events of each user."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from als_cli.config.evaluate import TimeSplit, UsersSplit
from als_cli.config.events import EventsConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.errors import ArtifactError, DataError
from als_cli.evaluation.protocol import user_blocks
from als_cli.evaluation.rankers import FactorRanker
from als_cli.evaluation.with_rules import RuledRanker
from als_cli.ranking.item_demand import ModelItems
from als_cli.ranking.native_top_n import item_index
from als_cli.ranking.pairs import pairs_of
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.rules.user_masks import UserMasks
from als_cli.splitting.division import divide
from als_cli.splitting.protocol import SplitProtocol
from tests.stages.evaluation_builders import START, clean_events

DAY = timedelta(days=1)
TYPES = ["view", "cart", "purchase", None]
SIGNAL = EventsConfig(source="events.csv")

random_events = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(0, 20), st.sampled_from(TYPES)),
    min_size=4,
    max_size=60,
)
random_spans = st.dictionaries(
    st.sampled_from(["view", "cart", "purchase", "refund"]), st.integers(1, 21), min_size=1, max_size=3
)


def events_of(rows):
    """Return clean events of (user, item, day, type) rows."""
    types = pl.Series("type", [row[3] for row in rows], dtype=pl.String)
    return clean_events([row[:3] for row in rows]).with_columns(types)


def left_out(rows, after, today):
    """Return the pairs that are left out on the day `today`; `after` is a number of days, or days by type."""
    found = set()
    for user, item in {row[:2] for row in rows}:
        own = [(day, name) for u, i, day, name in rows if (u, i) == (user, item)]
        if isinstance(after, dict):
            counted = [(day, after[name]) for day, name in own if name in after]
            if not counted or any(today - day < days for day, days in counted):
                found.add((user, item))
        elif any(today - day < after for day, _ in own):
            found.add((user, item))
    return found


def as_rule(after):
    """Return `after`, in days, as the rule holds it."""
    return {name: days * DAY for name, days in after.items()} if isinstance(after, dict) else after * DAY


@settings(max_examples=200)
@given(rows=random_events, after=random_spans | st.integers(1, 21), later=st.none() | st.integers(0, 9))
def test_masks_leave_out_the_pairs_of_the_definition(rows, after, later):
    events = events_of(rows)
    interactions = aggregate(events.lazy(), SIGNAL)
    users, items = interactions.user_ids, interactions.item_ids
    known = items.filter(items != rows[0][1]) if items.len() > 1 else items  # the model lacks an item
    model_items = ModelItems(interactions, known)
    newest = max(row[2] for row in rows)
    today = newest if later is None else newest + later
    masks = UserMasks(
        interactions,
        model_items,
        ListRules(top_n=3, seen_again_after=as_rule(after)),
        None if later is None else START + today * DAY,
        events.lazy,
    )
    dataset_rows = np.append(np.arange(users.len(), dtype=np.int32), np.int32(-1))
    history = model_items.histories(interactions.matrix, dataset_rows)
    seen = masks.of(pl.concat([users, pl.Series(users.name, [99])]), dataset_rows, history).masks.seen
    found = pairs_of(seen)
    assert seen.shape == (users.len() + 1, known.len())
    assert set(zip(users.gather(found.rows), known.gather(found.columns), strict=True)) == {
        (user, item) for user, item in left_out(rows, after, today) if item in known.to_list()
    }


@pytest.mark.parametrize("split", ["time", "users"])
@pytest.mark.parametrize("exclude_seen", [False, True])
@settings(max_examples=60)
@given(rows=random_events, after=random_spans | st.integers(1, 21), days=st.integers(1, 10))
def test_an_evaluation_leaves_out_the_pairs_at_the_cut_off(split, exclude_seen, rows, after, days):
    by = TimeSplit(test=days * DAY) if split == "time" else UsersSplit(by="users", seed=days)
    protocol = SplitProtocol(split=by, exclude_seen=exclude_seen, users="all", seed=1, candidates=None)
    try:
        sets = divide(events_of(rows).lazy(), SIGNAL, protocol)
    except DataError:
        assume(False)
    known = sets.training.item_ids.to_list()
    visible = sets.events.training if sets.events.visible is None else sets.events.visible
    names = ("user_id", "item_id", "day", "type")
    day = ((pl.col("timestamp") - START).dt.total_days()).alias("day")
    earlier = visible.with_columns(day).select(names).collect().rows()
    today = ((sets.cut_off or sets.training.newest) - START).days
    ranker = FactorRanker(
        "als",
        np.ones((sets.holdout.user_ids.len(), 1), np.float32),
        item_index(np.arange(len(known), 0, -1, dtype=np.float32)[:, None]),
        1,
    )
    ruled = RuledRanker(ranker, ListRules(top_n=9, seen_again_after=as_rule(after)), sets)
    hidden = left_out(earlier, after, today)
    for block in user_blocks(sets.holdout.test_set):
        lists = ruled.rank(block, len(known))
        for user, item_rows in zip(sets.holdout.user_ids[block.users], lists.item_rows, strict=True):
            expected = [item for item in known if (user, item) not in hidden]
            assert [known[row] for row in item_rows if row >= 0] == expected


def masks_of(events, after):
    interactions = aggregate(events.lazy(), SIGNAL)
    rules = ListRules(top_n=3, seen_again_after=as_rule(after))
    return UserMasks(interactions, ModelItems(interactions, interactions.item_ids), rules, None, events.lazy)


def test_a_dataset_without_types_is_an_error():
    events = events_of([(1, 1, 0, "view"), (2, 2, 1, "view")]).drop("type")
    with pytest.raises(ArtifactError, match=r"seen_again_after names event types, but the dataset does not"):
        masks_of(events, {"view": 2})


@pytest.mark.parametrize("after", [2, {"view": 2}])
def test_a_dataset_without_times_is_an_error(after):
    events = events_of([(1, 1, None, "view"), (2, 2, 1, "view")])
    with pytest.raises(ArtifactError, match=r"seen_again_after needs times"):
        masks_of(events, after)


def test_a_type_that_no_event_has_is_a_warning(caplog):
    masks_of(events_of([(1, 1, 0, "view"), (2, 2, 1, "view")]), {"view": 2, "viwe": 3})
    assert caplog.messages == ["recommend.seen_again_after: the dataset has no event of type 'viwe'"]
