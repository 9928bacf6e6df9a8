"""What an evaluation trains on and evaluates: no leakage, nothing flattered, everything counted."""

import numpy as np
import polars as pl
import pytest

from als_cli.dataset.aggregation import aggregate
from als_cli.errors import ConfigError, DataError
from als_cli.stages.evaluate import evaluate, evaluate_key
from tests.stages.evaluation_builders import (
    START,
    clean_events,
    context_for,
    divided,
    publish_events,
    two_tastes,
)

BY_TIME = {"split": {"by": "time", "test": "5d"}}
BEFORE = [
    ("ann", "a", 0),
    ("ann", "b", 1),
    ("bob", "b", 1),
    ("bob", "c", 2),
    ("cat", "a", 2),
    ("cat", "c", 2),
]


def parts_of(context, rows):
    publish_events(context, rows if isinstance(rows, pl.DataFrame) else clean_events(rows))
    return divided(context)


def scored(parts):
    """Return {user: (test items the lists can hold, all test items)}."""
    part = parts.holdout.test_set
    return {
        user: (
            set(parts.training.item_ids.gather(part.relevant[row].indices)),
            int(part.relevant_counts[row]),
        )
        for row, user in enumerate(parts.holdout.user_ids)
    }


def test_training_part_is_what_ingest_would_have_made_at_the_cut_off(tmp_path):
    events = {"half_life": "4d", "min_user_interactions": 3, "min_item_interactions": 3}
    context = context_for(tmp_path, BY_TIME, events=events)
    clean = two_tastes()
    parts = parts_of(context, clean)
    before = clean.filter(pl.col("timestamp") < parts.cut_off)
    alone = aggregate(before.lazy(), context.config.events, parts.cut_off)
    assert parts.training.users.equals(alone.users)
    assert parts.training.items.equals(alone.items)
    assert (parts.training.matrix != alone.matrix).nnz == 0
    assert parts.holdout.test_set.interactions.tolist() == alone.items["interactions"].to_list()


def test_events_of_the_test_period_change_nothing_that_is_learned(tmp_path):
    clean = clean_events([*BEFORE, ("ann", "c", 9)])
    fashion = clean_events([(f"new{n}", item, 9) for n in range(9) for item in ("a", "z")])
    quiet = parts_of(context_for(tmp_path, BY_TIME), clean)
    loud = parts_of(context_for(tmp_path, BY_TIME), pl.concat([clean, fashion]))
    assert loud.training.items.equals(quiet.training.items)
    assert loud.training.users.equals(quiet.training.users)
    assert scored(loud) == scored(quiet) == {"ann": ({"c"}, 1)}
    assert loud.holdout.counts["test_users_without_history"] == 9


def test_items_unknown_to_training_stay_as_misses_and_are_counted(tmp_path):
    parts = parts_of(
        context_for(tmp_path, BY_TIME), [*BEFORE, ("ann", "c", 9), ("ann", "z", 9), ("bob", "z", 9)]
    )
    assert scored(parts) == {"ann": ({"c"}, 2), "bob": (set(), 1)}
    assert parts.holdout.counts["test_pairs_unknown_to_training"] == 2


def test_seen_items_are_no_test_items_unless_they_may_be_listed(tmp_path):
    rows = [*BEFORE, ("ann", "a", 9), ("ann", "c", 9), ("bob", "b", 9)]
    parts = parts_of(context_for(tmp_path, BY_TIME), rows)
    assert scored(parts) == {"ann": ({"c"}, 1)}
    assert parts.holdout.counts["test_pairs_seen_in_training"] == 2
    again = parts_of(context_for(tmp_path, BY_TIME | {"exclude_seen": False}), rows)
    assert scored(again) == {"ann": ({"a", "c"}, 2), "bob": ({"b"}, 1)}


def test_held_out_users_are_folded_in_from_visible_strengths(tmp_path):
    split = {"split": {"by": "users", "fraction": 0.3, "fold_in": 0.5}}
    context = context_for(tmp_path, split, events={"min_item_interactions": 2})
    clean = two_tastes()
    parts = parts_of(context, clean)
    assert parts.users_are_held_out
    held_out = set(parts.holdout.user_ids)
    assert not held_out & set(parts.training.user_ids)
    everything = aggregate(clean.lazy(), context.config.events)
    for row, user in enumerate(parts.holdout.user_ids):
        history = parts.holdout.test_set.history[row]
        full_row = everything.matrix[everything.user_ids.index_of(user)]
        full = dict(zip(everything.item_ids.gather(full_row.indices), full_row.data, strict=True))
        for item, strength in zip(parts.training.item_ids.gather(history.indices), history.data, strict=True):
            assert full[item] == strength


def test_held_out_history_decays_from_the_instant_that_training_does(tmp_path):
    split = {"split": {"by": "users", "fraction": 0.5, "fold_in": 0.5}}
    context = context_for(tmp_path, split, events={"half_life": "1d"})
    # Everybody's newest event is on day 3; the others' are older by one, two, three days.
    rows = [(user, f"i{day}", day) for user in range(6) for day in range(4)]
    parts = parts_of(context, rows)
    days = np.array([int(name[1:]) for name in parts.training.item_ids])
    history = parts.holdout.test_set.history.tocoo()
    assert history.data == pytest.approx(0.5 ** (3 - days[history.col]))
    assert parts.training.matrix.tocoo().data == pytest.approx(
        0.5 ** (3 - days[parts.training.matrix.indices])
    )


