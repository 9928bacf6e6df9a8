"""`als train`: read the dataset, publish a model."""

import logging
import time

from als_cli import NOTICE
from als_cli.als.engine import Factors, Iteration
from als_cli.als.recipe import Recipe
from als_cli.config.train import TrainConfig
from als_cli.dataset.interactions import Interactions
from als_cli.progress import Progress
from als_cli.ranking.warm_up import start_warm_up
from als_cli.reports import Report
from als_cli.stages.context import StageContext
from als_cli.storage.choice_files import ChoiceBasis, ChoiceStore, stored_choice
from als_cli.storage.dataset_files import StoredDataset
from als_cli.storage.instants import open_dataset_as_of
from als_cli.storage.manifest import stage_key, whole_manifest, write_manifest
from als_cli.storage.model_age import NEWEST_EVENT, is_kept
from als_cli.storage.model_files import ITERATION_SECONDS, write_model
from als_cli.storage.publish import current_version, staged_folder
from als_cli.tuning.auto import Choice, forecast, is_open
from als_cli.tuning.fit_model import reported_iterations
from als_cli.tuning.parameters import check_times, recipe_for

log = logging.getLogger(__name__)


class TrainReport(Report):
    """The model that `train` made."""

    model: str
    """Folder of the published model."""
    engine: str
    users: int
    items: int
    interactions: int
    factors: int
    loss: tuple[float, ...]
    """Training loss after each iteration, divided by users x items."""
    iteration_seconds: tuple[float, ...]
    seconds: float


def train(context: StageContext) -> TrainReport:
    """Return the report of a training on the current dataset, and publish the model.

    Raises
    ------
    ArtifactError
        There is no dataset, or it is broken, or it was ingested for another instant.
    ConfigError
        There are more factors than users or items, `train.horizon` is longer than the events, or section `train` has a
        half-life but not all events have timestamps.
    TrainingError
        The factors are not finite.
    """
    started = time.perf_counter()
    dataset = open_dataset_as_of(context.dataset_place, context.config.events.as_of)
    start_warm_up(context.config.train.engine, ranks=is_open(context.config.train))
    interactions = dataset.interactions
    check_times(context.config.train, interactions.times)
    store = ChoiceStore.of(context.choice_place, context.config, context.threads, context.progress)
    basis = ChoiceBasis.of_dataset(context.config, dataset)
    choice = store.choose(dataset.scan_events, basis, unseen=False)
    recipe = _recipe(context, interactions, choice)
    with staged_folder(context.models_place, keep=context.config.keep) as folder:
        factors, iterations = _fit(interactions, recipe, context.progress)
        write_model(folder, interactions.users, interactions.items, factors)
        seconds = time.perf_counter() - started
        loss = tuple(iteration.loss for iteration in iterations)
        write_manifest(
            folder,
            kind="model",
            key=_key(context.config.train, dataset, choice),
            config=context.config.model_dump(mode="json"),
            counts={
                "users": interactions.users.height,
                "items": interactions.items.height,
                "interactions": interactions.matrix.nnz,
            },
            metrics={
                "loss": loss,
                ITERATION_SECONDS: [iteration.seconds for iteration in iterations],
                "dataset": dataset.manifest.content,
                NEWEST_EVENT: interactions.newest,
                "recipe": recipe.to_json(),
                "choice": None if choice is None else choice.to_json(),
            },
            seed=context.config.train.seed,
            threads=context.threads,
            seconds=seconds,
        )
    return TrainReport(
        model=str(current_version(context.models_place)),
        engine=context.config.train.engine,
        users=interactions.users.height,
        items=interactions.items.height,
        interactions=interactions.matrix.nnz,
        factors=recipe.settings.factors,
        loss=loss,
        iteration_seconds=tuple(iteration.seconds for iteration in iterations),
        seconds=seconds,
    )


def train_key(context: StageContext) -> str:
    """Return the hash of all that the model depends on: section `train`, the content of the dataset, and the choice."""
    dataset = open_dataset_as_of(context.dataset_place, context.config.events.as_of)
    basis, choose_again = ChoiceBasis.of_dataset(context.config, dataset), context.config.train.choose_again
    choice = None
    if is_open(context.config.train):
        choice = stored_choice(context.choice_place, basis, choose_again, unseen=False)
    return _key(context.config.train, dataset, choice)


def is_model_kept(context: StageContext) -> bool:
    """Return whether `train.again_after` keeps the published model, although it is out of date."""
    published = whole_manifest(context.models_place, "model")
    if published is None or context.config.train.again_after is None:
        return False
    dataset = open_dataset_as_of(context.dataset_place, context.config.events.as_of)
    return is_kept(context.config.train, published, dataset)


def _recipe(context: StageContext, interactions: Interactions, choice: Choice | None) -> Recipe:
    """Return the recipe of `choice`, None means the defaults. A line forecasts the durations."""
    train, matrix = context.config.train, interactions.matrix
    recipe = recipe_for(matrix, train if choice is None else choice.apply(train, matrix), context.threads)
    if choice is not None:
        log.log(NOTICE, forecast(matrix, recipe.settings.factors, recipe.settings.iterations))
    return recipe


def _fit(interactions: Interactions, recipe: Recipe, progress: Progress) -> tuple[Factors, list[Iteration]]:
    iterations: list[Iteration] = []
    with reported_iterations(progress, recipe.settings.iterations) as report:

        def record(iteration: Iteration) -> None:
            iterations.append(iteration)
            report(iteration)

        return recipe.fit(interactions.matrix, record, interactions.times), iterations


def _key(config: TrainConfig, dataset: StoredDataset, choice: Choice | None) -> str:
    return stage_key(
        train=config.model_dump(mode="json"),
        dataset=dataset.manifest.content,
        choice=None if choice is None else choice.to_json(),
    )
