"""What `evaluate` works on: the dataset divided by the config's split, as matrices and test users."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from als_cli.config.evaluate import CandidatesConfig, GivenSplit, TimeSplit
from als_cli.dataset.interactions import Interactions
from als_cli.errors import DataError
from als_cli.evaluation.significance import FEWEST_USERS
from als_cli.splitting.auto_split import (
    SplitChoice,
    choose_split,
    describe_choice,
    given_split,
    name_of_window,
)
from als_cli.splitting.holdout import Holdout
from als_cli.splitting.sides import read_pairs, sides_of, typed_pairs
from als_cli.splitting.splits import SplitEvents
from als_cli.stages.context import StageContext
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, find_files


@dataclass(frozen=True)
class EvaluationParts:
    """Both sides of an evaluation."""

    training: Interactions
    """All that methods learn from."""
    holdout: Holdout
    """Who is judged, and on what."""
    users_are_held_out: bool
    """Whether test users are unknown to training, so that their factors are folded in from their history."""
    events: SplitEvents
    """The clean events of both, from which baselines take times."""
    split: GivenSplit
    """How they were divided."""
    choice: SplitChoice | None
    """How `auto` chose the split; None: the config gave it."""

    @property
    def cut_off(self) -> datetime | None:
        """Start of the test period of a time split."""
        return self.events.cut_off


log = logging.getLogger(__name__)


class HasEvents(Protocol):
    """A dataset, or as much of it as may be seen."""

    def scan_events(self) -> pl.LazyFrame:
        """Return the clean events (CLEAN_EVENT_COLUMNS)."""
        ...


def divide(context: StageContext, dataset: HasEvents, find: FindFiles = find_files) -> EvaluationParts:
    """Return the training part and the test users of `dataset` under the config's split, sample and candidates.

    `find` finds the test file and the file of candidates.

    Ids, strengths, popularity and minimum counts of the training part come from its own events alone.

    Raises
    ------
    ConfigError
        The split needs timestamps that the events lack, or a file lacks a column.
    DataError
        A part is empty, or a file cannot be read.
    """
    config, clean = context.config.evaluate, dataset.scan_events()
    split, choice = given_split(context, clean)
    sides = sides_of(context, clean, split, find)
    holdout = sides.holdout
    if config.users != "all":
        holdout = holdout.sample(config.users, config.seed)
    if config.candidates is not None:
        pairs = _candidate_pairs(config.candidates, sides.training, find)
        holdout = holdout.with_candidates(pairs, sides.training.item_ids)
    if holdout.part.users == 0:
        raise DataError(
            f"evaluate.split: none of {holdout.counts['test_users']} test users can be judged: "
            "they have no history in the training part, or no test item that is new to them",
            hint="choose another split, or leave evaluate.split out, or set evaluate.exclude_seen: false",
        )
    held_out = sides.events.visible is not None
    return EvaluationParts(sides.training, holdout, held_out, sides.events, split, choice)


def warn_of_few_test_users(context: StageContext, dataset: HasEvents, parts: EvaluationParts) -> None:
    """Log that the config's test period holds too few test users to say anything, and which split would hold more."""
    users = parts.holdout.part.users
    if parts.choice is not None or not isinstance(parts.split, TimeSplit) or users >= FEWEST_USERS:
        return
    if context.config.evaluate.users == users:
        return  # a longer test period would not help
    better = choose_split(context, dataset.scan_events())
    log.warning(
        "evaluate.split.%s has fewer than %d test users (%d); {by: auto} would take %s",
        name_of_window(parts.split),
        FEWEST_USERS,
        users,
        describe_choice(better),
    )


def _candidate_pairs(config: CandidatesConfig, training: Interactions, find: FindFiles) -> pl.DataFrame:
    key, columns = "evaluate.candidates.columns", config.columns
    wanted = Wanted("evaluate.candidates", {f"{key}.user": columns.user, f"{key}.item": columns.item})
    pairs = read_pairs(config.path, config, wanted, find)
    return typed_pairs(pairs, training.user_ids.dtype, training.item_ids.dtype)