def test_configured_now_is_where_decay_starts(tmp_path):
    now = START.replace(day=11)
    context = context_for(tmp_path, events={"half_life": "1d", "now": now.isoformat()})
    parts = parts_of(context, [(user, item, 9) for user in range(5) for item in "abc"])
    assert parts.training.matrix.data == pytest.approx(0.5)


def given_file(tmp_path, text, **more):
    path = tmp_path / "test.csv"
    path.write_text(text, encoding="utf-8")
    return {"split": {"by": "file", "path": str(path), **more}}


GRID = [(user, item, None) for user in range(4) for item in (10, 11, 12) if user + item != 14]


def test_a_given_file_is_the_test_part_and_all_events_are_training(tmp_path):
    # User 2 lacks item 12, so it can be a test item. 99 was never sold, x cannot be an id, user 7 is unknown.
    text = "user_id,item_id\n2,12\n02,12\n2,99\n2,x\n2,y\n3,10\n7,10\n,10\n"
    parts = parts_of(context_for(tmp_path, given_file(tmp_path, text)), GRID)
    assert scored(parts) == {2: ({12}, 4)}
    assert parts.training.matrix.nnz == len(GRID)
    assert parts.holdout.counts == {
        "test_users": 3,
        "test_users_without_history": 1,
        "test_pairs": 6,
        "test_pairs_seen_in_training": 1,
        "test_pairs_unknown_to_training": 3,
    }


def test_a_test_file_may_have_its_own_columns(tmp_path):
    section = given_file(tmp_path, "2;12\n", header=False, columns={"user": 1, "item": 2})
    assert scored(parts_of(context_for(tmp_path, section), GRID)) == {2: ({12}, 1)}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("user_id,items_id\n2,12\n", ConfigError, "events.columns.item: .*test.csv has no column 'item_id'"),
        ("user_id,item_id\n", DataError, "test.csv"),
        ("", DataError, "test.csv is empty"),
    ],
)
def test_a_test_file_that_does_not_serve_is_named(tmp_path, text, error, message):
    with pytest.raises(error, match=message) as refused:
        parts_of(context_for(tmp_path, given_file(tmp_path, text)), GRID)
    assert refused.value.hint


@pytest.mark.parametrize("stage", [evaluate, evaluate_key])
def test_stdin_is_for_events_only(tmp_path, stage):
    context = publish_events(
        context_for(tmp_path, {"split": {"by": "file", "path": "-"}}), clean_events(GRID)
    )
    with pytest.raises(ConfigError, match="stdin"):
        stage(context)


def with_candidates(tmp_path, text, **columns):
    path = tmp_path / "candidates.csv"
    path.write_text(text, encoding="utf-8")
    return given_file(tmp_path, "user_id,item_id\n2,12\n") | {"candidates": {"path": str(path), **columns}}


def test_candidates_restrict_ranking(tmp_path):
    section = with_candidates(tmp_path, "user_id,item_id\n2,12\n2,11\n2,77\n1,10\n") | {"at": [3]}
    context = context_for(tmp_path, section, train={"factors": 2})
    parts = parts_of(context, GRID)
    assert parts.holdout.test_set.candidates.toarray().tolist() == [[0, 1, 1]]
    assert parts.holdout.counts["candidates_unknown_to_training"] == 1
    report = evaluate(context)
    # Of the two candidates one is seen: every list holds the other alone.
    for one in report.methods:
        assert (one.method, one.short_lists, one.metrics["precision@3"]) == (
            one.method,
            1,
            pytest.approx(1 / 3),
        )


def test_a_user_without_candidates_gets_an_empty_list(tmp_path):
    section = with_candidates(tmp_path, "user_id,item_id\n1,10\n")
    context = context_for(tmp_path, section, train={"factors": 2})
    parts = parts_of(context, GRID)
    assert parts.holdout.counts["users_without_candidates"] == 1
    for one in evaluate(context).methods:
        assert one.metrics["ndcg@5"] == one.metrics["coverage@5"] == 0


def test_a_wrong_candidates_column_names_its_key(tmp_path):
    section = with_candidates(tmp_path, "user,item_id\n2,12\n", columns={"user": "usr"})
    with pytest.raises(
        ConfigError, match=r"evaluate\.candidates\.columns\.user: .* has no column 'usr'"
    ) as refused:
        parts_of(context_for(tmp_path, section), GRID)
    assert "did you mean 'user'" in refused.value.hint


def test_key_follows_the_content_of_the_files_not_their_place(tmp_path):
    text = "user_id,item_id\n2,12\n"
    context = publish_events(context_for(tmp_path, given_file(tmp_path, text)), clean_events(GRID))
    key = evaluate_key(context)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert evaluate_key(context_for(tmp_path, given_file(elsewhere, text))) == key
    assert evaluate_key(context_for(tmp_path, given_file(tmp_path, text + "3,11\n"))) != key
