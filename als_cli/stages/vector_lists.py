"""What `als similar` and `als audience` share: they open the model, and publish lists of ranked rows."""

import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from als_cli.als.recipe import Recipe
from als_cli.als.threads import ahead, blas_limited_to
from als_cli.arrays import Float64Array
from als_cli.config.recommend import RecommendConfig
from als_cli.errors import streaming
from als_cli.ranking.audience import Audience, audience_of
from als_cli.ranking.item_demand import ModelItems
from als_cli.ranking.memory import BLOCKS_AHEAD
from als_cli.ranking.recommender import Recommender
from als_cli.ranking.refresh import refreshed
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.rules.reading import ReadRules, read_rules
from als_cli.ranking.trained_model import TrainedModel
from als_cli.ranking.vector_lists import VectorLists, VectorRanking
from als_cli.ranking.vector_lists_report import VectorListCounts, VectorListsReport
from als_cli.ranking.warm_up import start_warm_up
from als_cli.stages.context import StageContext
from als_cli.storage.dataset_files import StoredDataset
from als_cli.storage.inputs import Inputs
from als_cli.storage.instants import open_dataset_as_of, open_model_as_of
from als_cli.storage.manifest import stage_key
from als_cli.storage.model_files import StoredModel
from als_cli.storage.output_checks import check_lists_output
from als_cli.storage.sinks.lists_key import changing_with_time, lists_key
from als_cli.storage.sinks.lists_place import check_command_of_lists
from als_cli.storage.sinks.publish_lists import ListSink, open_sink
from als_cli.storage.sinks.target import target_of

_UNUSED: dict[str, Any] = {"fallback": (), "guests": None, "segments": None, "because": 0}
"""Keys of section `recommend` that these lists do not depend on."""

_NOTHING_LEFT_OUT = {"unknown_items": 0, "users_without_vector": 0}


@dataclass(frozen=True)
class ListSource:
    """A model that is up to date with its dataset, and the section `recommend` that applies to its lists."""

    context: StageContext
    config: RecommendConfig
    dataset: StoredDataset
    model: StoredModel
    ranked: TrainedModel
    recipe: Recipe
    instant: datetime
    """The instant of the lists."""
    started: float
    """The start of the command, by `time.perf_counter`."""
    inputs: Inputs = field(default_factory=Inputs)

    def read_rules(self) -> ReadRules:
        """Return the rules of section `recommend`. Their files must not change until they are confirmed."""
        return read_rules(self.config, self.ranked, self.instant, self.inputs.find)

    def audience(self) -> Audience:
        """Return the users of `recommend.users`. Their file must not change until it is confirmed."""
        as_of = self.context.config.events.as_of
        return audience_of(self.config.users, self.dataset.interactions, as_of, self.inputs.find)

    def recommender(self, rules: ListRules) -> Recommender:
        """Return the recommender that makes lists by `rules`."""
        as_of = self.context.config.events.as_of
        dataset = self.dataset
        return Recommender(
            dataset.interactions,
            self.ranked,
            self.recipe,
            rules,
            as_of,
            scan_events=dataset.scan_events,
        )

    def users_of_items(self) -> Float64Array:
        """Return the number of users of each item in the dataset, (I,); zero for items that only the model knows."""
        interactions = self.dataset.interactions
        counts = interactions.items["interactions"].to_numpy().astype("float64")
        return ModelItems(interactions, self.ranked.item_ids).take(counts)


def list_source(context: StageContext, **applying: Any) -> ListSource:
    """Return the source of lists under section `recommend` with the keys `applying`.

    Raises
    ------
    ArtifactError
        The dataset or the model is missing or broken, or they do not belong together.
    ConfigError
        The lists would overwrite an input or the workspace.
    """
    started = time.perf_counter()
    check_lists_output(context.config, context.config_file)
    start_warm_up()
    as_of = context.config.events.as_of
    config = context.config.recommend.model_copy(update=_UNUSED | applying)
    dataset = open_dataset_as_of(context.dataset_place, as_of)
    model = open_model_as_of(context.models_place, dataset, as_of)
    ranked, recipe = refreshed(config.refresh, dataset.interactions, model, model.recipe(context.threads))
    return ListSource(context, config, dataset, model, ranked, recipe, as_of or datetime.now(UTC), started)


def publish_lists(
    source: ListSource,
    of: str,
    ranking: VectorRanking,
    rules: ListRules,
    minimum_support: int,
    **left_out: int,
) -> VectorListsReport:
    """Publish the lists of `ranking` at `recommend.output`, and return the report. `of` names the kind of the lists.

    `left_out` are the counts `unknown_items` and `users_without_vector` of the report, by default zero.

    Raises
    ------
    ConfigError
        The lists at `recommend.output` are of another command.
    DataError
        An input has changed while it was read.
    ResourceError
        The output cannot be written, or there is too little memory.
    """
    context, config, target = source.context, source.config, target_of(source.config.output)
    check_command_of_lists(target, of)
    files, left_out = source.inputs.confirm(), _NOTHING_LEFT_OUT | left_out
    ranking.check_memory(config.block_users)
    to_stdout = streaming("stdout") if target.kind == "stdout" else nullcontext()
    with (
        to_stdout,
        open_sink(target, ranking.schema(), ranking.shortfall_schema(), context.stdout) as sink,
    ):
        counts = _write(source, ranking, target.users_per_part, sink)
        changing = changing_with_time(config, rules, source.instant)
        lists = lists_key(config, source.dataset, source.model, files, changing)
        sink.finish(
            stage_key(of=of, minimum_support=minimum_support, lists=lists),
            context.config.model_dump(mode="json"),
            inputs=files,
            counts=counts.for_manifest() | {"candidates": ranking.candidates} | left_out,
            metrics={"of": of, "top_n": config.top_n, "minimum_support": minimum_support},
            seed=source.model.manifest.seed,
            threads=context.threads,
            seconds=time.perf_counter() - source.started,
        )
    return counts.report(
        of=of,
        output=target.path,
        format=target.format,
        top_n=config.top_n,
        candidates=ranking.candidates,
        minimum_support=minimum_support,
        **left_out,
        seconds=time.perf_counter() - source.started,
    )


def _write(
    source: ListSource, ranking: VectorRanking, rows_per_part: int, sink: ListSink
) -> VectorListCounts:
    counts, context = VectorListCounts(), source.context
    schema, shortfall_schema = ranking.schema(), ranking.shortfall_schema()

    def tables(block: slice) -> tuple[VectorLists, pl.DataFrame, pl.DataFrame]:
        lists = ranking.lists_for(block)
        return lists, lists.rows(schema), lists.shortfall(shortfall_schema)

    blocks = ranking.blocks(source.config.block_users, rows_per_part)
    with (
        blas_limited_to(context.threads),
        context.progress.task("ranking", total=ranking.queries) as task,
    ):
        # The next blocks are ranked while the last one is written.
        for lists, table, shortfall in ahead(tables, blocks, min(BLOCKS_AHEAD, context.threads)):
            sink.write(table, shortfall, len(lists.ids))
            counts.add(lists, shortfall["reason"].to_list())
            task.advance(len(lists.ids))
    return counts
