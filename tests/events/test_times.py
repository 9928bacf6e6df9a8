"""Epoch units and time formats, compared with datetime of Python."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.errors import ConfigError
from als_cli.events.times import TimeFacts, as_time, check_format, plausible_unit, time_format

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK = datetime(2026, 1, 1, tzinfo=UTC)
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

instants = st.datetimes(datetime(1980, 1, 2), datetime(2035, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))  # noqa: DTZ001


def facts(lowest, highest, *, dtype=pl.Int64(), times=2, numbers=2):  # noqa: B008
    return TimeFacts("e.csv", "ts", dtype, times, numbers, lowest, highest)


def read(values, dtype, form):
    return (
        pl.DataFrame({"t": pl.Series(values, dtype=dtype)})
        .select(as_time(pl.col("t"), dtype, form))["t"]
        .to_list()
    )


def microseconds(instant):
    return (instant - EPOCH) // timedelta(microseconds=1)


@given(instant=instants, unit=st.sampled_from(sorted(PER_SECOND)), as_text=st.booleans())
def test_an_epoch_is_inferred_and_read_to_the_microsecond(instant, unit, as_text):
    number = microseconds(instant) * PER_SECOND[unit] // 10**6
    dtype = pl.String() if as_text else pl.Int64()

    assert time_format("auto", facts(number, number, dtype=dtype), CLOCK) == unit
    assert read([str(number) if as_text else number], dtype, unit) == [
        EPOCH + timedelta(microseconds=number * 10**6 // PER_SECOND[unit])
    ]


@given(instant=instants, zone=st.sampled_from(["", "Z", "+02:00", "-0530"]), separator=st.sampled_from("T "))
def test_iso_texts_are_read_as_python_reads_them(instant, zone, separator):
    text = instant.replace(tzinfo=None).isoformat(sep=separator) + zone
    wanted = datetime.fromisoformat(text)

    assert read([text], pl.String(), "iso") == [wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)]


def test_units_never_overlap():
    low, high = microseconds(datetime(1980, 1, 2, tzinfo=UTC)), microseconds(CLOCK)

    for unit, per_second in PER_SECOND.items():
        assert plausible_unit(facts(low * per_second / 1e6, high * per_second / 1e6), CLOCK) == unit


def test_a_column_of_mostly_text_is_iso():
    found = facts(1.6e9, 1.6e9, dtype=pl.String(), times=10, numbers=3)

    assert time_format("auto", found, CLOCK) == "iso"
    assert read(["2025-01-01", "1600000000", "soon"], pl.String(), "iso")[1:] == [None, None]


@pytest.mark.parametrize("declared", ["auto", "s", "ns", "iso", "%Y%m%d"])
def test_valid_formats_are_accepted(declared):
    assert check_format(declared) is None


def test_a_format_without_directives_is_refused():
    with pytest.raises(ConfigError, match="timestamp_format"):
        check_format("yyyy-mm-dd")
