"""Clean events divided by a split: the training matrix, and the test users with their pairs."""

import logging
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from als_cli.config.evaluate import CandidatesConfig, GivenSplit, TimeSplit
from als_cli.config.events import EventsConfig
from als_cli.dataset.interactions import Interactions
from als_cli.errors import DataError
from als_cli.splitting.auto_split import (
    SplitChoice,
    choose_split,
    describe_choice,
    given_split,
    name_of_window,
)
from als_cli.splitting.holdout import Holdout
from als_cli.splitting.protocol import FEWEST_USERS, SplitProtocol
from als_cli.splitting.sets import read_pairs, sets_of, typed_pairs
from als_cli.splitting.splits import SplitEvents
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, find_files

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluationSets:
    """Both sides of an evaluation."""

    training: Interactions
    """All that methods learn from."""
    holdout: Holdout
    """Who is evaluated, and on what."""
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


def divide(
    clean: pl.LazyFrame, signal: EventsConfig, protocol: SplitProtocol, find: FindFiles = find_files
) -> EvaluationSets:
    """Return the training set and the test users of `clean` (CLEAN_EVENT_COLUMNS) under `protocol`.

    Ids, strengths, popularity and minimum counts of the training set come from its own events alone. `find` finds the
    test file and the file of candidates.

    Raises
    ------
    ConfigError
        The split needs timestamps that the events lack, or a file lacks a column.
    DataError
        The training or the test set is empty, or a file cannot be read.
    """
    split, choice = given_split(clean, signal, protocol)
    sets = sets_of(clean, signal, split, exclude_seen=protocol.exclude_seen, find=find)
    holdout = sets.holdout
    if protocol.users != "all":
        holdout = holdout.sample(protocol.users, protocol.seed)
    if protocol.candidates is not None:
        pairs = _candidate_pairs(protocol.candidates, sets.training, find)
        holdout = holdout.with_candidates(pairs, sets.training.item_ids)
    if holdout.test_set.users == 0:
        raise DataError(
            f"evaluate.split: none of {holdout.counts['test_users']} test users can be evaluated: "
            "they have no history in the training part, or no test item that is new to them",
            hint="choose another split, or leave evaluate.split out, or set evaluate.exclude_seen: false",
        )
    held_out = sets.events.visible is not None
    return EvaluationSets(sets.training, holdout, held_out, sets.events, split, choice)


def warn_of_few_test_users(
    clean: pl.LazyFrame, signal: EventsConfig, protocol: SplitProtocol, parts: EvaluationSets
) -> None:
    """Log a warning where the test period of `protocol` has too few test users, naming a split that has more."""
    users = parts.holdout.test_set.users
    if parts.choice is not None or not isinstance(parts.split, TimeSplit) or users >= FEWEST_USERS:
        return
    if protocol.users == users:
        return  # a longer test period would not help
    better = choose_split(clean, signal, exclude_seen=protocol.exclude_seen)
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
