"""Choice of the split for `evaluate.split: {by: auto}`, from the times of the events and the number of test users.

The rule uses no metric, so it cannot favour a model. docs/evaluation.md gives its reasons.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from als_cli import NOTICE
from als_cli.config.evaluate import AutoSplit, EvaluateConfig, GivenSplit, RandomSplit, Split, TimeSplit
from als_cli.config.events import EventsConfig
from als_cli.config.fields import format_duration
from als_cli.errors import ConfigError, DataError
from als_cli.splitting.protocol import MINIMUM_TEST_USERS
from als_cli.splitting.sets import sets_of

ENOUGH_USERS = 1000
"""Minimum number of test users of a window. The 95 % interval of a mean NDCG@10 is then about ± 0.01."""
MAXIMUM_WINDOW = 0.2
"""Maximum window, as a fraction of the time span of the events. The test period and three folds leave a fifth to train on."""
KNOWN_PAIRS = 0.5
"""Minimum fraction of the test pairs with an item of the training set. No model can recommend the other items."""
WHOLE_DAYS_FROM = timedelta(days=14)
"""Minimum time span for windows of whole days, which contain every hour of the day equally often."""
HOURS = (1, 2, 3, 6, 12, 24, 36, 48)
"""Windows in hours, for shorter time spans."""
DAYS = (1, 2, 3, 5, 7, 14, 28, 56, 84, 168, 364)
"""Windows in days. From 7 on they are whole weeks, which contain every day of the week equally often."""
_NO_TIMESTAMPS = "the events have no timestamps"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SplitChoice:
    """The split that `auto` chooses for a dataset."""

    split: TimeSplit | RandomSplit
    test_users: int
    """Number of users with history and at least one test item, before `evaluate.users` samples them."""
    why_random: str | None = None
    """Why the split is random; None: it is by time."""


@dataclass(frozen=True)
class _Times:
    """Time span of the events, and the number of events without a timestamp."""

    events: int
    without_timestamp: int
    oldest: datetime | None
    newest: datetime | None

    @property
    def why_no_window(self) -> str | None:
        """Why no window is allowed; None: at least one is."""
        if self.without_timestamp == self.events:
            return _NO_TIMESTAMPS
        if self.without_timestamp:
            return f"{self.without_timestamp:,} of {self.events:,} events have no timestamp"
        return None if self.windows else "the events span less than five hours"

    @property
    def windows(self) -> tuple[timedelta, ...]:
        """The allowed windows, shortest first."""
        if self.without_timestamp or self.oldest is None or self.newest is None:
            return ()
        span = self.newest - self.oldest
        windows = (timedelta(hours=hours) for hours in HOURS)
        if span >= WHOLE_DAYS_FROM:
            windows = (timedelta(days=days) for days in DAYS)
        return tuple(window for window in windows if window <= MAXIMUM_WINDOW * span)


def given_split(
    clean: pl.LazyFrame, signal: EventsConfig, config: EvaluateConfig
) -> tuple[GivenSplit, SplitChoice | None]:
    """Return the split of section `evaluate` and None; for `auto`, the chosen split and the choice, which is logged."""
    if not isinstance(config.split, AutoSplit):
        return config.split, None
    choice = choose_split(clean, signal, exclude_seen=config.exclude_seen)
    log_choice(choice)
    return choice.split, choice


def required_time_split(
    clean: pl.LazyFrame, signal: EventsConfig, split: Split, *, exclude_seen: bool
) -> TimeSplit:
    """Return `split` if it is by time, else the time split that `auto` chooses, which is logged.

    Raises
    ------
    ConfigError
        `auto` chooses random pairs because the events have no timestamps.
    DataError
        `auto` chooses random pairs for another reason.
    """
    if isinstance(split, TimeSplit):
        return split
    choice = choose_split(clean, signal, exclude_seen=exclude_seen)
    if isinstance(choice.split, TimeSplit):
        log_choice(choice)
        return choice.split
    message = f"als backtest needs test periods, but {choice.why_random}"
    if choice.why_random == _NO_TIMESTAMPS:
        raise ConfigError(message, hint="set events.columns.timestamp")
    raise DataError(message, hint="give every event a timestamp, or set evaluate.split: {by: time, test: 1d}")


def choose_split(clean: pl.LazyFrame, signal: EventsConfig, *, exclude_seen: bool) -> SplitChoice:
    """Return the split that `auto` chooses for `clean` events (CLEAN_EVENT_COLUMNS).

    The split is the shortest allowed window with ENOUGH_USERS test users, else the window with the most. Windows of
    mostly unknown items (:data:`KNOWN_PAIRS`) are left out if another one has MINIMUM_TEST_USERS. The split is random
    pairs if an event has no timestamp, or if no window has a test user.
    """
    times = _times_of(clean)
    why = times.why_no_window
    counter = _UserCounter(clean, signal, exclude_seen)
    best = None if why else _best_window(counter, times)
    if best is not None:
        return best
    split = RandomSplit(by="random")
    return SplitChoice(split, counter.count(split).users, why or "no test window has a test user")


def log_choice(choice: SplitChoice) -> None:
    """Log `choice`; as a warning if it has fewer than MINIMUM_TEST_USERS test users."""
    level = NOTICE if choice.test_users >= MINIMUM_TEST_USERS else logging.WARNING
    why = f" ({choice.why_random})" if choice.why_random else ""
    log.log(level, "evaluate.split is auto and takes %s%s", describe_choice(choice), why)


def describe_choice(choice: SplitChoice) -> str:
    """Return the test set of `choice` and its number of users in words, with a remark if there are too few."""
    few = (
        f", fewer than {MINIMUM_TEST_USERS}: the metrics are unreliable"
        if choice.test_users < MINIMUM_TEST_USERS
        else ""
    )
    users = f"{choice.test_users:,} test users{few}"
    if isinstance(choice.split, TimeSplit):
        return f"{name_of_window(choice.split)}, with {users}"
    return f"a random {100 * choice.split.fraction:g} % of the pairs, with {users}"


def warn_of_few_test_users(
    clean: pl.LazyFrame, signal: EventsConfig, config: EvaluateConfig, test_users: int
) -> None:
    """Log a warning if section `evaluate` gives a test period that has too few test users.

    The warning names the split that `auto` would choose.
    """
    if not isinstance(config.split, TimeSplit) or test_users >= MINIMUM_TEST_USERS:
        return
    if config.users == test_users:
        return  # a longer test period would not help
    better = choose_split(clean, signal, exclude_seen=config.exclude_seen)
    log.warning(
        "evaluate.split.%s has fewer than %d test users (%d); {by: auto} would take %s",
        name_of_window(config.split),
        MINIMUM_TEST_USERS,
        test_users,
        describe_choice(better),
    )


def name_of_window(split: TimeSplit) -> str:
    """Return key and value of `split.test` as in the config, such as ``test: 7d``."""
    if isinstance(split.test, timedelta):
        return f"test: {format_duration(split.test)}"
    return f"test: {split.test:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class _TestUsers:
    """The test users of a split, and whether they can be evaluated."""

    users: int
    knows_most: bool
    """Whether the training set has the items of at least KNOWN_PAIRS of the test pairs."""


@dataclass(frozen=True)
class _UserCounter:
    """Counts the test users of a split of `clean` events."""

    clean: pl.LazyFrame
    signal: EventsConfig
    exclude_seen: bool

    def count(self, split: TimeSplit | RandomSplit) -> _TestUsers:
        """Return the test users of `split`, as an evaluation counts them; 0 if a set is empty."""
        try:
            sets = sets_of(self.clean, self.signal, split, exclude_seen=self.exclude_seen)
        except DataError:
            return _TestUsers(0, knows_most=False)
        found = sets.holdout.test_set
        pairs = int(found.relevant_counts.sum())
        return _TestUsers(found.users, knows_most=found.relevant.nnz >= KNOWN_PAIRS * pairs)


def _best_window(counter: _UserCounter, times: _Times) -> SplitChoice | None:
    """Return the shortest allowed window with ENOUGH_USERS users, else the window with the most; None if none has a user.

    Windows of unknown items count only if all others have too few test users.
    """
    at_most = _most_test_users(counter.clean, times.windows, times.newest)
    counted: dict[timedelta, _TestUsers] = {}
    # Windows that may have enough users come first, because each count reads all events.
    for window in sorted(at_most, key=lambda window: (at_most[window] < ENOUGH_USERS, window)):
        most = max((one.users for one in counted.values() if one.knows_most), default=1)
        if at_most[window] >= most:
            counted[window] = counter.count(TimeSplit(by="time", test=window))
            if counted[window].knows_most and counted[window].users >= ENOUGH_USERS:
                break
    knowing = {
        window: one for window, one in counted.items() if one.knows_most and one.users >= MINIMUM_TEST_USERS
    } or counted
    most = max((min(one.users, ENOUGH_USERS) for one in knowing.values()), default=0)
    if most == 0:
        return None
    window = min(window for window, one in knowing.items() if one.users >= most)
    return SplitChoice(TimeSplit(by="time", test=window), knowing[window].users)


def _most_test_users(
    clean: pl.LazyFrame, windows: Sequence[timedelta], newest: datetime | None
) -> dict[timedelta, int]:
    """Return an upper bound of the test users of each window, shortest first: users with events on both sides of it."""
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
    found = clean.select(
        events=pl.len(), without_timestamp=time.null_count(), oldest=time.min(), newest=time.max()
    )
    return _Times(**found.collect(engine="streaming").row(0, named=True))
