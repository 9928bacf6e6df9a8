"""`als ingest`: raw events in, a checked dataset out."""

import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.dataset.interactions import Interactions
from als_cli.errors import DataError
from als_cli.events.cleaning import Cleaned, write_clean_events
from als_cli.events.notices import warn_of
from als_cli.events.probe import Probed, probe, types_of
from als_cli.events.sources import declared_sources, find_sources
from als_cli.stages.context import StageContext
from als_cli.stages.ingest_report import EventTypeReport, IngestReport, SourceReport
from als_cli.storage.dataset_files import EVENTS, REJECTED, write_interactions
from als_cli.storage.inputs import Identity, Inputs, describe_inputs, identity_of
from als_cli.storage.manifest import InputFile, published_manifest, stage_key, write_manifest
from als_cli.storage.publish import current_version, staged_folder
from als_cli.tables.scan import STDIN, FindFiles

log = logging.getLogger(__name__)

_SPOOL = "spool"
_MOST_TYPES = 50
_HASHES: dict[Identity, str] = {}
"""`run` asks for the key and then ingests: a file that has not changed is hashed once."""


def ingest(context: StageContext) -> IngestReport:
    """Return the report of the dataset that was made from the configured events and published.

    Raises
    ------
    ConfigError
        A column, condition or format that does not fit the files.
    DataError
        A file that cannot be used, too many bad rows, or too little left; the dataset stays as it was.
    """
    started = time.perf_counter()
    config = context.config.events
    with staged_folder(context.dataset_place) as folder:
        spool = folder / _SPOOL
        spool.mkdir()
        read = Inputs(_known_hashes(context))
        with read.unchanged():
            probed = _probed(context, spool, read.find)
            cleaned = write_clean_events(probed, config, folder / EVENTS, folder / REJECTED, spool)
        inputs = _with_rows(read.confirm(), probed)
        shutil.rmtree(spool)
        interactions = aggregate(pl.scan_parquet(folder / EVENTS), config, now=config.now)
        _check_enough(interactions, config)
        write_interactions(folder, interactions)
        seconds = time.perf_counter() - started
        write_manifest(
            folder,
            kind="dataset",
            key=_key(config, inputs),
            config=context.config.model_dump(mode="json"),
            inputs=inputs,
            counts=_counts(cleaned, interactions),
            threads=context.threads,
            seconds=seconds,
        )
    place = str(current_version(context.dataset_place))
    return _report(place, config, probed, cleaned, interactions, time.perf_counter() - started)


def ingest_key(context: StageContext) -> str | None:
    """Return the hash of all that the dataset depends on: recipe and contents of the files; None for stdin and pipes.

    Raises
    ------
    DataError
        A file is missing or may not be read.
    """
    config = context.config.events
    declared = declared_sources(config)
    if any(one.path == STDIN for one in declared):
        return None
    inputs = describe_inputs([one.path for one in declared], _known_hashes(context))
    return None if inputs is None else _key(config, inputs)


def _probed(context: StageContext, spool: Path, find: FindFiles) -> list[Probed]:
    config = context.config.events
    sources = find_sources(config, context.stdin, spool, find)
    probed = []
    with context.progress.task("reading events", total=len(sources)) as task:
        for source in sources:
            probed.append(probe(source, config))
            log.info("%s: %d rows", source.file.shown, probed[-1].rows)
            task.advance(note=source.file.shown)
    warn_of(probed, config)
    return probed


def _key(config: EventsConfig, inputs: Sequence[InputFile]) -> str:
    recipe = config.model_dump(mode="json", exclude={"source", "columns"})
    sources = [(one.fmt.model_dump(), one.columns) for one in declared_sources(config)]
    return stage_key(events=recipe, sources=sources, inputs=[file.sha256 for file in inputs])


def _known_hashes(context: StageContext) -> dict[Identity, str]:
    """Return the hashes of files that were read before: by this process, or for the previous dataset."""
    previous = published_manifest(context.dataset_place, "dataset")
    if previous is not None:
        _HASHES.update({identity_of(one): one.sha256 for one in previous.inputs if one.inode})
    return _HASHES


def _with_rows(inputs: Sequence[InputFile], probed: Sequence[Probed]) -> tuple[InputFile, ...]:
    rows = {one.source.file.name: one.rows for one in probed}
    return tuple(one.model_copy(update={"rows": rows[one.path]}) for one in inputs)


def _check_enough(interactions: Interactions, config: EventsConfig) -> None:
    users, items = interactions.matrix.shape
    minimums = max(config.min_user_interactions, config.min_item_interactions) > 1
    if users == 0:
        hint = (
            "lower events.min_user_interactions and events.min_item_interactions"
            if minimums
            else (
                "no user-item pair adds up to more than nothing: check events.types, values and events.negative"
            )
        )
        raise DataError("no interactions are left", hint=hint)
    for side, count, ids in (("user", users, interactions.user_ids), ("item", items, interactions.item_ids)):
        if count == 1:
            raise DataError(
                f"the events leave one {side} only ({ids[0]!r}); recommending needs two at least",
                hint=f"check events.columns.{side}" + (" and the minimum interactions" if minimums else ""),
            )


def _counts(cleaned: Cleaned, interactions: Interactions) -> dict[str, int]:
    return {
        "rows": cleaned.rows,
        "events": cleaned.kept,
        **{f"dropped_{reason}": count for reason, count in cleaned.dropped.items()},
        **{f"rejected_{reason}": count for reason, count in cleaned.rejected.items()},
        "users": interactions.users.height,
        "items": interactions.items.height,
        "interactions": interactions.matrix.nnz,
    }


def _report(
    place: str,
    config: EventsConfig,
    probed: Sequence[Probed],
    cleaned: Cleaned,
    interactions: Interactions,
    seconds: float,
) -> IngestReport:
    users, items = interactions.matrix.shape
    facts: dict[str, Any] = {
        "first_time": interactions.users["first_time"].min(),
        "last_time": interactions.newest,
    }
    return IngestReport(
        dataset=place,
        sources=tuple(SourceReport(path=one.source.file.name, rows=one.rows) for one in probed),
        rows=cleaned.rows,
        events=cleaned.kept,
        dropped=cleaned.dropped,
        rejected=cleaned.rejected,
        types=_types(config, probed),
        users=users,
        items=items,
        interactions=interactions.matrix.nnz,
        density=interactions.matrix.nnz / (users * items),
        seconds=seconds,
        **facts,
    )


def _types(config: EventsConfig, probed: Sequence[Probed]) -> tuple[EventTypeReport, ...]:
    """Return the listed types and the most frequent others, with their weights."""
    found = types_of(probed)
    listed = config.types or {}
    for name in sorted(listed.keys() - found.keys()):
        log.warning("events.types lists %r, but no event is of that type", name)
    rows = dict(list(found.items())[:_MOST_TYPES]) | {name: found.get(name, 0) for name in listed}
    unlisted = 1.0 if config.types is None else None
    return tuple(
        EventTypeReport(type=name, weight=listed.get(name, unlisted), rows=count)
        for name, count in rows.items()
    )
