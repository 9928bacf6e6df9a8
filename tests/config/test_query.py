"""The check of `events.query` before any file is opened."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.config.query import check_query, loses_order


@pytest.mark.parametrize(
    "query",
    [
        "select * from events",
        "SELECT a FROM events;",
        "with t as (select * from events) select * from t",
        "(select a from events)",
        "-- a comment\nselect 'read_csv(1)', \"glob\" from events /* read_csv('x') */",
        "select read_csv from events",
        "select reader(a) from events",
    ],
)
def test_one_select_statement_is_accepted(query):
    assert check_query(query) == query


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "starts with SELECT"),
        ("drop table events", "starts with SELECT"),
        ("create table t as select 1", "starts with SELECT"),
        ("'select 1'", "starts with SELECT"),
        ("select 1; select 2", "second one starts at character 11"),
        ("select * from read_csv('/etc/passwd')", "read_csv at character 15 is not allowed"),
        ("select * from READ_PARQUET ( 'x' )", "READ_PARQUET at character 15"),
        ("select * from \"read_json\"('x')", '"read_json" at character 15'),
        ("select * from `read_ipc` /* c */ ('x')", "is not allowed"),
        ("with t as (select * from scan_csv('x')) select * from t", "scan_csv at character 26"),
        ("select 'a from events", "the quote at character 8 is never closed"),
        ("select a\0b", "unreadable character at character 9"),
    ],
)
def test_everything_else_is_refused_with_its_position(query, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        check_query(query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select * from events", False),
        ("select i.id from events cross join unnest(items) as i", False),
        ("select row_number() over (order by ts) from events", False),
        ("select * from events join p on a = b", True),
        ("select * from events cross join unnest(items) as i join p on i.id = p.id", True),
        ("select a, count(*) from events group by a", True),
        ("select distinct a from events", True),
        ("select a from events union all select a from more", True),
        ("select distinct a from events order by a", False),
        ("select * from (select distinct a from events order by a)", True),
        ("select 'group' as \"join\" from events", False),
    ],
)
def test_queries_whose_rows_have_no_order_are_known(query, expected):
    assert loses_order(query) is expected


@given(st.text())
def test_any_text_is_accepted_or_refused_in_words(query):
    try:
        assert check_query(query) == query
    except ValueError as refused:
        assert str(refused)  # noqa: PT017 - both outcomes are right
