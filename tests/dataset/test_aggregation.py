"""Interactions, compared with a dictionary that adds weights as exact fractions."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.config.events import EventsConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.errors import DataError
from als_cli.events.checks import CLEAN_EVENT_COLUMNS

START = datetime(2025, 1, 1, tzinfo=UTC)
SCHEMA = {
    "user_id": pl.Int64,
    "item_id": pl.String,
    "timestamp": pl.Datetime("us", "UTC"),
    "weight": pl.Float64,
    "value": pl.Float64,
}


def clean(rows, **overrides):
    return pl.DataFrame(rows, schema=SCHEMA | overrides, orient="row").lazy()


def recipe(**keys):
    return EventsConfig(source="events.csv", **keys)


def strengths(interactions):
    coo = interactions.matrix.tocoo()
    users, items = interactions.user_ids.to_list(), interactions.item_ids.to_list()
    return {(users[u], items[i]): float(s) for u, i, s in zip(coo.row, coo.col, coo.data, strict=True)}


def at(days):
    return START + timedelta(days=days)


events = st.lists(
    st.tuples(
        st.integers(-3, 5),
        st.sampled_from("abcde"),
        st.integers(0, 40).map(at),
        st.sampled_from([0.1, 0.5, 1.0, 3.0, -2.0, 1e-7, 12345.678]),
        st.sampled_from([1.0, 2.0, 0.1, -1.0, -3.0]),
    ),
    max_size=40,
)


def expected(rows, *, half_life_days, duplicates, min_user, min_item):
    """Return the strength by pair, in double precision from exact sums."""
    newest = max((row[2] for row in rows), default=None)
    pairs = defaultdict(list)
    for user, item, time, weight, value in rows:
        age = (newest - time) / timedelta(days=half_life_days)
        pairs[user, item].append((time, weight * 0.5**age, weight, value))
    result = {}
    for pair, group in pairs.items():
        if sum(Fraction(str(value)) for *_, value in group) <= 0:
            continue
        if duplicates == "sum":
            weights = [Fraction(decayed) for _, decayed, _, _ in group]
            strength = float(sum(weights))
            if sum(weights) * 10**9 <= sum(map(abs, weights)):
                continue  # rounding noise of weights that cancel
        elif duplicates == "max":
            strength = max(decayed for _, decayed, _, _ in group)
        else:
            strength = max(group)[1]
        if np.float32(strength) > 0:
            result[pair] = strength
    while True:
        users, items = Counter(u for u, _ in result), Counter(i for _, i in result)
        fewer = {(u, i): s for (u, i), s in result.items() if users[u] >= min_user and items[i] >= min_item}
        if len(fewer) == len(result):
            return result
        result = fewer


@given(
    rows=events,
    duplicates=st.sampled_from(["sum", "last", "max"]),
    min_user=st.integers(1, 3),
    min_item=st.integers(1, 3),
)
def test_strengths_are_the_exact_sums(rows, duplicates, min_user, min_item):
    found = aggregate(
        clean(rows),
        recipe(
            half_life="10d",
            duplicates=duplicates,
            min_user_interactions=min_user,
            min_item_interactions=min_item,
        ),
    )
    wanted = expected(rows, half_life_days=10, duplicates=duplicates, min_user=min_user, min_item=min_item)

    assert strengths(found).keys() == wanted.keys()
    for pair, strength in strengths(found).items():
        assert strength == pytest.approx(wanted[pair], rel=2e-7)


@given(rows=events, seed=st.integers(0, 99))
def test_the_order_of_events_changes_no_byte(rows, seed):
    shuffled = [rows[k] for k in np.random.default_rng(seed).permutation(len(rows))]
    one, other = (aggregate(clean(r), recipe(half_life="7d")) for r in (rows, shuffled))

    assert one.users.equals(other.users)
    assert one.items.equals(other.items)
    assert one.matrix.indptr.tobytes() == other.matrix.indptr.tobytes()
    assert one.matrix.indices.tobytes() == other.matrix.indices.tobytes()
    assert one.matrix.data.tobytes() == other.matrix.data.tobytes()


@given(rows=events)
def test_tables_and_matrix_describe_the_same_pairs(rows):
    found = aggregate(clean(rows), recipe())
    kept = strengths(found)
    users, items = Counter(u for u, _ in kept), Counter(i for _, i in kept)
    lines = [row for row in rows if (row[0], row[1]) in kept]

    assert found.users["user_id"].to_list() == sorted(users)
    assert found.items["item_id"].to_list() == sorted(items)
    assert dict(found.users.select("user_id", "interactions").iter_rows()) == users
    assert dict(found.items.select("item_id", "interactions").iter_rows()) == items
    assert dict(found.users.select("user_id", "events").iter_rows()) == Counter(row[0] for row in lines)
    for user, first, last in found.users.select("user_id", "first_time", "last_time").iter_rows():
        times = [row[2] for row in lines if row[0] == user]
        assert (first, last) == (min(times), max(times))
    assert found.newest == max((row[2] for row in lines), default=None)
    assert found.matrix.dtype == np.float32
    assert found.matrix.indices.dtype == np.int32
    assert found.matrix.has_canonical_format
    assert (found.matrix.data != 0).all()


def test_a_purchase_that_was_returned_gives_no_pair_with_any_transform():
    bought, returned = np.log1p(6), -np.log1p(12)
    rows = [(1, "a", at(0), bought, 6.0), (1, "a", at(1), bought, 6.0), (1, "a", at(2), returned, -12.0)]
    rows += [(1, "b", at(0), 0.1, 0.1), (1, "b", at(0), 0.2, 0.2), (1, "b", at(0), -0.3, -0.3)]
    rows += [(1, "c", at(0), 2.0, 2.0), (1, "c", at(0), -1.0, -1.0)]

    assert strengths(aggregate(clean(rows), recipe())) == {(1, "c"): 1.0}


def test_decay_is_relative_to_now_and_later_events_count_in_full():
    rows = [(1, "a", at(0), 8.0, 1.0), (1, "b", at(20), 8.0, 1.0)]

    found = aggregate(clean(rows), recipe(half_life="5d"), now=at(10))

    assert strengths(found) == {(1, "a"): 2.0, (1, "b"): 8.0}


def test_events_without_time_count_in_full():
    found = aggregate(clean([(1, "a", None, 2.0, 1.0), (1, "a", None, 3.0, 1.0)]), recipe(half_life="5d"))

    assert strengths(found) == {(1, "a"): 5.0}
    assert found.newest is None
    assert found.users["last_time"].to_list() == [None]


def test_of_several_newest_events_the_strongest_is_kept():
    rows = [(1, "a", at(1), 2.0, 1.0), (1, "a", at(1), 7.0, 1.0), (1, "a", at(0), 9.0, 1.0)]

    assert strengths(aggregate(clean(rows), recipe(duplicates="last"))) == {(1, "a"): 7.0}


def test_minimums_apply_together_until_nothing_changes():
    # A chain that is removed pair by pair from one end, and a square that stays.
    chain = [(k, f"c{k + step}") for k in range(20) for step in (0, 1)]
    square = [(100 + k, f"s{j}") for k in (0, 1) for j in (0, 1)]
    rows = [(user, item, at(0), 1.0, 1.0) for user, item in chain + square]

    minimums = recipe(min_user_interactions=2, min_item_interactions=2)

    assert set(strengths(aggregate(clean(rows), minimums))) == set(square)
    assert set(strengths(aggregate(clean(rows), minimums, apply_minimums=False))) == set(chain + square)


@pytest.mark.parametrize("dtype", [pl.UInt8, pl.Int32, pl.UInt64, pl.String])
def test_ids_keep_their_type(dtype):
    rows = [(2, "a", at(0), 1.0, 1.0), (10, "a", at(0), 1.0, 1.0)]
    table = clean(rows).with_columns(pl.col("user_id").cast(dtype))

    ids = aggregate(table, recipe()).user_ids

    assert ids.dtype == dtype
    assert ids.to_list() == (["10", "2"] if dtype == pl.String else [2, 10])


def test_no_events_give_no_interactions():
    found = aggregate(clean([]), recipe(min_user_interactions=2))

    assert found.matrix.shape == (0, 0)
    assert found.newest is None


def test_a_strength_beyond_float32_is_an_error():
    with pytest.raises(DataError, match="too large") as caught:
        aggregate(clean([(1, "a", at(0), 1e200, 1e200)]), recipe())

    assert "value_cap" in caught.value.hint


_HASH = """
import hashlib, sys, polars as pl
from als_cli.config.events import EventsConfig
from als_cli.dataset.aggregation import aggregate
found = aggregate(pl.scan_parquet(sys.argv[1]), EventsConfig(source="x", half_life="3d"))
print(pl.thread_pool_size(), hashlib.sha256(found.matrix.data.tobytes()).hexdigest())
"""


def test_the_number_of_threads_changes_no_byte(tmp_path):
    rng = np.random.default_rng(5)
    rows = 30_000
    table = pl.DataFrame(
        {
            "user_id": rng.integers(0, 300, rows),
            "item_id": rng.integers(0, 50, rows),
            "timestamp": pl.Series(rng.integers(0, 10**12, rows)).cast(pl.Datetime("us", "UTC")),
            "weight": rng.lognormal(size=rows),
            "value": np.ones(rows),
        }
    )
    assert tuple(table.columns) == CLEAN_EVENT_COLUMNS
    table.write_parquet(tmp_path / "clean.parquet", row_group_size=1000)
    seen = []
    for threads in ("1", "4"):
        environment = os.environ | {"POLARS_MAX_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", _HASH, str(tmp_path / "clean.parquet")]
        seen.append(
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        )

    assert [line.split()[0] for line in seen] == ["1", "4"]
    assert seen[0].split()[1] == seen[1].split()[1]
