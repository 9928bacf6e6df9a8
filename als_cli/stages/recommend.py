"""`als recommend`: read dataset and model, publish top-N lists."""

import logging
import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from als_cli import NOTICE
from als_cli.als.threads import ahead, blas_limited_to
from als_cli.errors import AlsError, DataError, streaming
from als_cli.ranking.audience import Audience, audience_of, with_guests
from als_cli.ranking.item_demand import demand_facts
from als_cli.ranking.lists import UserLists, output_schema, shortfall_schema
from als_cli.ranking.memory import BLOCKS_AHEAD
from als_cli.ranking.recommend_report import ListCounts, RecommendReport
from als_cli.ranking.recommender import Recommender, UserBlock
from als_cli.ranking.refresh import refreshed
from als_cli.ranking.rules.reading import read_rules
from als_cli.ranking.warm_up import start_warm_up
from als_cli.splitting.protocol import MINIMUM_TEST_USERS
from als_cli.stages.context import StageContext, reads_events
from als_cli.storage.dataset_files import StoredDataset
from als_cli.storage.inputs import Inputs, describe_inputs
from als_cli.storage.instants import open_dataset_as_of, open_model_as_of
from als_cli.storage.list_review import ListReview
from als_cli.storage.manifest import Manifest
from als_cli.storage.model_files import StoredModel
from als_cli.storage.output_checks import check_lists_output
from als_cli.storage.sinks.lists_key import changing_with_time, lists_key, lists_paths
from als_cli.storage.sinks.lists_place import RECOMMEND, check_command_of_lists
from als_cli.storage.sinks.publish_lists import ListSink, open_sink, published_lists
from als_cli.storage.sinks.shown import shown_items
from als_cli.storage.sinks.target import Target, target_of

_MOST_LISTS = 0.5
"""Fraction of the lists with the same item from which on lists are called equal."""
_MANY_CANDIDATES = 10
"""Minimum ratio of candidates to slots. With fewer candidates, lists must share items."""

log = logging.getLogger(__name__)


@reads_events
def recommend(context: StageContext) -> RecommendReport:
    """Return the report of the lists that were published, or streamed to stdout.

    Users are sorted by id, including users of the users file that the dataset does not know. Memory depends on
    `recommend.block_users` and the number of candidates, not on users x N.

    Raises
    ------
    ArtifactError
        The dataset or the model is missing or broken, or they do not belong together. Or one of them does not fit
        `events.as_of`.
    ConfigError
        The output, a column of the catalogue, the condition or the users do not fit the data.
    DataError
        The catalogue or the users file cannot be used, or not one user gets an item.
    GateError
        The lists differ from the published ones more than `recommend.churn` allows. These stay published.
    ResourceError
        The output cannot be written, or there is too little memory.
    """
    started = time.perf_counter()
    config = context.config.recommend
    check_lists_output(context.config, context.config_file)
    start_warm_up()
    dataset, model = _dataset_and_model(context)
    ranked, recipe = refreshed(config.refresh, dataset.interactions, model, model.recipe(context.threads))
    inputs, as_of, target = Inputs(), context.config.events.as_of, target_of(config.output)
    check_command_of_lists(target, RECOMMEND)
    instant = as_of or datetime.now(UTC)
    with inputs.unchanged():
        audience = audience_of(config.users, dataset.interactions, as_of, inputs.find)
        read = read_rules(config, ranked, instant, inputs.find)
    files = inputs.confirm()
    if config.guests is not None:
        audience = with_guests(audience, config.guests, dataset.interactions)
    rules = replace(
        read.rules, shown=shown_items(config.rules.not_shown, ranked, target, instant, context.workspace)
    )
    recommender = Recommender(
        dataset.interactions, ranked, recipe, rules, as_of, scan_events=dataset.scan_events
    )
    recommender.check_memory(len(audience.user_ids), config.block_users)
    user_type = model.user_ids.dtype
    schema = output_schema(target.layout, user_type, model.item_ids.dtype, because=config.because > 0)
    to_stdout = streaming("stdout") if target.kind == "stdout" else nullcontext()
    review = ListReview(target, config.churn, context.accept_churn)
    with to_stdout, open_sink(target, schema, shortfall_schema(user_type), context.stdout, review) as sink:
        counts = _write_lists(context, recommender, audience, target, sink)
        counts.leave_out(read.left_out)
        sink.finish(
            lists_key(config, dataset, model, files, changing_with_time(config, read.rules, instant)),
            context.config.model_dump(mode="json"),
            inputs=files,
            counts=counts.for_manifest(),
            metrics={
                "demand": demand_facts(recipe.demand, dataset.interactions, as_of),
                "rules": counts.rules_touched(),
                "unknown_items": dict(read.unknown_items),
                "dataset": dataset.manifest.content,
                "model": model.manifest.content,
            },
            seed=model.manifest.seed,
            threads=context.threads,
            seconds=time.perf_counter() - started,
        )
    report = counts.report(
        output=target.path,
        format=target.format,
        layout=target.layout,
        top_n=config.top_n,
        unreadable_users=audience.unreadable,
        candidates=recommender.candidates,
        never_interacted=read.never_interacted,
        unknown_items=dict(read.unknown_items),
        **review.found,
        seconds=time.perf_counter() - started,
    )
    _warn_of_shortfall(report)
    _tell_of_equal_lists(report)
    return report


