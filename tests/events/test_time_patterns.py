"""If times are unreadable, the hint names a format that reads them."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from als_cli.config.yaml_text import parse_yaml
from als_cli.errors import DataError
from tests.stages.ingesting import ingested

# With days up to 12 and above 12, only one order of day and month reads all times.
TIMES = [
    datetime(2025, 1, 3, 9, 5, 7, tzinfo=UTC) + timedelta(days=37 * k, minutes=61 * k) for k in range(12)
]
DAYS = [time.replace(hour=0, minute=0, second=0) for time in TIMES]
MINUTES = [time.replace(second=0) for time in TIMES]
MONTHS = ["January", "February", "March", "April", "May", "June"]
MONTHS += ["July", "August", "September", "October", "November", "December"]


def english(time, form):
    """Return `time` as text with English names, in every locale."""
    name = MONTHS[time.month - 1]
    weekday = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][time.weekday()]
    half = "AM" if time.hour < 12 else "PM"
    for directive, text in (("%b", name[:3]), ("%B", name), ("%a", weekday), ("%p", half)):
        form = form.replace(directive, text)
    return time.strftime(form)


def table(values):
    rows = len(values)
    return pl.DataFrame(
        {"user_id": [k % 3 for k in range(rows)], "item_id": [k % 2 for k in range(rows)], "ts": values}
    )


def refused(tmp_path, values, **keys):
    with pytest.raises(DataError, match="rows are bad") as caught:
        ingested(tmp_path, table(values), name="e.parquet", columns={"timestamp": "ts"}, **keys)
    return caught.value.hint


def suggested(hint):
    found = re.match(r"set events\.timestamp_format: ('(?:[^']|'')*'|\w+)(?:,| or )", hint)
    assert found, hint
    return parse_yaml(f"form: {found[1]}", "hint").tree["form"]


def times_of(tmp_path, values, form):
    _, dataset = ingested(
        tmp_path, table(values), name="e.parquet", columns={"timestamp": "ts"}, timestamp_format=form
    )
    return dataset.scan_events().collect()["timestamp"].to_list()


FORMS = [
    ("%d/%m/%Y", DAYS),
    ("%m/%d/%Y", DAYS),
    ("%d.%m.%Y %H:%M", MINUTES),
    ("%m/%d/%Y %H:%M:%S", TIMES),
    ("%d/%m/%y", DAYS),
    ("%m-%d-%y %H:%M", MINUTES),
    ("%m/%d/%Y %I:%M %p", MINUTES),
    ("%d/%m/%Y %I:%M:%S %p", TIMES),
    ("%Y/%m/%d %H:%M:%S", TIMES),
    ("%d-%b-%Y", DAYS),
    ("%d %B %Y, %H:%M", MINUTES),
    ("%b %d, %Y", DAYS),
    ("%B %d, %Y %I:%M %p", MINUTES),
    ("%a %b %d %H:%M:%S +0000 %Y", TIMES),
    ("%a, %d %b %Y %H:%M:%S GMT", TIMES),
    ("%Y/%m/%d %H:%M:%S UTC", TIMES),
    ("%Y/%m/%dT%H:%M:%SZ", TIMES),
    ("%d/%m/%Y %H:%M:%S+00:00", TIMES),
    ("%d.%m.%Y %H.%M", MINUTES),
    ("%H:%M %d/%m/%Y", MINUTES),
    ("%Y%m%dT%H%M%SZ", TIMES),
    ("%d/%m/%Y %H:%M:%S.250", [time + timedelta(milliseconds=250) for time in TIMES]),
    ("%d/%m/%Y %H:%M:%S,250", [time + timedelta(milliseconds=250) for time in TIMES]),
]


@pytest.mark.parametrize(("form", "expected"), FORMS, ids=[form for form, _ in FORMS])
def test_the_suggested_format_reads_every_time(tmp_path, form, expected):
    values = [english(time, form) for time in expected]

    hint = refused(tmp_path, values)

    assert "which reads all 12 times" in hint
    assert times_of(tmp_path, values, suggested(hint)) == expected


def test_offsets_are_applied(tmp_path):
    values = [f"{time:%d/%m/%Y %H:%M:%S} +0130" for time in TIMES]

    form = suggested(refused(tmp_path, values))

    assert times_of(tmp_path, values, form) == [time - timedelta(hours=1.5) for time in TIMES]


def test_days_without_padding_are_read(tmp_path):
    values = [f"{time.day}/{time.month}/{time.year}" for time in DAYS]

    assert times_of(tmp_path, values, suggested(refused(tmp_path, values))) == DAYS


def test_one_value_above_12_decides_between_day_and_month(tmp_path):
    values = [f"0{k % 9 + 1}/02/2025" for k in range(3000)] + ["13/02/2025"]

    assert suggested(refused(tmp_path, values)) == "%d/%m/%Y"


def test_both_orders_are_named_where_all_values_fit_both(tmp_path):
    values = [f"0{k % 9 + 1}/0{k % 7 + 1}/2025" for k in range(20)]

    hint = refused(tmp_path, values)

    assert hint.startswith(
        "set events.timestamp_format: '%d/%m/%Y' or '%m/%d/%Y'; each of them reads all 20 times"
    )
    assert "'01/01/2025'" in hint


def test_orders_that_place_times_in_the_future_are_not_suggested(tmp_path):
    clock = datetime.now(UTC)
    limit = datetime(clock.year + 1, 1, 9, 12, tzinfo=UTC)
    values = [
        f"01/0{k % 9 + 1}/{limit.year - k % 2}" for k in range(20)
    ]  # in one order, some are in the future

    hint = refused(tmp_path, values, future_tolerance=f"{(limit - clock).total_seconds():.0f}s")

    assert suggested(hint) == "%m/%d/%Y"


def test_a_declared_pattern_that_does_not_fit_is_corrected(tmp_path):
    values = [f"{time:%d/%m/%Y %H:%M}" for time in MINUTES]

    form = suggested(refused(tmp_path, values, timestamp_format="%d/%m/%Y"))

    assert form == "%d/%m/%Y %H:%M"
    assert times_of(tmp_path, values, form) == MINUTES


def test_iso_times_under_another_declared_format_are_recognised(tmp_path):
    values = [time.isoformat() for time in TIMES]

    form = suggested(refused(tmp_path, values, timestamp_format="%d/%m/%Y"))

    assert form == "iso"
    assert times_of(tmp_path, values, form) == TIMES


def test_epochs_under_a_declared_pattern_are_recognised(tmp_path):
    values = [str(int(time.timestamp())) for time in TIMES]

    assert suggested(refused(tmp_path, values, timestamp_format="%d/%m/%Y")) == "s"


def test_a_few_unreadable_values_do_not_hide_the_format(tmp_path):
    values = [f"{day:%d/%m/%Y}" for day in DAYS * 20]
    values[::60] = ["soon"] * 4

    hint = refused(tmp_path, values)

    assert suggested(hint) == "%d/%m/%Y"
    assert "which reads 236 of 240 times" in hint


def test_a_hint_is_given_if_most_times_are_unreadable(tmp_path):
    rng = np.random.default_rng(2)
    values = [f"{day:%d.%m.%Y}" if rng.random() < 0.97 else f"{day:%Y-%m-%d}" for day in DAYS * 20]

    assert suggested(refused(tmp_path, values)) == "%d.%m.%Y"


def test_two_formats_in_one_column_are_reported(tmp_path):
    values = [f"{day:%d.%m.%Y}" for day in DAYS[:7]] + [f"{day:%Y-%m-%d}" for day in DAYS[7:]]

    hint = refused(tmp_path, values)

    assert "written in more than one format: '%d.%m.%Y' reads 7 of 12" in hint


def test_a_time_that_no_pattern_reads_is_shown_with_an_example(tmp_path):
    hint = refused(tmp_path, ["the third of May", "soon", "later"])

    assert "events.timestamp_format to a strftime pattern that reads 'the third of May'" in hint
    assert "'%d/%m/%Y %H:%M'" in hint


def test_a_few_unreadable_times_give_no_format_hint(tmp_path):
    hint = refused(tmp_path, [time.isoformat() for time in TIMES] + ["soon"] * 2)

    assert "timestamp_format" not in hint
    assert "events.max_bad_fraction: 0.15" in hint
