"""`als tune`: search for hyperparameters on the training set, write the best config."""

import time
from datetime import UTC, datetime

from als_cli.ranking.warm_up import start_warm_up
from als_cli.splitting.auto_split import given_split
from als_cli.splitting.protocol import SplitProtocol
from als_cli.stages.context import StageContext, reads_events
from als_cli.stages.run import ingest_if_needed
from als_cli.storage.instants import open_dataset_as_of
from als_cli.storage.output_checks import check_tune_output
from als_cli.storage.tune_files import study_name, study_path, write_best_config, write_tune_report
from als_cli.tuning.folds import folds_and_samples, training_matrix, warn_of_few_users
from als_cli.tuning.report import TuneReport
from als_cli.tuning.search import TuneSearch, require_optuna
from als_cli.tuning.space import search_space


@reads_events
def tune(context: StageContext, *, ingest: bool = False) -> TuneReport:
    """Return the report of the search, and write the best config.

    With `ingest`, the dataset is first made if it is missing or out of date. Finished trials stay in the study of the
    workspace even if the search is interrupted. The next run of the same search continues after them.

    Raises
    ------
    AlsError
        With `ingest`: any error of stage `ingest`.
    ArtifactError
        There is no dataset, it was ingested for another instant, or the dataset or the study is broken.
    ConfigError
        Optuna is not installed, `tune.output` is an input or an artifact, or the split or the hyperparameters do not
        fit the data.
    DataError
        The training set is too small to be split again.
    ResourceError
        The study or the config cannot be written.
    TrainingError
        The factors of the config as given are not finite.
    """
    started = time.perf_counter()
    config = context.config
    require_optuna()
    check_tune_output(config, context.config_file)
    ingested = ingest_if_needed(context) if ingest else None
    dataset = open_dataset_as_of(context.dataset_place, config.events.as_of)
    start_warm_up(config.train.engine)
    clean = dataset.scan_events()
    split, _ = given_split(clean, config.events, config.evaluate)
    folds, samples = folds_and_samples(
        clean, config.events, SplitProtocol.of(config.evaluate, split), config.tune
    )
    warn_of_few_users(folds)
    space = search_space(config.train, config.tune.space, [fold.training.matrix for fold in folds])
    search = TuneSearch(
        config.train,
        config.events,
        config.evaluate.split,
        config.tune,
        space,
        context.threads,
        context.progress,
    )
    name = study_name(config, dataset)
    found = search.run(study_path(config), name, folds, samples)
    train = config.train
    if not found.best.untuned:
        # The values are converted for the training set, so the result does not depend on the test set at all.
        matrix = training_matrix(clean, config.events, split, dataset.interactions.matrix)
        train = search.best_config(folds[0], found.best.parameters, matrix)
    written = write_best_config(config, train, found)
    report = found.report(
        folds,
        samples,
        ingest=ingested,
        config=str(written),
        study=str(study_path(config)),
        study_name=name,
        metric=config.tune.metric,
        seconds=time.perf_counter() - started,
    )
    write_tune_report(context.workspace, report, datetime.now(UTC))
    return report
