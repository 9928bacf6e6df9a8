"""The validation set of `auto`, made only from events of the training set."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from als_cli.config.evaluate import RandomSplit, TimeSplit
from als_cli.config.events import EventsConfig
from als_cli.errors import DataError
from als_cli.splitting.division import EvaluationSets, divide
from als_cli.splitting.protocol import SplitProtocol
from als_cli.splitting.subsample import sample_users

_NEWEST = 0.1
"""Fraction of the events in the validation set, if all events have a time: the newest events."""
_SAMPLED = 0.1
"""Fraction of the pairs in a random validation set. It is small, so that the training set stays nearly as dense."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ValidationRules:
    """Numbers of users that validation evaluates and trains on."""

    maximum_evaluated: int = 5000
    """Maximum number of evaluated users. Above it, users are sampled."""
    minimum_evaluated: int = 100
    """Minimum number of evaluated users. Below it, results are too noisy to select settings."""
    many_users: int = 100_000
    """Minimum number of training users for which presets are compared on a sample of users."""
    sampled_users: int = 20_000
    """Number of users in this sample."""


def validation_sets(
    clean: pl.LazyFrame, signal: EventsConfig, rules: ValidationRules
) -> EvaluationSets | None:
    """Return the training set and the validation set of `clean` events, None if too few users can be evaluated.

    The validation set has the pairs of the newest tenth of the events. It is a random tenth of all pairs if events have
    no timestamps, or if too few users have earlier events. Only items that are new to a user count.
    """
    for split in _splits(clean):
        try:
            sets = divide(clean, signal, SplitProtocol(split, users=rules.maximum_evaluated))
        except DataError as impossible:
            log.debug("no validation set by %s: %s", split.by, impossible)
            continue
        if sets.holdout.test_set.users >= rules.minimum_evaluated:
            return sets
    return None


def smaller(sets: EvaluationSets, rules: ValidationRules) -> EvaluationSets:
    """Return `sets` with a sample of the users if there are `many_users`, else `sets`."""
    if sets.training.users.height < rules.many_users:
        return sets
    return sample_users(sets, rules.sampled_users, seed=0)


def _splits(clean: pl.LazyFrame) -> Iterator[TimeSplit | RandomSplit]:
    newest = _newest(clean)
    if newest is not None:
        yield newest
    yield RandomSplit(by="random", fraction=_SAMPLED)


def _newest(clean: pl.LazyFrame) -> TimeSplit | None:
    time = pl.col("timestamp")
    found = clean.select(
        without_timestamp=time.null_count(), oldest=time.min(), cut_off=time.quantile(1 - _NEWEST, "lower")
    ).collect(engine="streaming")
    without_timestamp, oldest, cut_off = found.row(0)
    if without_timestamp or not isinstance(cut_off, datetime) or cut_off <= oldest:
        return None
    return TimeSplit(test=cut_off)
