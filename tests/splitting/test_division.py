"""Training sets and test users of an evaluation: no leakage, misses stay, all left out users are counted."""

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


def sets_of(context, rows):
    publish_events(context, rows if isinstance(rows, pl.DataFrame) else clean_events(rows))
    return divided(context)


def scored(sets):
    """Return {user: (test items in the training set, number of all test items)}."""
    test_set = sets.holdout.test_set
    return {
        user: (
            set(sets.training.item_ids.gather(test_set.relevant[row].indices)),
            int(test_set.relevant_counts[row]),
        )
        for row, user in enumerate(sets.holdout.user_ids)
    }


def test_the_training_set_is_the_dataset_that_ingest_would_make_at_the_cut_off(tmp_path):
    events = {"half_life": "4d", "min_user_interactions": 3, "min_item_interactions": 3}
    context = context_for(tmp_path, BY_TIME, events=events)
    clean = two_tastes()
    sets = sets_of(context, clean)
    before = clean.filter(pl.col("timestamp") < sets.cut_off)
    alone = aggregate(before.lazy(), context.config.events, sets.cut_off)
    assert sets.training.users.equals(alone.users)
    assert sets.training.items.equals(alone.items)
    assert (sets.training.matrix != alone.matrix).nnz == 0
    assert sets.holdout.test_set.interactions.tolist() == alone.items["interactions"].to_list()


def test_events_of_the_test_period_do_not_change_the_training_set(tmp_path):
    clean = clean_events([*BEFORE, ("ann", "c", 9)])
    later_trend = clean_events([(f"new{n}", item, 9) for n in range(9) for item in ("a", "z")])
    without_trend = sets_of(context_for(tmp_path, BY_TIME), clean)
    with_trend = sets_of(context_for(tmp_path, BY_TIME), pl.concat([clean, later_trend]))
    assert with_trend.training.items.equals(without_trend.training.items)
    assert with_trend.training.users.equals(without_trend.training.users)
    assert scored(with_trend) == scored(without_trend) == {"ann": ({"c"}, 1)}
    assert with_trend.holdout.counts["test_users_without_history"] == 9


def test_items_outside_the_training_set_stay_as_misses_and_are_counted(tmp_path):
    sets = sets_of(
        context_for(tmp_path, BY_TIME), [*BEFORE, ("ann", "c", 9), ("ann", "z", 9), ("bob", "z", 9)]
    )
    assert scored(sets) == {"ann": ({"c"}, 2), "bob": (set(), 1)}
    assert sets.holdout.counts["test_pairs_unknown_to_training"] == 2


def test_seen_items_are_test_items_only_without_exclude_seen(tmp_path):
    rows = [*BEFORE, ("ann", "a", 9), ("ann", "c", 9), ("bob", "b", 9)]
    sets = sets_of(context_for(tmp_path, BY_TIME), rows)
    assert scored(sets) == {"ann": ({"c"}, 1)}
    assert sets.holdout.counts["test_pairs_seen_in_training"] == 2
    again = sets_of(context_for(tmp_path, BY_TIME | {"exclude_seen": False}), rows)
    assert scored(again) == {"ann": ({"a", "c"}, 2), "bob": ({"b"}, 1)}


def test_held_out_users_are_folded_in_from_visible_strengths(tmp_path):
    split = {"split": {"by": "users", "fraction": 0.3, "fold_in": 0.5}}
    context = context_for(tmp_path, split, events={"min_item_interactions": 2})
    clean = two_tastes()
    sets = sets_of(context, clean)
    assert sets.users_are_held_out
    held_out = set(sets.holdout.user_ids)
    assert not held_out & set(sets.training.user_ids)
    everything = aggregate(clean.lazy(), context.config.events)
    for row, user in enumerate(sets.holdout.user_ids):
        history = sets.holdout.test_set.history[row]
        full_row = everything.matrix[everything.user_ids.index_of(user)]
        full = dict(zip(everything.item_ids.gather(full_row.indices), full_row.data, strict=True))
        for item, strength in zip(sets.training.item_ids.gather(history.indices), history.data, strict=True):
            assert full[item] == strength


