"""`als recommend`: read dataset and model, publish top-N lists."""

import logging
import time
from contextlib import nullcontext

from als_cli.als.threads import blas_limited_to
from als_cli.errors import AlsError, streaming
from als_cli.ranking.audience import Audience, audience_of
from als_cli.ranking.catalog import read_catalog
from als_cli.ranking.item_demand import demand_facts
from als_cli.ranking.lists import output_schema, shortfall_schema
from als_cli.ranking.recommend_report import ListCounts, RecommendReport
from als_cli.ranking.recommender import ListRules, Recommender
from als_cli.ranking.warm_up import start_warm_up
from als_cli.stages.context import StageContext
from als_cli.storage.dataset_files import Dataset
from als_cli.storage.inputs import Inputs, describe_inputs
from als_cli.storage.instants import open_dataset_as_of, open_model_as_of
from als_cli.storage.manifest import Manifest
from als_cli.storage.model_files import Model
from als_cli.storage.output_checks import check_lists_output
from als_cli.storage.sinks.lists_key import lists_key, lists_paths
from als_cli.storage.sinks.publish_lists import ListSink, open_sink, published_lists
from als_cli.storage.sinks.target import Target, target_of

log = logging.getLogger(__name__)


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
        The catalogue or the users file cannot be used.
    ResourceError
        The output cannot be written, or there is too little memory.
    """
    started = time.perf_counter()
    config = context.config.recommend
    check_lists_output(context.config, context.config_file)
    dataset, model = _dataset_and_model(context)
    start_warm_up()
    inputs, candidates = Inputs(), None
    with inputs.unchanged():
        audience = audience_of(config.users, dataset.interactions, context.config.events.as_of, inputs.find)
        if config.items is not None:
            catalog = read_catalog(config.items, model.item_ids.dtype, inputs.find)
            candidates = catalog.candidates(model.item_ids)
    files = inputs.confirm()
    rules = ListRules.of(config, candidates)
    recipe = model.recipe(context.threads)
    recommender = Recommender(dataset.interactions, model, recipe, rules)
    recommender.check_memory(len(audience.user_ids), config.block_users)
    target, user_type = target_of(config.output), model.user_ids.dtype
    schema = output_schema(target.layout, user_type, model.item_ids.dtype)
    to_stdout = streaming("stdout") if target.kind == "stdout" else nullcontext()
    with to_stdout, open_sink(target, schema, shortfall_schema(user_type), context.stdout) as sink:
        counts = _write_lists(context, recommender, audience, target, sink)
        sink.finish(
            lists_key(config, dataset, model, files),
            context.config.model_dump(mode="json"),
            inputs=files,
            counts=counts.for_manifest(),
            metrics={
                "demand": demand_facts(recipe.demand, dataset.interactions, context.config.events.as_of)
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
        never_interacted=0 if candidates is None else candidates.never_interacted,
        seconds=time.perf_counter() - started,
    )
    _warn_of_shortfall(report)
    return report


def recommend_key(context: StageContext) -> str | None:
    """Return the hash of all that the lists depend on: rules, model, dataset, catalogue, users file and format.

    None if the users file or the catalogue is a pipe, which can be read only once.
    """
    config = context.config.recommend
    dataset, model = _dataset_and_model(context)
    inputs = describe_inputs(lists_paths(config))
    return None if inputs is None else lists_key(config, dataset, model, inputs)


def published_recommendations(context: StageContext) -> Manifest | None:
    """Return the manifest of the lists at the config's output; None if there are none or they are broken."""
    try:
        return published_lists(target_of(context.config.recommend.output))
    except AlsError:
        return None


def _dataset_and_model(context: StageContext) -> tuple[Dataset, Model]:
    as_of = context.config.events.as_of
    dataset = open_dataset_as_of(context.dataset_place, as_of)
    return dataset, open_model_as_of(context.models_place, dataset, as_of)


def _write_lists(
    context: StageContext, recommender: Recommender, audience: Audience, target: Target, sink: ListSink
) -> ListCounts:
    counts = ListCounts()
    blocks = recommender.blocks(audience, context.config.recommend.block_users, target.users_per_part)
    with (
        blas_limited_to(context.threads),
        context.progress.task("recommending", total=len(audience.user_ids)) as task,
    ):
        for block in blocks:
            lists = recommender.lists_for(block)
            shortfall = lists.shortfall()
            table = lists.rows() if target.layout == "rows" else lists.lists()
            sink.write(table, shortfall, len(block.user_ids))
            counts.add(lists, shortfall["reason"].to_list())
            task.advance(len(block.user_ids))
    return counts


def _warn_of_shortfall(report: RecommendReport) -> None:
    if report.shortfall_users:
        log.warning(
            "%d of %d users got fewer than %d items: %s",
            report.shortfall_users,
            report.users,
            report.top_n,
            ", ".join(f"{count} {reason}" for reason, count in report.shortfall.items()),
        )
