"""The two sets of one split: the training set as a matrix, and the test users on it."""

from dataclasses import dataclass

import polars as pl

from als_cli.config.evaluate import FileSplit, GivenSplit
from als_cli.config.events import EventsConfig
from als_cli.config.source import TableFormat
from als_cli.dataset.aggregation import aggregate
from als_cli.dataset.interactions import Interactions, cast_ids
from als_cli.errors import DataError
from als_cli.splitting.holdout import Holdout, hold_out
from als_cli.splitting.splits import PAIR, SplitEvents, split_events
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, column, find_files, reading, scan_table


@dataclass(frozen=True)
class SplitSets:
    """A training set and all of its test users."""

    events: SplitEvents
    training: Interactions
    holdout: Holdout
    """All test users with history and a test item that counts."""


def sets_of(
    clean: pl.LazyFrame,
    signal: EventsConfig,
    split: GivenSplit,
    *,
    exclude_seen: bool,
    find: FindFiles = find_files,
) -> SplitSets:
    """Return `clean` events (CLEAN_EVENT_COLUMNS) divided by `split`; there may be no test user.

    Raises
    ------
    ConfigError
        The split needs timestamps that the events lack, or a file lacks a column.
    DataError
        The training set or the test set is empty, or a file cannot be read.
    """
    events = _split_events(clean, signal, split, find)
    training = aggregate(events.training, signal, events.cut_off or signal.now)
    if training.matrix.nnz == 0:
        raise DataError(
            "evaluate.split: no interaction is left in the training set",
            hint="choose a smaller test set, or lower events.min_user_interactions and events.min_item_interactions",
        )
    visible = None if events.visible is None else _visible(events.visible, signal, training)
    return SplitSets(events, training, hold_out(training, events.test, visible, exclude_seen=exclude_seen))


def read_pairs(path: str, fmt: TableFormat, wanted: Wanted, find: FindFiles) -> pl.DataFrame:
    """Return the distinct user_id, item_id of a table (the `wanted` columns), typed as they are there.

    Rows without either are left out.
    """
    table = scan_table(path, fmt, wanted, find=find)
    with reading(path, fmt):
        names = table.collect_schema().names()
        user, item = (column(names, ref, key=key, file=path) for key, ref in wanted.columns.items())
        pairs = table.select(user_id=pl.col(user), item_id=pl.col(item)).drop_nulls()
        return pairs.unique().sort(PAIR).collect()


def typed_pairs(pairs: pl.DataFrame, user_type: pl.DataType, item_type: pl.DataType) -> pl.DataFrame:
    """Return distinct `pairs` with ids cast; a null stands for an id that the dataset cannot have."""
    cast = pl.DataFrame(
        {"user_id": cast_ids(pairs["user_id"], user_type), "item_id": cast_ids(pairs["item_id"], item_type)}
    )
    # Two spellings of one id are one pair, but two ids that cannot exist are two.
    no_such_id = cast["user_id"].is_null() | cast["item_id"].is_null()
    return pl.concat([cast.filter(~no_such_id).unique(maintain_order=True), cast.filter(no_such_id)])


def _split_events(
    clean: pl.LazyFrame, signal: EventsConfig, split: GivenSplit, find: FindFiles
) -> SplitEvents:
    if not isinstance(split, FileSplit):
        return split_events(clean, split, signal.duplicates)
    columns, key = split.columns, "evaluate.split.columns"
    if columns is None:
        columns, key = signal.columns, "events.columns"
    wanted = Wanted("evaluate.split", {f"{key}.user": columns.user, f"{key}.item": columns.item})
    test = read_pairs(split.path, split, wanted, find)
    if test.height == 0:
        raise DataError(f"{split.path} has no test pair", hint="check the file of evaluate.split")
    schema = clean.collect_schema()
    return SplitEvents(training=clean, test=typed_pairs(test, schema["user_id"], schema["item_id"]))


def _visible(events: pl.LazyFrame, signal: EventsConfig, training: Interactions) -> Interactions:
    # A held-out user's history is worth what it would be in training; minimum counts are about training alone.
    without_minimums = signal.model_copy(update={"min_user_interactions": 1, "min_item_interactions": 1})
    return aggregate(events, without_minimums, signal.now or training.newest)