def test_history_of_held_out_users_decays_from_the_same_instant_as_training(tmp_path):
    split = {"split": {"by": "users", "fraction": 0.5, "fold_in": 0.5}}
    context = context_for(tmp_path, split, events={"half_life": "1d"})
    # The newest event of each user is on day 3. The other events are one, two and three days older.
    rows = [(user, f"i{day}", day) for user in range(6) for day in range(4)]
    sets = sets_of(context, rows)
    days = np.array([int(name[1:]) for name in sets.training.item_ids])
    history = sets.holdout.test_set.history.tocoo()
    assert history.data == pytest.approx(0.5 ** (3 - days[history.col]))
    assert sets.training.matrix.tocoo().data == pytest.approx(0.5 ** (3 - days[sets.training.matrix.indices]))


def test_decay_counts_from_the_configured_instant(tmp_path):
    as_of = START.replace(day=11)
    context = context_for(tmp_path, events={"half_life": "1d", "as_of": as_of.isoformat()})
    sets = sets_of(context, [(user, item, 9) for user in range(5) for item in "abc"])
    assert sets.training.matrix.data == pytest.approx(0.5)


def given_file(tmp_path, text, **more):
    path = tmp_path / "test.csv"
    path.write_text(text, encoding="utf-8")
    return {"split": {"by": "file", "path": str(path), **more}}


GRID = [(user, item, None) for user in range(4) for item in (10, 11, 12) if user + item != 14]


def test_a_test_file_is_the_test_set_and_all_events_are_training_events(tmp_path):
    # User 2 does not have item 12. Item 99 is not in the events, x cannot be an id, user 7 is not in the events.
    text = "user_id,item_id\n2,12\n02,12\n2,99\n2,x\n2,y\n3,10\n7,10\n,10\n"
    sets = sets_of(context_for(tmp_path, given_file(tmp_path, text)), GRID)
    assert scored(sets) == {2: ({12}, 4)}
    assert sets.training.matrix.nnz == len(GRID)
    assert sets.holdout.counts == {
        "test_users": 3,
        "test_users_without_history": 1,
        "test_pairs": 6,
        "test_pairs_seen_in_training": 1,
        "test_pairs_unknown_to_training": 3,
    }


def test_a_test_file_may_have_its_own_columns(tmp_path):
    section = given_file(tmp_path, "2;12\n", header=False, columns={"user": 1, "item": 2})
    assert scored(sets_of(context_for(tmp_path, section), GRID)) == {2: ({12}, 1)}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("user_id,items_id\n2,12\n", ConfigError, "events.columns.item: .*test.csv has no column 'item_id'"),
        ("user_id,item_id\n", DataError, "test.csv"),
        ("", DataError, "test.csv is empty"),
    ],
)
def test_errors_in_a_test_file_name_it(tmp_path, text, error, message):
    with pytest.raises(error, match=message) as refused:
        sets_of(context_for(tmp_path, given_file(tmp_path, text)), GRID)
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
    sets = sets_of(context, GRID)
    assert sets.holdout.test_set.candidates.toarray().tolist() == [[0, 1, 1]]
    assert sets.holdout.counts["candidates_unknown_to_training"] == 1
    report = evaluate(context)
    # One of the two candidates is seen, so every list contains only the other one.
    for one in report.methods:
        assert (one.method, one.short_lists, one.metrics["precision@3"]) == (
            one.method,
            1,
            pytest.approx(1 / 3),
        )


def test_a_user_without_candidates_gets_an_empty_list(tmp_path):
    section = with_candidates(tmp_path, "user_id,item_id\n1,10\n")
    context = context_for(tmp_path, section, train={"factors": 2})
    sets = sets_of(context, GRID)
    assert sets.holdout.counts["users_without_candidates"] == 1
    for one in evaluate(context).methods:
        assert one.metrics["ndcg@5"] == one.metrics["coverage@5"] == 0


def test_a_wrong_candidates_column_names_its_key(tmp_path):
    section = with_candidates(tmp_path, "user,item_id\n2,12\n", columns={"user": "usr"})
    with pytest.raises(
        ConfigError, match=r"evaluate\.candidates\.columns\.user: .* has no column 'usr'"
    ) as refused:
        sets_of(context_for(tmp_path, section), GRID)
    assert "did you mean 'user'" in refused.value.hint


def test_the_key_depends_on_the_content_of_the_files_and_not_on_their_path(tmp_path):
    text = "user_id,item_id\n2,12\n"
    context = publish_events(context_for(tmp_path, given_file(tmp_path, text)), clean_events(GRID))
    key = evaluate_key(context)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert evaluate_key(context_for(tmp_path, given_file(elsewhere, text))) == key
    assert evaluate_key(context_for(tmp_path, given_file(tmp_path, text + "3,11\n"))) != key
