"""Division of clean events into a training set and the test users that are evaluated on it."""

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
    """Training set and test set of an evaluation."""

    training: Interactions
    """The training set."""
    holdout: Holdout
    """The evaluated test users, with their histories and test items."""
    users_are_held_out: bool
    """Whether test users are not in the training set, so that they are folded in from their history."""
    events: SplitEvents
    """The clean events of both sets, which baselines need for times."""
    split: GivenSplit
    """The split, never `auto`."""
    choice: SplitChoice | None
    """The choice of `auto`; None: the config gives the split."""

    @property
    def cut_off(self) -> datetime | None:
        """Start of the test period of a time split, UTC; None: another split."""
        return self.events.cut_off


def divide(
    clean: pl.LazyFrame, signal: EventsConfig, protocol: SplitProtocol, find: FindFiles = find_files
) -> EvaluationSets:
    """Return the training set and the test users of `clean` events (CLEAN_EVENT_COLUMNS) for `protocol`.

    Ids, strengths, popularity and minimum counts of the training set come from its own events only. `find` finds the
    test file and the file of candidates.

    Raises
    ------
    ConfigError
        The split needs timestamps but the events have none, or a column of a file is missing.
    DataError
        The training set or the test set is empty, or a file cannot be read.
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
            "they have no history in the training set, or all of their test items are in their history",
            hint="choose another split, or remove evaluate.split, or set evaluate.exclude_seen: false",
        )
    held_out = sets.events.visible is not None
    return EvaluationSets(sets.training, holdout, held_out, sets.events, split, choice)


def warn_of_few_test_users(
    clean: pl.LazyFrame, signal: EventsConfig, protocol: SplitProtocol, sets: EvaluationSets
) -> None:
    """Log a warning if an explicit test period has too few test users. The warning names the split that `auto` would take."""
    users = sets.holdout.test_set.users
    if sets.choice is not None or not isinstance(sets.split, TimeSplit) or users >= FEWEST_USERS:
        return
    if protocol.users == users:
        return  # a longer test period would not help
    better = choose_split(clean, signal, exclude_seen=protocol.exclude_seen)
    log.warning(
        "evaluate.split.%s has fewer than %d test users (%d); {by: auto} would take %s",
        name_of_window(sets.split),
        FEWEST_USERS,
        users,
        describe_choice(better),
    )


def _candidate_pairs(config: CandidatesConfig, training: Interactions, find: FindFiles) -> pl.DataFrame:
    key, columns = "evaluate.candidates.columns", config.columns
    wanted = Wanted("evaluate.candidates", {f"{key}.user": columns.user, f"{key}.item": columns.item})
    pairs = read_pairs(config.path, config, wanted, find)
    return typed_pairs(pairs, training.user_ids.dtype, training.item_ids.dtype)
