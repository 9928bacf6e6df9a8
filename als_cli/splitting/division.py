"""Division of clean events into a training set and the test users that are evaluated on it."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from als_cli.config.evaluate import CandidatesConfig
from als_cli.config.events import EventsConfig
from als_cli.dataset.interactions import Interactions
from als_cli.errors import DataError
from als_cli.splitting.holdout import Holdout
from als_cli.splitting.protocol import SplitProtocol
from als_cli.splitting.sets import read_pairs, sets_of, typed_pairs
from als_cli.splitting.splits import SplitEvents
from als_cli.tables.scan import FindFiles, find_files


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
    """The clean events of both sets, which are split again for validation."""

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
    sets = sets_of(clean, signal, protocol.split, exclude_seen=protocol.exclude_seen, find=find)
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
    return EvaluationSets(sets.training, holdout, sets.events.visible is not None, sets.events)


def _candidate_pairs(config: CandidatesConfig, training: Interactions, find: FindFiles) -> pl.DataFrame:
    section = "evaluate.candidates"
    pairs = read_pairs(config, config.columns, section, f"{section}.columns", find)
    return typed_pairs(pairs, training.user_ids.dtype, training.item_ids.dtype)
