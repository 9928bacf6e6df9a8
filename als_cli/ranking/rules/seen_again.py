"""The items of a history that lists leave out, when seen items may come again after some time."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Int32Array
from als_cli.dataset.interactions import rows_of
from als_cli.dataset.membership import entries_of
from als_cli.errors import ArtifactError
from als_cli.ranking.rules.list_rules import SeenAgainAfter

log = logging.getLogger(__name__)

_KEY = "recommend.seen_again_after"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVENT = ["user_id", "item_id", "type"]


@dataclass(frozen=True)
class SeenPairs:
    """The pairs of the histories of U users, and their times."""

    matrix: csr_matrix
    """(U, I) the pairs, with sorted indices."""
    user_ids: pl.Series
    """(U,)"""
    item_ids: pl.Series
    """(I,)"""
    times: csr_matrix | None
    """(U, I) int64 time of the newest event of each pair, in microseconds since 1970, with the sparsity of `matrix`.
    None if an event has no timestamp."""
    scan_events: Callable[[], pl.LazyFrame] | None = None
    """Gives the clean events of the pairs (CLEAN_EVENT_COLUMNS). Needed only if types of events count."""


def still_left_out(seen: SeenPairs, after: SeenAgainAfter, now: datetime | None) -> csr_matrix:
    """Return which pairs of `seen` are left out at `now`: (U, I) Boolean, with the sparsity of `seen.matrix`.

    With one duration, the newest event of a pair counts. With durations by type, the pair comes again when its newest
    event of each of these types is as old as the duration of the type. A type that a pair has no event of does not
    count. A pair without an event of any of these types stays left out.

    Raises
    ------
    ArtifactError
        Events have no timestamps, or the dataset does not have the types of the events.
    """
    if seen.times is None or now is None:
        raise ArtifactError(
            f"{_KEY} needs times, but the dataset has events without timestamps",
            hint="set events.columns.timestamp and run `als ingest`",
        )
    left_out = (
        seen.times.data > _instant(now - after)
        if isinstance(after, timedelta)
        else _left_out_by_type(seen, after, now)
    )
    return csr_matrix((left_out, seen.matrix.indices, seen.matrix.indptr), shape=seen.matrix.shape)


def only_left_out(pairs: csr_matrix) -> csr_matrix:
    """Return the mask of the `pairs` (B, I) of :func:`still_left_out` that are left out, with sorted indices."""
    kept = pairs.data
    before = np.concatenate([[0], np.cumsum(kept)])
    marks = np.ones(before[-1], np.float32)
    return csr_matrix((marks, pairs.indices[kept], before[pairs.indptr]), shape=pairs.shape)


def _left_out_by_type(seen: SeenPairs, after: Mapping[str, timedelta], now: datetime) -> BoolArray:
    newest = _newest_by_type(seen, list(after))
    pairs = entries_of(seen.matrix, *_positions(seen, newest))
    limits = pl.DataFrame({"type": list(after), "since": [_instant(now - span) for span in after.values()]})
    since = newest.join(limits, on="type", how="left", maintain_order="left")["since"].to_numpy()
    is_recent = newest["time"].to_numpy() > since
    left_out = np.ones(seen.matrix.nnz, bool)
    left_out[pairs[pairs >= 0]] = False
    left_out[pairs[(pairs >= 0) & is_recent]] = True
    return left_out


def _newest_by_type(seen: SeenPairs, types: list[str]) -> pl.DataFrame:
    """Return user_id, item_id, type and time (Int64, microseconds since 1970) of the newest event of each type and pair."""
    if seen.scan_events is None:
        raise ValueError("types of events need the events")
    events = seen.scan_events()
    if "type" not in events.collect_schema():
        raise ArtifactError(
            f"{_KEY} names event types, but the dataset does not have the types of its events",
            hint="set events.columns.type and run `als ingest`",
        )
    newest = (
        events.filter(pl.col("type").is_in(types))
        .group_by(_EVENT)
        .agg(pl.col("timestamp").max().dt.epoch("us").alias("time"))
        .collect(engine="streaming")
    )
    for name in sorted(set(types) - set(newest["type"].unique())):
        log.warning("%s: the dataset has no event of type %r", _KEY, name)
    return newest


def _positions(seen: SeenPairs, pairs: pl.DataFrame) -> tuple[Int32Array, Int32Array]:
    """Return the matrix row and column of each pair, -1 each if it is in no history."""
    users, items = rows_of(seen.user_ids, pairs["user_id"]), rows_of(seen.item_ids, pairs["item_id"])
    known = (users >= 0) & (items >= 0)
    return np.where(known, users, -1), np.where(known, items, -1)


def _instant(time: datetime) -> int:
    """Return `time` in microseconds since 1970."""
    return (time - _EPOCH) // timedelta(microseconds=1)
