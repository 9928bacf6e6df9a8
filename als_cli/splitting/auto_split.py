"""`evaluate.split: {by: auto}`: the split is chosen from the times of the events and the number of test users.

The rule counts users and looks at no figure, so the choice cannot favour a model. docs/evaluation.md gives its reasons.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from als_cli import NOTICE
from als_cli.config.evaluate import AutoSplit, GivenSplit, RandomSplit, TimeSplit
from als_cli.config.events import EventsConfig
from als_cli.config.fields import format_duration
from als_cli.errors import DataError
from als_cli.splitting.protocol import FEWEST_USERS, SplitProtocol
from als_cli.splitting.sets import sets_of

ENOUGH_USERS = 1000
"""Test users of the window that is taken: the 95 % interval of a mean NDCG@10 is then about 0.01 on either side."""
LARGEST_WINDOW = 0.2
"""Of the time from the oldest to the newest event: the test period and three folds before it leave a fifth to train on."""
WHOLE_DAYS_FROM = timedelta(days=14)
"""With events of so long a time, windows are whole days: every hour of the day counts alike."""
HOURS = (1, 2, 3, 6, 12, 24, 36, 48)
DAYS = (1, 2, 3, 5, 7, 14, 28, 56, 84, 168, 364)
"""Whole weeks from the seventh day on: every day of the week counts alike."""
NO_TIME = "the events carry no time"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SplitChoice:
    """What `auto` comes to on a dataset."""

    split: TimeSplit | RandomSplit
    test_users: int
    """Users with history and a test item that counts, before any sample of them is drawn."""
    why_random: str | None = None
    """Why no test period was taken; None: one was."""


@dataclass(frozen=True)
class _Times:
    """The time span of the events, and how many of them carry no time."""

    events: int
    timeless: int
    oldest: datetime | None
    newest: datetime | None

    @property
    def why_no_window(self) -> str | None:
        """Why there cannot be a test period; None: there can."""
        if self.timeless == self.events:
            return NO_TIME
        if self.timeless:
            return f"{self.timeless:,} of {self.events:,} events carry no time"
        return None if self.windows else "the events span less than five hours"

    @property
    def windows(self) -> tuple[timedelta, ...]:
        """All test periods that are allowed, the shortest first."""
        if self.timeless or self.oldest is None or self.newest is None:
            return ()
        span = self.newest - self.oldest
        windows = (timedelta(hours=hours) for hours in HOURS)
        if span >= WHOLE_DAYS_FROM:
            windows = (timedelta(days=days) for days in DAYS)
        return tuple(window for window in windows if window <= LARGEST_WINDOW * span)


def given_split(
    clean: pl.LazyFrame, signal: EventsConfig, protocol: SplitProtocol
) -> tuple[GivenSplit, SplitChoice | None]:
    """Return the split of `protocol`; where it is `auto`, the one that `auto` chooses, which is logged, and the choice."""
    if not isinstance(protocol.split, AutoSplit):
        return protocol.split, None
    choice = choose_split(clean, signal, exclude_seen=protocol.exclude_seen)
    log_choice(choice)
    return choice.split, choice


def resolve_split(clean: pl.LazyFrame, signal: EventsConfig, protocol: SplitProtocol) -> SplitProtocol:
    """Return `protocol` with the split of :func:`given_split`."""
    return replace(protocol, split=given_split(clean, signal, protocol)[0])


def choose_split(clean: pl.LazyFrame, signal: EventsConfig, *, exclude_seen: bool) -> SplitChoice:
    """Return the split that `auto` stands for on `clean` events (CLEAN_EVENT_COLUMNS).

    It is the shortest allowed test period with ENOUGH_USERS test users; where no period has so many, the one with the
    most. It is random pairs where an event has no time, or where no period has any test user.
    """
    times = _times_of(clean)
    why = times.why_no_window
    counter = _UserCounter(clean, signal, exclude_seen)
    best = None if why else _best_window(counter, times)
    if best is not None:
        return best
    split = RandomSplit(by="random")
    return SplitChoice(split, counter.test_users(split), why or "no test window holds a test user")


def log_choice(choice: SplitChoice) -> None:
    """Log `choice`: as a warning where it holds too few test users."""
    level = NOTICE if choice.test_users >= FEWEST_USERS else logging.WARNING
    why = f" ({choice.why_random})" if choice.why_random else ""
    log.log(level, "evaluate.split is auto and takes %s%s", describe_choice(choice), why)


def describe_choice(choice: SplitChoice) -> str:
    """Return the test set of `choice` and its users in words, and what is wrong where these are few."""
    few = f", fewer than {FEWEST_USERS}: figures say little" if choice.test_users < FEWEST_USERS else ""
    users = f"{choice.test_users:,} test users{few}"
    if isinstance(choice.split, TimeSplit):
        return f"{name_of_window(choice.split)}, with {users}"
    return f"a random {100 * choice.split.fraction:g} % of the pairs, with {users}"


def name_of_window(split: TimeSplit) -> str:
    """Return the key `test` of `split` with its value, as in the config."""
    if isinstance(split.test, timedelta):
        return f"test: {format_duration(split.test)}"
    return f"test: {split.test:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class _UserCounter:
    """Counts the test users of a split."""

    clean: pl.LazyFrame
    signal: EventsConfig
    exclude_seen: bool

    def test_users(self, split: TimeSplit | RandomSplit) -> int:
        """Return the test users as an evaluation counts them."""
        try:
            sets = sets_of(self.clean, self.signal, split, exclude_seen=self.exclude_seen)
        except DataError:
            return 0
        return sets.holdout.test_set.users


def _best_window(counter: _UserCounter, times: _Times) -> SplitChoice | None:
    """Return the shortest allowed test period with enough users, else the one with most, None where none has any."""
    at_most = _most_test_users(counter.clean, times.windows, times.newest)
    counted: dict[timedelta, int] = {}
    # First those that may hold enough: of many events few windows are worth a count.
    for window in sorted(at_most, key=lambda window: (at_most[window] < ENOUGH_USERS, window)):
        if at_most[window] >= max(counted.values(), default=1):
            counted[window] = counter.test_users(TimeSplit(by="time", test=window))
            if counted[window] >= ENOUGH_USERS:
                break
    most = max(counted.values(), default=0)
    if most == 0:
        return None
    window = min(window for window, users in counted.items() if users == most)
    return SplitChoice(TimeSplit(by="time", test=window), most)


def _most_test_users(
    clean: pl.LazyFrame, windows: Sequence[timedelta], newest: datetime | None
) -> dict[timedelta, int]:
    """Return by test period, the shortest first, the users with events on both sides: no more can be test users."""
    spans = (
        clean.group_by("user_id")
        .agg(first=pl.col("timestamp").min(), last=pl.col("timestamp").max())
        .collect(engine="streaming")
    )
    both = {
        window: (pl.col("first") < pl.lit(newest) - window) & (pl.col("last") >= pl.lit(newest) - window)
        for window in windows
    }
    return {window: spans.filter(condition).height for window, condition in both.items()}


def _times_of(clean: pl.LazyFrame) -> _Times:
    time = pl.col("timestamp")
    found = clean.select(events=pl.len(), timeless=time.null_count(), oldest=time.min(), newest=time.max())
    return _Times(**found.collect(engine="streaming").row(0, named=True))
