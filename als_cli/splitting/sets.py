"""Training set and test set of one split: the training matrix, and all test users."""

from dataclasses import dataclass

import polars as pl

from als_cli.config.evaluate import CandidatesConfig, FileSplit, GivenSplit
from als_cli.config.events import EventsConfig
from als_cli.config.source import ColumnsConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.dataset.interactions import Interactions, cast_ids
from als_cli.errors import DataError
from als_cli.events.ids import check_id_type
from als_cli.splitting.holdout import Holdout, hold_out
from als_cli.splitting.splits import PAIR, SplitEvents, split_events
from als_cli.tables.columns import column
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, find_files, reading, scan_table


@dataclass(frozen=True)
class SplitSets:
    """A training set and all test users, before any sample of them."""

    events: SplitEvents
    """The clean events of both sets."""
    training: Interactions
    """The training set."""
    holdout: Holdout
    """All test users with history and at least one test item."""


def sets_of(
    clean: pl.LazyFrame,
    signal: EventsConfig,
    split: GivenSplit,
    *,
    exclude_seen: bool,
    find: FindFiles = find_files,
) -> SplitSets:
    """Return the sets of `clean` events (CLEAN_EVENT_COLUMNS) for `split`. The number of test users can be zero.

    `find` finds the test file.

    Raises
    ------
    ConfigError
        The split needs timestamps but the events have none, or a column of the test file is missing.
    DataError
        The training set or the test set is empty, or the test file cannot be read.
    """
    events = _split_events(clean, signal, split, find)
    training = aggregate(events.training, signal, events.cut_off or signal.as_of)
    if training.matrix.nnz == 0:
        raise DataError(
            "evaluate.split: no interaction is left in the training set",
            hint="choose a smaller test set, or lower events.min_user_interactions and events.min_item_interactions",
        )
    visible = None if events.visible is None else _visible(events.visible, signal, training)
    return SplitSets(events, training, hold_out(training, events.test, visible, exclude_seen=exclude_seen))


def read_pairs(
    config: FileSplit | CandidatesConfig, columns: ColumnsConfig, section: str, key: str, find: FindFiles
) -> pl.DataFrame:
    """Return the distinct pairs of a table as user_id and item_id, with the types of the table.

    `section` is the config key of the table, `key` the config key of its `columns`. Rows without a user or without an
    item are left out.
    """
    wanted = Wanted(section, {f"{key}.user": columns.user, f"{key}.item": columns.item})
    table = scan_table(config.path, config, wanted, find=find)
    with reading(config.path, config):
        schema = table.collect_schema()
        user, item = (
            column(schema.names(), ref, key=key, file=config.path) for key, ref in wanted.columns.items()
        )
        for name in (user, item):
            check_id_type(schema[name], column=name, file=config.path)
        pairs = table.select(user_id=pl.col(user), item_id=pl.col(item)).drop_nulls()
        return pairs.unique().sort(PAIR).collect()


def typed_pairs(pairs: pl.DataFrame, user_type: pl.DataType, item_type: pl.DataType) -> pl.DataFrame:
    """Return distinct `pairs` with ids cast; null stands for an id that the dataset cannot contain."""
    cast = pl.DataFrame(
        {"user_id": cast_ids(pairs["user_id"], user_type), "item_id": cast_ids(pairs["item_id"], item_type)}
    )
    # Two spellings of one id are one pair. Ids that cannot exist are not merged, because each is a miss.
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
    test = read_pairs(split, columns, "evaluate.split", key, find)
    if test.height == 0:
        raise DataError(
            f"evaluate.split.path: {split.path} contains no test pair",
            hint=f"check that both columns have values: {columns.user} and {columns.item}",
        )
    schema = clean.collect_schema()
    return SplitEvents(training=clean, test=typed_pairs(test, schema["user_id"], schema["item_id"]))


def _visible(events: pl.LazyFrame, signal: EventsConfig, training: Interactions) -> Interactions:
    # Decay is the same as in the training set. Minimum counts apply to the training set only.
    return aggregate(events, signal, signal.as_of or training.newest, apply_minimums=False)
