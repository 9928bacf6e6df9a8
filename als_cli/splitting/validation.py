"""The validation sets that select settings, made only from events of the training set."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import polars as pl

from als_cli.config.evaluate import GivenSplit, RandomSplit
from als_cli.config.events import EventsConfig
from als_cli.config.fields import format_duration
from als_cli.errors import ConfigError, DataError
from als_cli.splitting.division import EvaluationSets, divide
from als_cli.splitting.periods import Period, periods_back
from als_cli.splitting.protocol import SplitProtocol
from als_cli.splitting.subsample import sample_users

_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(microseconds=1)
_NEWEST = 0.1
"""Without a horizon, a validation period has this fraction of the events: the newest."""
_SAMPLED = 0.1
"""Fraction of the pairs in a random validation set. It is small, so that the training set stays nearly as dense."""
_MAXIMUM_PERIODS = 4
_MINIMUM_TRAINING = 0.4
"""Minimum fraction of the events before a period, except the newest period."""

log = logging.getLogger(__name__)

ValidationSets = tuple[EvaluationSets, ...]


@dataclass(frozen=True)
class ValidationRules:
    """The users that validation evaluates and trains on, and their test items."""

    maximum_evaluated: int = 3000
    """Maximum number of evaluated users of a validation set. Above it, users are sampled."""
    maximum_searched: int = 1000
    """Maximum number of users that searches without another training evaluate, in all validation sets together."""
    minimum_evaluated: int = 100
    """Minimum number of evaluated users. Below it, results are too noisy to select settings."""
    many_users: int = 100_000
    """Minimum number of training users for which presets are compared on a sample of users."""
    sampled_users: int = 20_000
    """Number of users in this sample."""
    exclude_seen: bool = True
    """Whether only items that are new to a user count."""


@dataclass(frozen=True)
class Horizon:
    """The length of validation periods."""

    length: timedelta | None = None
    """None: the period of the newest tenth of the events."""
    is_given: bool = False
    """Whether `train.horizon` gives the length. Otherwise a length that the events do not allow is replaced."""
    follows_time: bool = True
    """Whether settings may depend on times. If not, the newest tenth is one validation set without times."""


def validation_sets(
    clean: pl.LazyFrame, signal: EventsConfig, horizon: Horizon, rules: ValidationRules
) -> ValidationSets:
    """Return training sets with validation sets of `clean` events, none if too few users can be evaluated.

    If all events have timestamps, they are consecutive periods of the length of `horizon`, the newest first. Each is
    made without later events. Periods are added until all of them together have `rules.maximum_evaluated` users, four
    periods at most. Otherwise, or if too few users have earlier events, there is one validation set with a random tenth
    of all pairs. With `rules.exclude_seen`, only items that are new to a user count.

    Raises
    ------
    ConfigError
        `train.horizon` is longer than the time from the oldest to the newest event.
    """
    sets = _by_time(clean, signal, horizon, rules)
    if not horizon.follows_time:
        sets = tuple(without_times(one) for one in sets[:1])
    if _users(sets) < rules.minimum_evaluated:
        sets = _divided(clean, signal, RandomSplit(by="random", fraction=_SAMPLED), rules)
    return sets if _users(sets) >= rules.minimum_evaluated else ()


def smaller(sets: EvaluationSets, rules: ValidationRules) -> EvaluationSets:
    """Return `sets` with a sample of the users if there are `many_users`, else `sets`."""
    if sets.training.users.height < rules.many_users:
        return sets
    return sample_users(sets, rules.sampled_users, seed=0)


def _by_time(
    clean: pl.LazyFrame, signal: EventsConfig, horizon: Horizon, rules: ValidationRules
) -> ValidationSets:
    """Return the newest periods; none if an event has no timestamp."""
    found: list[EvaluationSets] = []
    for period in _periods(clean, horizon):
        sets = _divided(period.seen_of(clean), signal, period.split, rules)
        if not sets:
            break
        found += sets
        if _users(found) >= rules.maximum_evaluated:
            break
    return tuple(found)


def without_times(sets: EvaluationSets) -> EvaluationSets:
    """Return `sets` without the times of pairs, for searches that must not depend on them."""
    test_set = replace(sets.holdout.test_set, times=None)
    return replace(
        sets,
        training=replace(sets.training, times=None),
        holdout=replace(sets.holdout, test_set=test_set),
    )


def _divided(
    clean: pl.LazyFrame, signal: EventsConfig, split: GivenSplit, rules: ValidationRules
) -> ValidationSets:
    protocol = SplitProtocol(split, exclude_seen=rules.exclude_seen, users=rules.maximum_evaluated)
    try:
        return (divide(clean, signal, protocol),)
    except DataError as impossible:
        log.debug("no validation set by %s: %s", split.by, impossible)
        return ()


def _users(sets: Sequence[EvaluationSets]) -> int:
    return sum(one.holdout.test_set.users for one in sets)


def _periods(clean: pl.LazyFrame, horizon: Horizon) -> list[Period]:
    time = pl.col("timestamp")
    found = clean.select(
        timeless=time.null_count(),
        oldest=time.min(),
        newest=time.max(),
        tenth=time.quantile(1 - _NEWEST, "lower"),
        enough=time.quantile(_MINIMUM_TRAINING, "lower"),
    ).collect(engine="streaming")
    timeless, oldest, newest, tenth, enough = found.row(0)
    if timeless or not isinstance(newest, datetime) or oldest == newest:
        return []
    end = min(newest, _LATEST) + timedelta(microseconds=1)
    length = horizon.length
    if length is not None and newest - length <= oldest:
        if horizon.is_given:
            raise ConfigError(
                f"train.horizon is {format_duration(length)}, "
                f"but all events are from {oldest:%Y-%m-%d %H:%M} to {newest:%Y-%m-%d %H:%M}",
                hint="set a shorter train.horizon, or remove it",
            )
        length = None
    start = tenth if length is None else newest - length
    if start <= oldest:
        return []
    first = Period(start, end)
    earlier = islice(periods_back(first, first.length), 1, _MAXIMUM_PERIODS)
    return [first, *(period for period in earlier if period.start > max(oldest, enough))]
