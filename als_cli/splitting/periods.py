"""Test periods of a time split: the newest one, and the periods before it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import polars as pl

from als_cli.config.evaluate import TimeSplit
from als_cli.events.net_pairs import Duplicates
from als_cli.splitting.splits import split_by_time


@dataclass(frozen=True)
class Period:
    """A test period, UTC."""

    start: datetime
    """The cut-off: the first instant of the period."""
    end: datetime
    """The end of the period, excluded."""

    @property
    def length(self) -> timedelta:
        """Time from start to end."""
        return self.end - self.start

    @property
    def split(self) -> TimeSplit:
        """The split whose test set begins with this period."""
        return TimeSplit(test=self.start)

    def seen_of(self, clean: pl.LazyFrame) -> pl.LazyFrame:
        """Return the events of `clean` before the end. Training set and test set of the period may use only these."""
        return clean.filter(pl.col("timestamp") < self.end)


def newest_period(clean: pl.LazyFrame, split: TimeSplit, duplicates: Duplicates) -> Period:
    """Return the test period of `split` on `clean` events.

    Raises
    ------
    ConfigError
        The events have no timestamps.
    DataError
        The training set or the test set is empty, or some events have no timestamps.
    """
    events = split_by_time(clean, split, duplicates)
    if events.cut_off is None or events.test_length is None:
        raise TypeError("a time split has a cut-off")
    return Period(events.cut_off, events.cut_off + events.test_length)


def periods_with_training(clean: pl.LazyFrame, newest: Period, step: timedelta, count: int) -> list[Period]:
    """Return `newest` and the periods before it, newest first: at most `count`, and only those with events before them."""
    oldest: datetime = clean.select(pl.col("timestamp").min()).collect().item()
    return [period for period in islice(periods_back(newest, step), count) if period.start > oldest]


def periods_back(newest: Period, step: timedelta) -> Iterator[Period]:
    """Yield `newest`, then the same period earlier by `step`, by twice `step`, and so on until year 1."""
    period = newest
    with suppress(OverflowError):
        while True:
            yield period
            period = Period(period.start - step, period.end - step)


def length_of_test(clean: pl.LazyFrame, split: TimeSplit, cut_off: datetime) -> timedelta:
    """Return the length of the test period of `split`, which begins at `cut_off`; at least one second.

    If `split.test` is an instant, the period ends with the newest event of `clean`. Nothing else of the test set is used.
    """
    if isinstance(split.test, timedelta):
        return split.test
    span: timedelta = clean.select(pl.col("timestamp").max() - pl.lit(cut_off)).collect().item()
    return max(span, timedelta(seconds=1))
