"""`als tune`: search for hyperparameters on the training part, write the winning config."""

import functools
import importlib.util
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from als_cli.config.train import TrainConfig
from als_cli.config.writing import config_text
from als_cli.errors import ConfigError, TrainingError
from als_cli.stages.context import StageContext
from als_cli.stages.evaluation_parts import EvaluationParts
from als_cli.stages.tune_folds import training_matrix, validation_folds, value_of
from als_cli.stages.tune_report import TrialReport, TuneReport
from als_cli.stages.tune_space import Dimension, Point, search_space, tuned
from als_cli.stages.warm_up import start_warm_up
from als_cli.storage.dataset_files import Dataset, open_dataset
from als_cli.storage.manifest import stage_key
from als_cli.storage.publish import staged_file

log = logging.getLogger(__name__)

_SIGNAL = {"half_life", "duplicates", "min_user_interactions", "min_item_interactions", "now"}
_SPLIT_FILE = {"path", "columns", "format", "separator", "header", "encoding"}
_NOT_IN_KEY = {"trials", "time", "output"}
"""A longer search goes on with the same study."""


def tune(context: StageContext) -> TuneReport:
    """Return what the search found; writes the winning config.

    Finished trials stay in the workspace's study, whatever ends the search: the same search goes on from them.

    Raises
    ------
    ArtifactError
        There is no dataset, or it or the study is broken.
    ConfigError
        Optuna is not installed, or the split or the hyperparameters do not suit the data.
    DataError
        The training part is too small to be divided again.
    ResourceError
        The study or the config cannot be written.
    """
    _require_optuna()
    started = time.perf_counter()
    dataset = open_dataset(context.dataset_place)
    start_warm_up(context.config.train.engine)
    folds = validation_folds(context, dataset)
    matrices = [fold.training.matrix for fold in folds]
    space = search_space(context.config.train, context.config.tune.space, matrices)
    place, name = context.workspace / "tune", tune_key(context, dataset)
    trials, before = _search(context, place / "study.sqlite3", name, space, folds)
    untuned = trials[0]
    if untuned.value is None:
        raise TrainingError(
            "the config as it is gives factors that are not finite", hint="check section train"
        )
    best = _best(trials)
    target = Path(context.config.tune.output or place / "best.yaml")
    _write_winner(context, target, best, untuned, _winner(context, dataset, best))
    return TuneReport(
        config=str(target),
        study=str(place / "study.sqlite3"),
        study_name=name,
        metric=context.config.tune.metric,
        folds=len(folds),
        users=sum(fold.holdout.part.users for fold in folds),
        best=best,
        untuned=untuned,
        trials=trials,
        new_trials=len(trials) - before,
        seconds=time.perf_counter() - started,
    )


def tune_key(context: StageContext, dataset: Dataset) -> str:
    """Return the name of the study: the hash of all that a trial's value depends on."""
    config = context.config
    return stage_key(
        dataset=dataset.manifest.content,
        signal=config.events.model_dump(mode="json", include=_SIGNAL),
        train=config.train.model_dump(mode="json"),
        split=config.evaluate.split.model_dump(mode="json", exclude=_SPLIT_FILE),
        exclude_seen=config.evaluate.exclude_seen,
        tune=config.tune.model_dump(mode="json", exclude=_NOT_IN_KEY),
    )


def _require_optuna() -> None:
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError("als tune needs Optuna, which is not installed", hint="pip install 'als-cli[tune]'")


def _search(
    context: StageContext,
    file: Path,
    name: str,
    space: Sequence[Dimension],
    folds: Sequence[EvaluationParts],
) -> tuple[tuple[TrialReport, ...], int]:
    """Return all trials of the study, and how many there were before."""
    from als_cli.stages.tune_study import opened_search

    config = context.config.tune
    judges = [functools.partial(_value, context, fold) for fold in folds]
    with opened_search(file, name, space, config.seed) as search:
        trials = search.trials()
        before = len(trials)
        if before:
            log.info("going on after %d trials of %s", before, file)
        with context.progress.task("tuning", total=config.trials) as task:
            task.advance(before, _note(trials))
            while _may_go_on(context, trials):
                trials = (*trials, search.run_one(judges))
                _log(trials[-1], config.metric)
                task.advance(note=_note(trials))
    return trials, before


def _log(trial: TrialReport, metric: str) -> None:
    value = trial.state if trial.value is None else f"{metric} {trial.value:.5f}"
    parameters = "as given" if trial.untuned else _listed(trial.parameters)
    log.info("trial %d: %s, %s, %.1f s", trial.number, value, parameters, trial.seconds)


def _may_go_on(context: StageContext, trials: Sequence[TrialReport]) -> bool:
    config = context.config.tune
    if not trials:
        return True
    if trials[0].value is None:
        return False  # without the config as it was there is nothing to compare with
    spent = sum(trial.seconds for trial in trials)
    return len(trials) < config.trials and (config.time is None or spent < config.time.total_seconds())


def _value(context: StageContext, fold: EvaluationParts, point: Point | None) -> float:
    train = context.config.train
    if point is not None:
        train = tuned(train, point, fold.training.matrix)
    return value_of(fold, train, context.config.tune.metric, context.threads)


def _best(trials: Sequence[TrialReport]) -> TrialReport:
    """Return the trial with the highest value, of equal ones the first."""
    return max(
        (trial for trial in trials if trial.value is not None),
        key=lambda trial: (trial.value or 0.0, -trial.number),
    )


def _winner(context: StageContext, dataset: Dataset, best: TrialReport) -> TrainConfig:
    if best.untuned:
        return context.config.train
    # Not even the density of the test part goes into the result.
    return tuned(context.config.train, best.parameters, training_matrix(context, dataset))


def _write_winner(
    context: StageContext, target: Path, best: TrialReport, untuned: TrialReport, train: TrainConfig
) -> None:
    config = context.config.model_copy(update={"train": train})
    comment = (
        f"Made by als tune: {context.config.tune.metric} {best.value:.5f} on validation parts, "
        f"{untuned.value:.5f} with the config as it was.\nTry it with `als evaluate -c` before `als train -c`."
    )
    with staged_file(target) as partial:
        partial.write_text(config_text(config, comment), encoding="utf-8")


def _note(trials: Sequence[TrialReport]) -> str:
    values = [trial.value for trial in trials if trial.value is not None]
    return f"best {max(values):.5f}" if values else ""


def _listed(parameters: Point) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in parameters.items())
