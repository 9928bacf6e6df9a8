"""Nested columns that a query flattens, and the split of the evaluation."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.events.query import run_query
from als_cli.guessing.facts import is_pattern
from als_cli.guessing.nested import flattened, quoted
from als_cli.guessing.splits import guess_split

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)


@given(
    outer=NAMES,
    is_inside=st.booleans(),
    fields=st.lists(NAMES, min_size=2, max_size=4, unique=True),
    plain=NAMES,
)
def test_the_query_gives_the_same_rows_as_the_flattened_frame(
    tmp_path_factory, outer, is_inside, fields, plain
):
    fields = ["item_id", *(field for field in fields if field != "item_id")]
    outer = f"{outer}!" if is_pattern(outer) else outer
    plain = f"{plain}!" if plain == outer else plain
    entries = [[{field: f"{field}{n}{k}" for field in fields} for k in range(n % 3)] for n in range(6)]
    if is_inside:  # as in the Parquet exports of BigQuery
        entries = [{"list": [{"element": entry} for entry in one]} for one in entries]
    frame = pl.DataFrame({outer: entries, plain: [f"u{n}" for n in range(6)]})
    found = flattened(frame)
    outputs = {f"out{n}": name for n, name in enumerate(found.frame.columns)}
    query = found.query(outputs, f"{found.alias}.{'element.' * is_inside}item_id")
    _, result = run_query(query, {"events": frame.lazy()}, tmp_path_factory.mktemp("spool"))
    assert result.collect().rows() == found.frame.rows()


def test_fields_of_structs_are_columns():
    frame = pl.DataFrame(
        {"who": [{"id": {"text": "u1"}}], "item": [[{"sku": "a"}, {"sku": "b"}]], "tags": [["x"]]}
    )
    found = flattened(frame)
    assert found.frame.rows(named=True) == [
        {"who.id.text": "u1", "line.sku": "a"},
        {"who.id.text": "u1", "line.sku": "b"},
    ]
    assert found.expressions["who.id.text"] == "who.id.text"


def test_a_table_without_nesting_needs_no_query():
    assert flattened(pl.DataFrame({"a": [1]})) is None


@pytest.mark.parametrize(
    ("name", "written"),
    [("a_b", "a_b"), ("select", '"select"'), ("a b", '"a b"'), ('a"b', '"a""b"'), ("1", '"1"')],
)
def test_names_are_quoted_where_they_need_it(name, written):
    assert quoted(name) == written


def split_of(days, users=2000, *, is_complete=True):
    rng = np.random.default_rng(1)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    seconds = np.sort(rng.integers(0, int(days * 86_400), 20_000))
    times = pl.Series([start + timedelta(seconds=int(one)) for one in seconds])
    return guess_split(times, pl.Series(rng.integers(0, users, 20_000)), is_complete=is_complete)


def test_without_times_the_split_is_random():
    found = guess_split(None, None, is_complete=True)
    assert found.value == {"by": "random", "fraction": 0.2}
    assert "no times" in found.reasons[0]


def test_the_shortest_period_with_enough_test_users_is_taken():
    assert split_of(100).value == {"by": "time", "test": "7d"}
    assert split_of(400, users=300).value["test"] in ("28d", "56d")


def test_a_sample_leaves_the_period_to_auto_with_an_estimate():
    found = split_of(100, is_complete=False)
    assert found.value == {"by": "auto"}
    assert "perhaps about 5d" in found.reasons[0]


def test_a_short_span_is_left_to_auto():
    assert split_of(0.01).value == {"by": "auto"}
