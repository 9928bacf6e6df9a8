"""Values as people read them."""

import math
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.report import text
from tests.report.hostile import HOSTILE


@given(st.one_of(st.text(), st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_readable_text_is_short_visible_and_one_line(value):
    shown = text.readable(value)
    assert 1 <= len(shown) <= text.MAXIMUM_CHARACTERS
    assert "\n" not in shown
    assert len(shown.splitlines()) == 1
    assert not any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    shown.encode("utf-8")


@pytest.mark.parametrize("value", ["Tea cup", "שלום עולם", "قهوة", "👩‍👩‍👧", "<b>", "क्‍ष"])
def test_readable_text_keeps_visible_text(value):
    assert text.readable(value) == value


def test_long_text_is_cut():
    assert text.readable("x" * 81) == "x" * 79 + "…"
    assert text.readable("x" * 80) == "x" * 80
    assert max(len(text.readable(one)) for one in HOSTILE) == 80


@pytest.mark.parametrize("value", [None, "", "   ", "\t"])
def test_nothing_is_a_dash_or_a_replacement(value):
    assert text.readable(value) in ("–", "\ufffd")


def test_overrides_of_direction_are_replaced():
    assert text.readable("\u202egnp.exe") == "\ufffdgnp.exe"


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [
        (0, "0.0\u00a0%"),
        (0.1234, "12.3\u00a0%"),
        (1, "100.0\u00a0%"),
        (0.00001, "< 0.1\u00a0%"),
        (0.9997, "> 99.9\u00a0%"),
        (0.9994, "99.9\u00a0%"),
        (math.nan, "–"),
    ],
)
def test_percent(fraction, shown):
    assert text.percent(fraction) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.004, "4 ms"),
        (0.25, "0.25 s"),
        (59, "59.0 s"),
        (600, "10 min"),
        (7 * 3600, "7 h"),
        (7 * 86_400, "7 days"),
        (900 * 86_400, "2 years"),
    ],
)
def test_duration(seconds, shown):
    assert text.duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.073, "0.0730"), (12, "12.0"), (123.4, "123"), (12_345, "12,345"), (-0.5, "-0.500")],
)
def test_score(value, shown):
    assert text.score(value) == shown


def test_times_are_utc():
    time = datetime(2026, 1, 2, 1, 30, tzinfo=timezone(timedelta(hours=3)))
    assert text.instant(time) == "2026-01-01 22:30 UTC"
    assert text.day(time) == "2026-01-01"
    assert text.day(None) == text.instant(None) == "–"
    assert text.instant(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02 00:00 UTC"


def test_counts_and_nouns():
    assert (text.plural(1, "user"), text.plural(2000, "user"), text.plural(0, "item")) == (
        "1 user",
        "2,000 users",
        "0 items",
    )
    assert (text.figure(None), text.figure(math.nan), text.figure(0.12345)) == ("–", "–", "0.1235")
