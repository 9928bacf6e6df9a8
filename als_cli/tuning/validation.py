"""The validation set of `auto`, made from the events that training may see and from nothing else."""

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
"""Fraction of the events, the newest, that validation uses where all events have a time."""
_SAMPLED = 0.1
"""Fraction of the pairs that validation samples elsewhere: the training set must stay nearly as dense as all data."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ValidationRules:
    """How many users validation evaluates and trains on."""

    most_evaluated: int = 5000
    """Users that are evaluated: a sample of this many."""
    fewest_evaluated: int = 100
    """With fewer, chance decides, so nothing is selected."""
    many_users: int = 100_000
    """From this many training users on, presets are compared on a sample of users."""
    sampled_users: int = 20_000
    """Size of that sample."""


def validation_sets(
    clean: pl.LazyFrame, signal: EventsConfig, rules: ValidationRules
) -> EvaluationSets | None:
    """Return `clean` events divided for validation, None where too few users can be evaluated.

    The validation set has the pairs of the newest tenth of the events. Where events have no time, or too few users
    have a history before that, it is a random tenth of all pairs. Only items that are new to a user count.
    """
    for split in _splits(clean):
        try:
            parts = divide(clean, signal, SplitProtocol(split, users=rules.most_evaluated))
        except DataError as impossible:
            log.debug("no validation set by %s: %s", split.by, impossible)
            continue
        if parts.holdout.test_set.users >= rules.fewest_evaluated:
            return parts
    return None


def smaller(parts: EvaluationSets, rules: ValidationRules) -> EvaluationSets:
    """Return `parts` with a sample of the users where there are very many, else `parts` itself."""
    if parts.training.users.height < rules.many_users:
        return parts
    return sample_users(parts, rules.sampled_users, seed=0)


def _splits(clean: pl.LazyFrame) -> Iterator[TimeSplit | RandomSplit]:
    newest = _newest(clean)
    if newest is not None:
        yield newest
    yield RandomSplit(by="random", fraction=_SAMPLED)


def _newest(clean: pl.LazyFrame) -> TimeSplit | None:
    time = pl.col("timestamp")
    found = clean.select(
        timeless=time.null_count(), oldest=time.min(), cut_off=time.quantile(1 - _NEWEST, "lower")
    ).collect(engine="streaming")
    timeless, oldest, cut_off = found.row(0)
    if timeless or not isinstance(cut_off, datetime) or cut_off <= oldest:
        return None
    return TimeSplit(test=cut_off)
