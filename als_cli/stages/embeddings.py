"""`als embeddings`: publish the vectors of users and items for vector indexes."""

import time
from dataclasses import replace
from pathlib import Path

import polars as pl

from als_cli.als.threads import blas_limited_to
from als_cli.arrays import BoolArray
from als_cli.ranking.audience import Audience, audience_of
from als_cli.ranking.recommender import Recommender
from als_cli.ranking.refresh import refreshed
from als_cli.ranking.rules.reading import read_rules
from als_cli.ranking.trained_model import TrainedModel
from als_cli.reports import Report
from als_cli.stages.context import StageContext
from als_cli.storage.embedding_files import ITEMS, USERS, embedding_writer
from als_cli.storage.inputs import Inputs
from als_cli.storage.instants import open_dataset_as_of, open_model_as_of
from als_cli.storage.manifest import stage_key, write_manifest
from als_cli.storage.output_checks import check_embeddings_output
from als_cli.storage.publish import staged_folder

KIND = "embeddings"


class EmbeddingsReport(Report):
    """The published vectors."""

    output: str
    users: int
    """Users with a vector."""
    users_without_vector: int
    """Users without any item that the model knows."""
    items: int
    dimensions: int
    demand: bool
    """Whether dot products are the scores of the lists."""
    seconds: float


def embeddings(context: StageContext) -> EmbeddingsReport:
    """Return the report of the published vectors of the users of `recommend.users` and of all items.

    The dot product of a user and an item is the score that the lists rank by. Without `embeddings.demand`, it is the
    dot product of the factors.

    Raises
    ------
    ArtifactError
        The dataset or the model is missing or broken, or they do not belong together.
    ConfigError
        The output would overwrite an input or the workspace.
    DataError
        The catalogue or the users file cannot be used.
    ResourceError
        The output cannot be written.
    """
    started = time.perf_counter()
    config, section = context.config.recommend, context.config.embeddings
    check_embeddings_output(context.config, context.config_file)
    dataset = open_dataset_as_of(context.dataset_place, context.config.events.as_of)
    model = open_model_as_of(context.models_place, dataset, context.config.events.as_of)
    ranked, recipe = refreshed(config.refresh, dataset.interactions, model, model.recipe(context.threads))
    inputs = Inputs()
    with inputs.unchanged():
        audience = audience_of(config.users, dataset.interactions, context.config.events.as_of, inputs.find)
        rules = read_rules(config, ranked, context.config.events.as_of, inputs.find).rules
    files = inputs.confirm()
    recommender = Recommender(dataset.interactions, ranked, recipe, replace(rules, seen_again_after=None))
    with staged_folder(Path(section.path), keep=section.keep) as folder:
        dimensions = _write_items(folder, recommender, ranked, rules.allowed, demand=section.demand)
        users = _write_users(folder, recommender, ranked, audience, context)
        counts = {"users": users, "items": len(ranked.item_ids), "dimensions": dimensions}
        write_manifest(
            folder,
            kind=KIND,
            key=stage_key(
                embeddings=section.model_dump(mode="json", exclude={"path", "keep"}),
                dataset=dataset.manifest.content,
                model=model.manifest.content,
                inputs=[file.sha256 for file in files],
            ),
            config=context.config.model_dump(mode="json"),
            inputs=files,
            counts=counts,
            metrics={"demand": section.demand},
            threads=context.threads,
            seconds=time.perf_counter() - started,
        )
    return EmbeddingsReport(
        output=section.path,
        users_without_vector=len(audience.user_ids) - users,
        demand=section.demand,
        seconds=time.perf_counter() - started,
        **counts,
    )


def _write_items(
    folder: Path, recommender: Recommender, model: TrainedModel, allowed: BoolArray | None, *, demand: bool
) -> int:
    """Write the vectors of all items of the model, and return the number of their dimensions."""
    vectors = recommender.item_vectors(with_demand=demand)
    candidate = pl.lit(True) if allowed is None else pl.lit(pl.Series(allowed))
    items = pl.DataFrame({"item_id": model.item_ids}).with_columns(candidate=candidate)
    with embedding_writer(folder / ITEMS, items.schema, vectors.shape[1]) as writer:
        writer.write(items, vectors)
    return int(vectors.shape[1])


def _write_users(
    folder: Path, recommender: Recommender, model: TrainedModel, audience: Audience, context: StageContext
) -> int:
    """Write the vectors of the users in `audience` block by block, and return the number of users with a vector."""
    demand, block_users = context.config.embeddings.demand, context.config.recommend.block_users
    schema = pl.Schema({"user_id": model.user_ids.dtype, "source": pl.String()})
    dimensions = recommender.item_vectors(with_demand=demand).shape[1]
    users = 0
    with (
        blas_limited_to(context.threads),
        embedding_writer(folder / USERS, schema, dimensions) as writer,
    ):
        for block in recommender.blocks(audience, block_users, len(audience.user_ids)):
            table, vectors = recommender.user_vectors(block, with_demand=demand)
            writer.write(table, vectors)
            users += table.height
    return users
