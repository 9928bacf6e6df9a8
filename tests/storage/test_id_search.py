"""Ids that start with a text, in tables of text and of integers."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.storage.id_search import ids_starting_with


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return tmp_path_factory.mktemp("ids") / "users.parquet"


@given(
    st.one_of(
        st.lists(st.text("ab-é ", max_size=4), unique=True, min_size=1),
        st.lists(st.integers(-(2**40), 2**40) | st.integers(0, 300), unique=True, min_size=1),
    ),
    st.data(),
)
def test_found_ids_start_with_the_text_and_have_the_common_start_of_all(table, ids, data):
    pl.DataFrame({"user_id": sorted(ids)}).write_parquet(table, row_group_size=7)
    one = str(data.draw(st.sampled_from(ids)))
    start = one[: data.draw(st.integers(0, len(one)))]
    limit = data.draw(st.integers(1, 20))
    found = ids_starting_with(table, "user_id", start, limit)
    all_of_them = [str(one) for one in sorted(ids) if str(one).startswith(start)]
    assert found[:limit] == all_of_them[:limit]
    assert set(found) <= set(all_of_them)
    assert len(found) == len(set(found)) <= limit + 2
    assert common_start(found) == common_start(all_of_them)


def common_start(texts):
    return max(
        (texts[0][:n] for n in range(len(texts[0]) + 1) if all(t.startswith(texts[0][:n]) for t in texts)),
        key=len,
    )


def test_no_id_starts_with_the_text(table):
    pl.DataFrame({"user_id": ["a", "b"]}).write_parquet(table)
    assert ids_starting_with(table, "user_id", "c", 10) == []
