"""`als evaluate --published PATH --events NEW`: how lists that were shown did on the events after them."""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from als_cli.config.events import EventsConfig, IdTypesConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.dataset.interactions import Interactions
from als_cli.errors import ConfigError, DataError
from als_cli.evaluation.hindsight import measured, popular_hits, relevant_items, shown_hits
from als_cli.evaluation.hindsight_report import Hindsight, LaterPeriod, ShownLists
from als_cli.evaluation.methods import list_lengths
from als_cli.events.cleaning import Cleaned, write_clean_events
from als_cli.events.probe import probe
from als_cli.events.sources import find_sources
from als_cli.splitting.protocol import MINIMUM_TEST_USERS
from als_cli.stages.context import StageContext
from als_cli.storage.dataset_files import StoredDataset, open_dataset
from als_cli.storage.hindsight_files import spool_in, write_hindsight
from als_cli.storage.inputs import Inputs
from als_cli.storage.manifest import InputFile, Manifest
from als_cli.storage.publish import current_version
from als_cli.storage.published_lists import lists_named, lists_spool
from als_cli.storage.sinks.target import target_of
from als_cli.storage.stored_lists import StoredLists

log = logging.getLogger(__name__)


class HindsightReport(Hindsight):
    """What `evaluate --published` found."""

    file: str
    """The JSON file that was written."""
    per_user: str
    """The Parquet file that was written."""
    seconds: float


@dataclass(frozen=True)
class _Later:
    """The interactions after the lists."""

    interactions: Interactions
    period: LaterPeriod
    inputs: tuple[InputFile, ...]


@dataclass(frozen=True)
class _History:
    """The interactions of the dataset up to the instant of the lists."""

    interactions: Interactions
    pairs: pl.DataFrame
    """user_id and item_id."""
    content: str


def hindsight(context: StageContext, *, published: str | None, events: str | None) -> HindsightReport:
    """Return how the lists `published` (a path, a view or a version) did on `events` (a file or a glob) after them.

    The evaluation is written into the folder `hindsight` of the workspace.

    Raises
    ------
    ArtifactError
        The lists, their manifest or the dataset are broken.
    ConfigError
        One of the two is missing, or a column or a key of section `events` does not fit the files.
    DataError
        The lists or the events cannot be used, there are too many bad rows, or no user with a list has a later event.
    ResourceError
        The database or the Delta table of the lists cannot be read.
    """
    started = time.perf_counter()
    if published is None or events is None:
        missing = "--published" if published is None else "--events"
        raise ConfigError(f"{missing} is missing", hint="give --published and --events, or none of them")
    with lists_spool(context.workspace) as spool:
        lists = lists_named(published, target_of(context.config.recommend.output), spool)
        manifest = _manifest_of(lists, published)
        shown = _shown(lists, manifest)
        dataset = _dataset(context)
        later = _later(context, events, lists, shown.instant, dataset)
        found, per_user = _evaluated(
            context, lists, manifest, later, _history(context, dataset, shown.instant)
        )
    log_few(found)
    document, table = write_hindsight(
        context.hindsight_folder,
        found,
        per_user,
        inputs=[file.model_dump(mode="json") for file in later.inputs],
        config=context.config.model_dump(mode="json"),
        threads=context.threads,
        seconds=time.perf_counter() - started,
    )
    return HindsightReport(
        **dict(found), file=str(document), per_user=str(table), seconds=time.perf_counter() - started
    )


def log_few(found: Hindsight) -> None:
    """Log a warning if so few users were evaluated that intervals are too narrow."""
    users = found.counts["users_evaluated"]
    if users < MINIMUM_TEST_USERS:
        log.warning("only %d users were evaluated, so intervals are unreliable", users)


def _manifest_of(lists: StoredLists, named: str) -> Manifest:
    if lists.manifest is None:
        raise DataError(
            f"there is no manifest for the lists at {named}, so their instant is unknown",
            hint="name the output of `als recommend` or a version, or copy NAME.manifest.json beside the lists",
        )
    return lists.manifest


def _shown(lists: StoredLists, manifest: Manifest) -> ShownLists:
    instant = manifest.as_of or manifest.created
    return ShownLists(path=lists.path, version=lists.version, instant=instant, content=manifest.content)


def _dataset(context: StageContext) -> StoredDataset | None:
    """Return the dataset of the workspace, None if there is none."""
    if current_version(context.dataset_place) is None:
        return None
    return open_dataset(context.dataset_place)


