"""Test periods of the past: what a time split would have seen, had the events ended earlier."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from als_cli.config.evaluate import TimeSplit


@dataclass(frozen=True)
class Period:
    """A test period, UTC."""

    start: datetime
    """The cut-off: its first instant."""
    end: datetime
    """Its end, which does not belong to it."""

    @property
    def length(self) -> timedelta:
        """Time from start to end."""
        return self.end - self.start

    @property
    def split(self) -> TimeSplit:
        """The split whose test part begins with this period."""
        return TimeSplit(test=self.start)

    def seen_of(self, clean: pl.LazyFrame) -> pl.LazyFrame:
        """Return the events of `clean` before the end: all that this period's training and test part may see."""
        return clean.filter(pl.col("timestamp") < self.end)


def periods_back(newest: Period, step: timedelta) -> Iterator[Period]:
    """Yield `newest`, then the same period earlier by `step`, by twice `step`, and so on without end."""
    period = newest
    while True:
        yield period
        period = Period(period.start - step, period.end - step)


def length_of_test(clean: pl.LazyFrame, split: TimeSplit, cut_off: datetime) -> timedelta:
    """Return the length of the test period of `split`, which begins at `cut_off`; at least a second.

    Of the test part, only where it ends is asked.
    """
    if isinstance(split.test, timedelta):
        return split.test
    span: timedelta = clean.select(pl.col("timestamp").max() - pl.lit(cut_off)).collect().item()
    return max(span, timedelta(seconds=1))
