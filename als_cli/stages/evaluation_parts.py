"""What `evaluate` works on: the dataset divided by the config's split, as matrices and test users."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from als_cli.config.evaluate import CandidatesConfig, FileSplit
from als_cli.config.events import EventsConfig
from als_cli.config.source import TableFormat
from als_cli.dataset.holdout import Holdout, hold_out
from als_cli.dataset.interactions import Interactions, cast_ids
from als_cli.dataset.splits import PAIR, SplitEvents, split_events
from als_cli.errors import DataError
from als_cli.events.aggregate import aggregate
from als_cli.events.delimited import Wanted
from als_cli.events.tables import FindFiles, column, find_files, reading, scan_table
from als_cli.stages.context import StageContext


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

    @property
    def cut_off(self) -> datetime | None:
        """Start of the test period of a time split."""
        return self.events.cut_off


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
    config, signal = context.config.evaluate, context.config.events
    split = _split(context, dataset, find)
    training = aggregate(split.training, signal, split.cut_off or signal.now)
    if training.matrix.nnz == 0:
        raise DataError(
            "evaluate.split: no interaction is left in the training part",
            hint="choose a smaller test part, or lower events.min_user_interactions and events.min_item_interactions",
        )
    visible = None if split.visible is None else _visible(split.visible, signal, training)
    holdout = hold_out(training, split.test, visible, exclude_seen=config.exclude_seen)
    if config.users != "all":
        holdout = holdout.sample(config.users, config.seed)
    if config.candidates is not None:
        pairs = _candidate_pairs(config.candidates, training, find)
        holdout = holdout.with_candidates(pairs, training.item_ids)
    if holdout.part.users == 0:
        raise DataError(
            f"evaluate.split: none of {holdout.counts['test_users']} test users can be judged: "
            "they have no history in the training part, or no test item that is new to them",
            hint="choose another split, or set evaluate.exclude_seen: false",
        )
    return EvaluationParts(training, holdout, visible is not None, split)


def _split(context: StageContext, dataset: HasEvents, find: FindFiles) -> SplitEvents:
    split, clean = context.config.evaluate.split, dataset.scan_events()
    if not isinstance(split, FileSplit):
        return split_events(clean, split, context.config.events.duplicates)
    columns, key = split.columns, "evaluate.split.columns"
    if columns is None:
        columns, key = context.config.events.columns, "events.columns"
    wanted = Wanted("evaluate.split", {f"{key}.user": columns.user, f"{key}.item": columns.item})
    test = _read_pairs(split.path, split, wanted, find)
    if test.height == 0:
        raise DataError(f"{split.path} has no test pair", hint="check the file of evaluate.split")
    schema = clean.collect_schema()
    return SplitEvents(training=clean, test=_typed(test, schema["user_id"], schema["item_id"]))


def _visible(events: pl.LazyFrame, signal: EventsConfig, training: Interactions) -> Interactions:
    # A held-out user's history is worth what it would be in training; minimum counts are about training alone.
    without_minimums = signal.model_copy(update={"min_user_interactions": 1, "min_item_interactions": 1})
    return aggregate(events, without_minimums, signal.now or training.newest)


def _candidate_pairs(config: CandidatesConfig, training: Interactions, find: FindFiles) -> pl.DataFrame:
    key, columns = "evaluate.candidates.columns", config.columns
    wanted = Wanted("evaluate.candidates", {f"{key}.user": columns.user, f"{key}.item": columns.item})
    pairs = _read_pairs(config.path, config, wanted, find)
    return _typed(pairs, training.user_ids.dtype, training.item_ids.dtype)


def _read_pairs(path: str, fmt: TableFormat, wanted: Wanted, find: FindFiles) -> pl.DataFrame:
    """Return the distinct user_id, item_id of a table (the `wanted` columns), typed as they are there.

    Rows without either are left out.
    """
    table = scan_table(path, fmt, wanted, find=find)
    with reading(path, fmt):
        names = table.collect_schema().names()
        user, item = (column(names, ref, key=key, file=path) for key, ref in wanted.columns.items())
        pairs = table.select(user_id=pl.col(user), item_id=pl.col(item)).drop_nulls()
        return pairs.unique().sort(PAIR).collect()


def _typed(pairs: pl.DataFrame, user_type: pl.DataType, item_type: pl.DataType) -> pl.DataFrame:
    """Return distinct `pairs` with ids cast; a null stands for an id that the dataset cannot have."""
    cast = pl.DataFrame(
        {"user_id": cast_ids(pairs["user_id"], user_type), "item_id": cast_ids(pairs["item_id"], item_type)}
    )
    # Two spellings of one id are one pair, but two ids that cannot exist are two.
    no_such_id = cast["user_id"].is_null() | cast["item_id"].is_null()
    return pl.concat([cast.filter(~no_such_id).unique(maintain_order=True), cast.filter(no_such_id)])
