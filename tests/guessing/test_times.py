"""The format of times, from their values."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.events.times import EPOCH_UNITS
from als_cli.guessing.facts import facts_of
from als_cli.guessing.times import guess_time, read_times

CLOCK = datetime(2025, 6, 1, tzinfo=UTC)
INSTANTS = st.lists(
    st.integers(978_307_200, 1_735_689_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    min_size=8,
    max_size=60,
    unique=True,
)


def guess(values, dtype=None, first=None):
    column = pl.Series("time", values, dtype=dtype)
    return guess_time(column, facts_of(column.to_frame())["time"], CLOCK, first or len(values))


@given(instants=INSTANTS, unit=st.sampled_from(list(EPOCH_UNITS)), as_text=st.booleans())
def test_the_unit_of_epoch_times_is_found(instants, unit, as_text):
    numbers = [int(one.timestamp() * 1e6 / EPOCH_UNITS[unit]) for one in instants]
    found = guess([str(number) for number in numbers] if as_text else numbers)
    assert found.form == unit
    assert found.confidence >= 0.9


@given(instants=INSTANTS, unit=st.sampled_from(list(EPOCH_UNITS)))
def test_a_few_placeholders_do_not_hide_the_unit(instants, unit):
    numbers = [int(one.timestamp() * 1e6 / EPOCH_UNITS[unit]) for one in instants] * 20
    numbers[3] = 0
    assert guess(numbers).form == unit


@given(
    instants=INSTANTS,
    pattern=st.sampled_from(
        [
            "%Y-%m-%d %H:%M:%S",
            "%Y-%m-%dT%H:%M:%SZ",
            "%Y/%m/%d %H:%M:%S",
            "%d.%m.%Y %H:%M:%S",
            "%d-%b-%Y %H:%M:%S",
            "%Y%m%d%H%M%S",
            "%Y-%m-%d %H:%M:%S +0200",
        ]
    ),
)
def test_the_format_that_is_found_reads_every_time_rightly(instants, pattern):
    # With a day after the 12th, day and month cannot be confused.
    written = [*instants, datetime(2020, 3, 25, 10, 11, 12, tzinfo=UTC)]
    shift = timedelta(hours=2) if pattern.endswith("+0200") else timedelta(0)
    column = pl.Series([one.strftime(pattern) for one in written])
    found = guess(column)
    assert read_times(column, found.form).to_list() == [one - shift for one in written]
    assert found.confidence >= 0.9


@given(instants=INSTANTS)
def test_an_unclear_order_of_day_and_month_is_said(instants):
    unclear = [one.replace(day=1 + one.day % 12, month=1 + one.month % 12) for one in instants]
    found = guess([one.strftime("%d/%m/%Y %H:%M") for one in unclear])
    assert {found.form, *found.alternatives} >= {"%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"}
    assert found.confidence <= 0.8


@pytest.mark.parametrize("pattern", ["%d/%m/%Y", "%m/%d/%Y"])
def test_rows_in_order_of_time_decide_between_day_and_month(pattern):
    days = [datetime(2024, month, day, tzinfo=UTC) for month in range(1, 13) for day in range(1, 13)]
    found = guess([day.strftime(pattern) for day in days])
    assert found.form == pattern
    assert found.confidence == 0.8


@pytest.mark.parametrize(
    ("values", "dtype", "form", "has_clock"),
    [
        ([20240131, 20240229, 20241201], None, "%Y%m%d", False),
        (["2024-01-31", "2024-02-01"], None, "iso", False),
        ([datetime(2024, 1, 1, tzinfo=UTC)], None, "auto", True),
        ([19723], pl.Date, "auto", False),
    ],
)
def test_dates_have_no_clock(values, dtype, form, has_clock):
    found = guess(values, dtype)
    assert (found.form, found.has_clock) == (form, has_clock)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        [0.5, 4.5, 3.0],
        ["tea", "jam", "bread"],
        ["u00395", "u00396"],
        ["85123A", "71053"],
        [4006381333931, 4006381333948, 9780306406157],
        ["550e8400-e29b-41d4-a716-446655440000"] * 3,
        [None, None],
        [True, False],
    ],
)
def test_other_columns_are_no_times(values):
    assert guess(values) is None


@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), min_size=1, max_size=30))
def test_any_texts_give_a_guess_or_none(values):
    found = guess(values, pl.String)
    assert found is None or 0 < found.confidence <= 1
