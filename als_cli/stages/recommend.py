"""`als recommend`: dataset and model in, published top-N lists out."""

import logging
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from als_cli.config.recommend import RecommendConfig, UsersFile
from als_cli.errors import AlsError
from als_cli.ranking.audience import Audience, audience_of
from als_cli.ranking.catalog import Candidates, read_catalog
from als_cli.ranking.lists import POPULAR, SOURCES, UserLists, output_schema, shortfall_schema
from als_cli.ranking.recommender import ListRules, Recommender
from als_cli.reports import Report
from als_cli.stages.context import StageContext
from als_cli.stages.places import check_lists_place
from als_cli.stages.warm_up import start_warm_up
from als_cli.storage.dataset_files import Dataset, open_dataset
from als_cli.storage.inputs import Inputs, describe_inputs
from als_cli.storage.manifest import InputFile, Manifest, stage_key
from als_cli.storage.model_files import Model, open_model
from als_cli.storage.sinks.publish_lists import ListSink, open_sink, published_lists
from als_cli.storage.sinks.target import Target, target_of

log = logging.getLogger(__name__)


class RecommendReport(Report):
    """What `recommend` wrote."""

    output: str
    """The folder, the file, or ``-``."""
    format: str
    layout: str
    top_n: int
    users: int
    """Users that lists were asked for."""
    rows: int
    """Places filled, over all users."""
    sources: dict[str, int]
    """Users per source of their list (als, fold_in, popular)."""
    source_rows: dict[str, int]
    """Places filled, per source of the list."""
    fallback_fraction: float
    """Fraction of the lists that are the popularity list, 0 to 1."""
    fallback_slot_fraction: float
    """Fraction of the places that are filled from it, 0 to 1."""
    shortfall: dict[str, int]
    """Users whose list is not full, per reason (too_few_candidates, no_history)."""
    unreadable_users: int
    """Rows of the users file that hold no id, or none of the dataset's type."""
    candidates: int
    """Items that may be recommended."""
    never_interacted: int
    """Items of the catalogue that satisfy the condition but are unknown to the model."""
    seconds: float

    @property
    def shortfall_users(self) -> int:
        """Users whose list is not full."""
        return sum(self.shortfall.values())


def recommend(context: StageContext) -> RecommendReport:
    """Return the report of the lists that were published, or streamed to stdout.

    Users come sorted by id; users of a file that the dataset does not know stand among them. Memory is bounded by
    `recommend.block_users` and the number of candidates, not by users x N.

    Raises
    ------
    ArtifactError
        Dataset or model is missing, broken, or they do not belong together.
    ConfigError
        Output, catalogue columns, condition or users do not fit.
    DataError
        A catalogue or users file cannot be used.
    ResourceError
        The output cannot be written, or there is too little memory.
    """
    started = time.perf_counter()
    job = _prepared(context)
    recommender = Recommender(
        job.dataset.interactions, job.model, job.model.recipe(context.threads), job.rules
    )
    recommender.check_memory(len(job.audience.user_ids), context.config.recommend.block_users)
    user_type, item_type = job.model.user_ids.dtype, job.model.item_ids.dtype
    tally = _Tally()
    with open_sink(
        job.target,
        output_schema(job.target.layout, user_type, item_type),
        shortfall_schema(user_type),
        context.stdout,
    ) as sink:
        _write_lists(context, job, recommender, sink, tally)
        seconds = time.perf_counter() - started
        sink.finish(
            _key(context.config.recommend, job.target, job.dataset, job.model, job.inputs),
            context.config.model_dump(mode="json"),
            inputs=job.inputs,
            counts=tally.counts(),
            seed=job.model.manifest.seed,
            threads=context.threads,
            seconds=seconds,
        )
    return _report(job, recommender, tally, time.perf_counter() - started)


def recommend_key(context: StageContext) -> str | None:
    """Return the hash of all that the lists depend on: rules, model, dataset, catalogue, users file, format.

    None where the users file or the catalogue is a pipe, which can be read only once.
    """
    config = context.config.recommend
    dataset, model = open_dataset(context.dataset_place), open_model(context.models_place)
    inputs = describe_inputs(_paths_of(config))
    return None if inputs is None else _key(config, target_of(config.output), dataset, model, inputs)


def published_recommendations(context: StageContext) -> Manifest | None:
    """Return the manifest of the lists at the config's output; None where there are none, or they are broken."""
    try:
        return published_lists(target_of(context.config.recommend.output))
    except AlsError:
        return None


@dataclass(frozen=True)
class _Job:
    """All that is known before the first list is made."""

    target: Target
    dataset: Dataset
    model: Model
    rules: ListRules
    candidates: Candidates | None
    audience: Audience
    inputs: tuple[InputFile, ...]