def _later(
    context: StageContext, events: str, lists: StoredLists, instant: datetime, dataset: StoredDataset | None
) -> _Later:
    signal = context.config.events.model_copy(
        update={"source": events, "id_types": _id_types(lists, dataset), "half_life": None}
    )
    inputs, clock = Inputs(), datetime.now(UTC)
    with spool_in(context.hindsight_folder) as spool:
        clean, rejected = spool / "events.parquet", spool / "rejected.parquet"
        with inputs.unchanged():
            probed = [
                probe(source, signal, clock)
                for source in find_sources(signal, context.stdin, spool, inputs.find)
            ]
            cleaned = write_clean_events(probed, signal, clock, clean=clean, rejected=rejected, spool=spool)
        rows = pl.scan_parquet(clean, glob=False)
        return _aggregated(rows, signal, cleaned, events, instant, inputs.confirm())


def _id_types(lists: StoredLists, dataset: StoredDataset | None) -> IdTypesConfig:
    """Return the id types of the dataset, or else of the lists. In CSV all ids are text."""
    if dataset is None:
        types = lists.table.user_type, lists.table.item_type
    else:
        types = dataset.interactions.user_ids.dtype, dataset.interactions.item_ids.dtype
    user, item = ("int" if kind.is_integer() else "string" for kind in types)
    return IdTypesConfig.model_validate({"user": user, "item": item})


def _aggregated(
    rows: pl.LazyFrame,
    signal: EventsConfig,
    cleaned: Cleaned,
    source: str,
    instant: datetime,
    inputs: tuple[InputFile, ...],
) -> _Later:
    later = rows if signal.columns.timestamp is None else rows.filter(_is_after(instant))
    figures = later.select(
        pl.len().alias("events"),
        pl.col("timestamp").min().alias("first"),
        pl.col("timestamp").max().alias("last"),
    )
    counts = figures.collect().row(0, named=True)
    if counts["events"] == 0:
        raise DataError(
            f"{source}: no event is after the lists, which were made for {instant:%Y-%m-%d %H:%M:%S} UTC",
            hint="give events of the time in which the lists were shown",
        )
    period = LaterPeriod(
        source=source,
        rows=cleaned.rows,
        earlier=cleaned.kept - counts["events"],
        dropped=cleaned.dropped,
        rejected=cleaned.rejected,
        **counts,
    )
    return _Later(aggregate(later, signal, apply_minimums=False), period, inputs)


def _is_after(instant: datetime) -> pl.Expr:
    return pl.col("timestamp") > pl.lit(instant).dt.cast_time_unit("us")


def _history(context: StageContext, dataset: StoredDataset | None, instant: datetime) -> _History | None:
    """Return the history up to `instant`; None without a dataset, or if it may have later events without a time."""
    if dataset is None:
        return None
    events = dataset.scan_events()
    if dataset.interactions.times is not None:
        events = events.filter(~_is_after(instant))
    elif dataset.manifest.created > instant:
        log.warning(
            "the dataset is newer than the lists and has no timestamps, so there is no history to compare with"
        )
        return None
    signal = context.config.events.model_copy(update={"half_life": None})
    pairs = events.select("user_id", "item_id").unique().collect(engine="streaming")
    found = aggregate(events, signal, apply_minimums=False)
    return None if found.matrix.nnz == 0 else _History(found, pairs, dataset.manifest.content)


def _evaluated(
    context: StageContext, lists: StoredLists, manifest: Manifest, later: _Later, history: _History | None
) -> tuple[Hindsight, pl.DataFrame]:
    config, interactions = context.config.evaluate, later.interactions
    table = lists.table.with_types(interactions.user_ids.dtype, interactions.item_ids.dtype)
    listed = table.counts()
    counts = listed.join(pl.DataFrame({"user_id": interactions.user_ids}), on="user_id", how="semi").sort(
        "user_id"
    )
    if counts.is_empty():
        raise DataError(
            f"none of {listed.height} users with a list has an interaction after the lists",
            hint="give later events of these users, with ids as in the lists",
        )
    at, seed = list_lengths(config), config.seed
    recommend = manifest.config.get("recommend", {})
    users = counts["user_id"]
    relevant = relevant_items(interactions, users, None if history is None else history.pairs)
    shown = shown_hits(table, counts, relevant, max(at), recommend, seed)
    popular = {}
    if history is not None:
        seen = bool(recommend.get("exclude_seen", True))
        popular = popular_hits(
            history.interactions, users, relevant, max(at), exclude_seen=seen, threads=context.threads
        )
    figures = [measured(one, shown.hits[one.items], popular.get(one.items), at, seed) for one in relevant]
    found = Hindsight(
        lists=_shown(lists, manifest),
        later=later.period,
        at=at,
        counts={
            "users_with_list": listed.height,
            "users_with_events": len(interactions.user_ids),
            "users_evaluated": counts.height,
        },
        history=None if history is None else history.content,
        relevant=tuple(report for report, _ in figures),
        **{f"{name}s": groups for name, groups in shown.groups.items()},
    )
    numbered = pl.DataFrame({"user_id": users}).with_row_index("user")
    per_user = pl.concat(rows for _, rows in figures).join(
        numbered, on="user", how="left", maintain_order="left"
    )
    return found, per_user.select("user_id", pl.exclude("user", "user_id"))
