"""`als ingest`: read raw events, publish a checked dataset."""

import logging
import shutil
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from als_cli.dataset.aggregation import aggregate, check_size
from als_cli.dataset.ingest_report import IngestReport, ingest_counts, ingest_report
from als_cli.events.cleaning import write_clean_events
from als_cli.events.notices import warn_of
from als_cli.events.probe import Probed, probe
from als_cli.events.sources import find_sources, input_paths
from als_cli.events.titles import write_titles
from als_cli.stages.context import StageContext
from als_cli.storage.dataset_files import EVENTS, REJECTED, TITLES, dataset_key, write_interactions
from als_cli.storage.inputs import Inputs, describe_inputs, known_hashes
from als_cli.storage.manifest import InputFile, write_manifest
from als_cli.storage.publish import current_version, staged_folder
from als_cli.tables.scan import STDIN, FindFiles

log = logging.getLogger(__name__)

_SPOOL = "spool"


def ingest(context: StageContext) -> IngestReport:
    """Return the report of the dataset that was made from the configured events and published.

    Raises
    ------
    ConfigError
        A column, condition or format does not fit the files.
    DataError
        A file cannot be used, there are too many bad rows, or too few interactions are left. The published dataset
        stays unchanged.
    """
    started = time.perf_counter()
    config = context.config.events
    with staged_folder(context.dataset_place, keep=context.config.keep) as folder:
        spool = folder / _SPOOL
        spool.mkdir()
        inputs = Inputs(known_hashes(context.dataset_place, "dataset"))
        with inputs.unchanged():
            clock = datetime.now(UTC)
            probed = _probe_sources(context, spool, inputs.find, clock)
            cleaned = write_clean_events(
                probed, config, clock, clean=folder / EVENTS, rejected=folder / REJECTED, spool=spool
            )
            write_titles(probed, config, clock, folder / TITLES)
        files = _with_rows(inputs.confirm(), probed)
        shutil.rmtree(spool)
        interactions = aggregate(pl.scan_parquet(folder / EVENTS, glob=False), config, now=config.as_of)
        check_size(interactions, config)
        write_interactions(folder, interactions)
        write_manifest(
            folder,
            kind="dataset",
            key=dataset_key(config, files),
            config=context.config.model_dump(mode="json"),
            inputs=files,
            counts=ingest_counts(cleaned, interactions),
            threads=context.threads,
            seconds=time.perf_counter() - started,
        )
    return ingest_report(
        config,
        probed,
        cleaned,
        interactions,
        dataset=str(current_version(context.dataset_place)),
        seconds=time.perf_counter() - started,
    )


def ingest_key(context: StageContext) -> str | None:
    """Return the hash of all that the dataset depends on: section `events` and the contents of the files.

    None if events are read from stdin or from a pipe, which can be read only once.

    Raises
    ------
    DataError
        A file is missing or may not be read.
    """
    config = context.config.events
    paths = input_paths(config)
    if STDIN in paths:
        return None
    files = describe_inputs(paths, known_hashes(context.dataset_place, "dataset"))
    return None if files is None else dataset_key(config, files)


def _probe_sources(context: StageContext, spool: Path, find: FindFiles, clock: datetime) -> list[Probed]:
    config = context.config.events
    sources = find_sources(config, context.stdin, spool, find)
    probed = []
    with context.progress.task("reading events", total=len(sources)) as task:
        for source in sources:
            probed.append(probe(source, config, clock))
            log.info("%s: %d rows", source.file.shown, probed[-1].rows)
            task.advance(note=source.file.shown)
    warn_of(probed, config)
    return probed


def _with_rows(files: Sequence[InputFile], probed: Sequence[Probed]) -> tuple[InputFile, ...]:
    """Return `files` with their numbers of rows. Files that only a query reads have none."""
    rows = {read.source.file.name: read.rows for read in probed}
    return tuple(file.model_copy(update={"rows": rows.get(file.path)}) for file in files)