@dataclass
class _Tally:
    """Counts over all blocks."""

    users: int = 0
    rows: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    source_rows: Counter[str] = field(default_factory=Counter)
    shortfall: Counter[str] = field(default_factory=Counter)

    def add(self, lists: UserLists, reasons: list[str]) -> None:
        filled = lists.top.filled.sum(axis=1)
        self.users += len(lists.user_ids)
        self.rows += int(filled.sum())
        for source in SOURCES:
            rows = filled[(lists.sources == source).fill_null(value=False).to_numpy()]
            self.sources[source] += int(np.count_nonzero(rows))
            self.source_rows[source] += int(rows.sum())
        self.shortfall.update(reasons)

    def counts(self) -> dict[str, int]:
        return {
            "users": self.users,
            "rows": self.rows,
            **{f"source_{name}": self.sources[name] for name in SOURCES},
            **{f"rows_{name}": self.source_rows[name] for name in SOURCES},
            **{f"shortfall_{name}": count for name, count in sorted(self.shortfall.items())},
        }


def _prepared(context: StageContext) -> _Job:
    config = context.config.recommend
    check_lists_place(context)  # mistakes here need no data to be found
    dataset, model = open_dataset(context.dataset_place), open_model(context.models_place)
    start_warm_up()
    inputs, candidates = Inputs(), None
    with inputs.unchanged():
        audience = audience_of(config.users, dataset.interactions, inputs.find)
        if config.items is not None:
            catalog = read_catalog(config.items, model.item_ids.dtype, inputs.find)
            candidates = catalog.candidates(model.item_ids)
    return _Job(
        target=target_of(config.output),
        dataset=dataset,
        model=model,
        rules=rules_of(config, candidates),
        candidates=candidates,
        audience=audience,
        inputs=inputs.confirm(),
    )


def rules_of(config: RecommendConfig, candidates: Candidates | None) -> ListRules:
    """Return what a list may hold."""
    return ListRules(
        top_n=config.top_n,
        exclude_seen=config.exclude_seen,
        allowed=None if candidates is None else candidates.allowed,
        popular_fallback=config.fallback == "popular",
    )


def _write_lists(
    context: StageContext, job: _Job, recommender: Recommender, sink: ListSink, tally: _Tally
) -> None:
    blocks = recommender.blocks(job.audience, context.config.recommend.block_users, job.target.users_per_part)
    users = len(job.audience.user_ids)
    with (
        threadpool_limits(context.threads, "blas"),
        context.progress.task("recommending", total=users) as task,
    ):
        for block in blocks:
            lists = recommender.lists_for(block)
            shortfall = lists.shortfall()
            table = lists.rows() if job.target.layout == "rows" else lists.lists()
            sink.write(table, shortfall, len(block.user_ids))
            tally.add(lists, shortfall["reason"].to_list())
            task.advance(len(block.user_ids))


def _report(job: _Job, recommender: Recommender, tally: _Tally, seconds: float) -> RecommendReport:
    report = RecommendReport(
        output=job.target.path,
        format=job.target.format,
        layout=job.target.layout,
        top_n=job.rules.top_n,
        users=tally.users,
        rows=tally.rows,
        sources={name: tally.sources[name] for name in SOURCES},
        source_rows={name: tally.source_rows[name] for name in SOURCES},
        fallback_fraction=_share(tally.sources),
        fallback_slot_fraction=_share(tally.source_rows),
        shortfall=dict(sorted(tally.shortfall.items())),
        unreadable_users=job.audience.unreadable,
        candidates=recommender.candidates,
        never_interacted=0 if job.candidates is None else job.candidates.never_interacted,
        seconds=seconds,
    )
    if report.shortfall_users:
        reasons = ", ".join(f"{count} {reason}" for reason, count in report.shortfall.items())
        log.warning(
            "%d of %d users got fewer than %d items: %s",
            report.shortfall_users,
            report.users,
            report.top_n,
            reasons,
        )
    return report


def _share(counts: Counter[str]) -> float:
    """Return the part of the popularity list in `counts` by source, 0 where there is nothing."""
    return counts[POPULAR] / counts.total() if counts.total() else 0.0


def _paths_of(config: RecommendConfig) -> tuple[str, ...]:
    """Return the paths of the users file and the catalogue, in the order they are read."""
    users = [config.users.file] if isinstance(config.users, UsersFile) else []
    return (*users, *([] if config.items is None else [config.items.catalog]))


def _key(
    config: RecommendConfig, target: Target, dataset: Dataset, model: Model, inputs: tuple[InputFile, ...]
) -> str:
    rules = config.model_dump(mode="json", exclude={"output": True, "block_users": True})
    for section, path in (("users", "file"), ("items", "catalog")):
        if isinstance(rules[section], dict):
            rules[section].pop(path, None)
    return stage_key(
        recommend=rules,
        output=(target.kind, target.format, target.layout, target.users_per_part),
        dataset=dataset.manifest.content,
        model=model.manifest.content,
        inputs=[file.sha256 for file in inputs],
    )
