"""`train.again_after`: daily lists from a weekly model, by one config and `als run` every day."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from als_cli.storage.model_age import _is_younger
from tests.in_process import done
from tests.shop import write_shop

DAY = 86_400
START = 1_767_225_600


@pytest.fixture
def shop(tmp_path):
    """Return a function that runs the shop with the events of the first days, and returns the status of each stage."""
    config = write_shop(tmp_path)
    everything = pl.read_csv(tmp_path / "events.csv")

    def run(days, *options):
        everything.filter(pl.col("ts") < START + days * DAY).write_csv(tmp_path / "events.csv")
        report = done("run", "-c", config, "--set", "train.again_after=7d", *options)
        return [stage["status"] for stage in report["stages"]]

    return run


def test_the_model_is_kept_for_a_week_and_the_lists_are_new_every_day(shop, tmp_path):
    assert shop(20) == ["done"] * 4
    first = pl.read_parquet(tmp_path / "lists")
    assert shop(20) == ["up_to_date"] * 4
    assert shop(22) == ["done", "not_due", "not_due", "done"]
    second = pl.read_parquet(tmp_path / "lists")
    assert set(second["source"]) == {"als", "fold_in"}
    assert not second.equals(first)
    assert shop(28) == ["done"] * 4
    assert set(pl.read_parquet(tmp_path / "lists")["source"]) == {"als"}


def test_another_section_train_and_force_train_at_once(shop):
    shop(20)
    assert shop(21, "--set", "train.iterations=4") == ["done"] * 4
    assert shop(22, "--set", "train.iterations=4") == ["done", "not_due", "not_due", "done"]
    assert shop(22, "--set", "train.iterations=4", "--force") == ["done"] * 4


@pytest.mark.parametrize(
    ("now", "limit", "expected"),
    [
        ("2025-03-08T23:59:59+00:00", timedelta(days=7), True),
        ("2025-03-09T00:00:00+00:00", timedelta(days=7), False),  # seven days of the calendar, 6 d 0 h 10 min
        ("2025-03-09T01:00:00+02:00", timedelta(days=7), True),  # still the 8th in UTC
        ("2025-03-03T11:49:00+00:00", timedelta(hours=12), True),
        ("2025-03-03T11:50:00+00:00", timedelta(hours=12), False),
        ("2025-03-02T23:49:00+00:00", timedelta(days=7), False),  # events went back in time
    ],
)
def test_whole_days_are_days_of_the_calendar(now, limit, expected):
    then = datetime.fromisoformat("2025-03-02T23:50:00+00:00")
    assert _is_younger(then, datetime.fromisoformat(now), limit) == expected