def recommend_key(context: StageContext) -> str | None:
    """Return the hash of all that the lists depend on: rules, model, dataset, catalogue, users file and format.

    None if the users file or the catalogue is a pipe, which can be read only once.
    """
    config = context.config.recommend
    dataset, model = _dataset_and_model(context)
    inputs = describe_inputs(lists_paths(config))
    if inputs is None:
        return None
    instant = context.config.events.as_of or datetime.now(UTC)
    has_times = config.items is not None and config.items.available is not None
    rules = None
    if has_times:
        ranked, _ = refreshed(config.refresh, dataset.interactions, model, model.recipe(context.threads))
        rules = read_rules(config, ranked, instant).rules
    return lists_key(config, dataset, model, inputs, changing_with_time(config, rules, instant))


def published_recommendations(context: StageContext) -> Manifest | None:
    """Return the manifest of the lists at the config's output; None if there are none or they are broken."""
    try:
        return published_lists(target_of(context.config.recommend.output))
    except AlsError:
        return None


def _dataset_and_model(context: StageContext) -> tuple[StoredDataset, StoredModel]:
    as_of = context.config.events.as_of
    dataset = open_dataset_as_of(context.dataset_place, as_of)
    return dataset, open_model_as_of(context.models_place, dataset, as_of)


def _write_lists(
    context: StageContext, recommender: Recommender, audience: Audience, target: Target, sink: ListSink
) -> ListCounts:
    counts = ListCounts()
    blocks = recommender.blocks(audience, context.config.recommend.block_users, target.users_per_part)

    def tables(block: UserBlock) -> tuple[UserLists, pl.DataFrame, pl.DataFrame]:
        lists = recommender.lists_for(block)
        return lists, lists.rows() if target.layout == "rows" else lists.lists(), lists.shortfall()

    with (
        blas_limited_to(context.threads),
        context.progress.task("recommending", total=len(audience.user_ids)) as task,
    ):
        # The next blocks are ranked while the last one is written.
        for lists, table, shortfall in ahead(tables, blocks, min(BLOCKS_AHEAD, context.threads)):
            sink.write(table, shortfall, len(lists.user_ids))
            counts.add(lists, shortfall["reason"].to_list())
            task.advance(len(lists.user_ids))
    _check_not_empty(counts)
    return counts


def _check_not_empty(counts: ListCounts) -> None:
    """Return when a list has an item. Empty lists must not replace published ones."""
    if counts.users and not counts.rows:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.shortfall.items()))
        raise DataError(
            f"not one of the {counts.users:,} users got an item ({reasons}), so nothing is published",
            hint="check the ids of recommend.users, the rules, and recommend.fallback",
        )


def _warn_of_shortfall(report: RecommendReport) -> None:
    if report.shortfall_users:
        log.warning(
            "%d of %d users got fewer than %d items: %s",
            report.shortfall_users,
            report.users,
            report.top_n,
            ", ".join(f"{count} {reason}" for reason, count in report.shortfall.items()),
        )


def _tell_of_equal_lists(report: RecommendReport) -> None:
    """Say at a terminal that one item is in most lists, although there are many others."""
    most = report.most_listed
    if most is None or most.fraction <= _MOST_LISTS:
        return
    if report.users >= MINIMUM_TEST_USERS and report.candidates >= _MANY_CANDIDATES * report.top_n:
        log.log(
            NOTICE,
            "item %s is in %.0f %% of the lists, which hardly differ between users: a smaller train.demand.offset "
            "makes them more personal",
            most.item_id,
            100 * most.fraction,
        )
