"""The validation part that `auto` hyperparameters are chosen on: cut off the events that may be seen, nothing else."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from als_cli.config.evaluate import RandomSplit, TimeSplit
from als_cli.errors import DataError
from als_cli.splitting.division import EvaluationParts, divide
from als_cli.stages.context import StageContext
from als_cli.tuning.sample import sample_of

_NEWEST = 0.1
"""Share of the events, the newest, that are validated on where all events carry a time."""
_DRAWN = 0.1
"""Share of the pairs that are drawn where they do not: what is left to train on must be nearly as dense as all of it."""
_MOST_JUDGES = 5000
"""Users that are judged: a drawn sample of those that can be."""
_FEWEST_JUDGES = 100
"""With fewer, luck would choose."""
_MANY_USERS = 100_000
_DRAWN_USERS = 20_000
"""Of `_MANY_USERS` and more, so many are enough to compare settings of the loss."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Events:
    """All that may be seen, in the shape of a dataset."""

    events: pl.LazyFrame

    def scan_events(self) -> pl.LazyFrame:
        return self.events


def validation_part(context: StageContext, clean: pl.LazyFrame) -> EvaluationParts | None:
    """Return `clean` events (CLEAN_EVENT_COLUMNS) divided to choose settings, None where too few users can be judged.

    Judged on are the pairs of the newest tenth of the events, as production will be; a tenth of all pairs drawn at
    random where events carry no time, or where too few users have been there before. Only items new to a user count.
    """
    newest = _newest(clean)
    splits: list[TimeSplit | RandomSplit] = [] if newest is None else [newest]
    for split in [*splits, RandomSplit(by="random", share=_DRAWN)]:
        evaluate = context.config.evaluate.model_copy(
            update={
                "split": split,
                "users": _MOST_JUDGES,
                "candidates": None,
                "exclude_seen": True,
                "seed": 0,
            }
        )
        judging = replace(context, config=context.config.model_copy(update={"evaluate": evaluate}))
        try:
            parts = divide(judging, _Events(clean))
        except DataError as impossible:
            log.debug("no validation part by %s: %s", split.by, impossible)
            continue
        if parts.holdout.part.users >= _FEWEST_JUDGES:
            return parts
    return None


def smaller(parts: EvaluationParts) -> EvaluationParts:
    """Return `parts`, with a drawn sample of the users where there are very many."""
    if parts.training.users.height < _MANY_USERS:
        return parts
    return sample_of(parts, _DRAWN_USERS, seed=0)


def _newest(clean: pl.LazyFrame) -> TimeSplit | None:
    time = pl.col("timestamp")
    found = clean.select(
        timeless=time.null_count(), oldest=time.min(), cut_off=time.quantile(1 - _NEWEST, "lower")
    ).collect(engine="streaming")
    timeless, oldest, cut_off = found.row(0)
    if timeless or not isinstance(cut_off, datetime) or cut_off <= oldest:
        return None
    return TimeSplit(test=cut_off)
