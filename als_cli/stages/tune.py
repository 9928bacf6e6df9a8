"""`als tune`: search for hyperparameters on the training part, write the winning config."""

import importlib.util
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from als_cli.config.train import TrainConfig
from als_cli.config.writing import config_text
from als_cli.dataset.aggregation import PAIR_SIGNAL
from als_cli.errors import ConfigError, TrainingError
from als_cli.splitting.auto_split import given_split, resolve_split
from als_cli.splitting.protocol import FEWEST_USERS, SplitProtocol
from als_cli.stages.context import StageContext
from als_cli.stages.places import check_tune_place
from als_cli.stages.run import ingest_if_needed
from als_cli.stages.warm_up import start_warm_up
from als_cli.storage.dataset_files import Dataset, open_dataset
from als_cli.storage.manifest import stage_key
from als_cli.storage.publish import staged_file
from als_cli.tuning.folds import Folds, evaluated_users, folds_and_samples, training_matrix
from als_cli.tuning.report import ScreenReport, TrialReport, TuneReport
from als_cli.tuning.search import Found, TuneSearch
from als_cli.tuning.space import search_space, searched_config

_SPLIT_FILE = {"path", "columns", "format", "separator", "header", "encoding"}
_NOT_IN_KEY = {"trials", "time", "output"}
"""A longer search goes on with the same study."""

log = logging.getLogger(__name__)


def tune(context: StageContext, *, ingest: bool = False) -> TuneReport:
    """Return what the search found; writes the winning config.

    With `ingest`, the dataset is made first where it is missing or out of date. Finished trials stay in the
    workspace's study, whatever ends the search: the same search goes on from them.

    Raises
    ------
    AlsError
        Whatever `ingest` raises.
    ArtifactError
        There is no dataset, or it or the study is broken.
    ConfigError
        Optuna is not installed, `tune.output` is an input or an artifact, or the split or the hyperparameters do not
        suit the data.
    DataError
        The training part is too small to be divided again.
    ResourceError
        The study or the config cannot be written.
    """
    _require_optuna()
    check_tune_place(context)
    started = time.perf_counter()
    ingested = ingest_if_needed(context) if ingest else None
    dataset = open_dataset(context.dataset_place)
    start_warm_up(context.config.train.engine)
    config, clean = context.config, dataset.scan_events()
    protocol = resolve_split(clean, config.events, SplitProtocol.of(config.evaluate))
    folds, samples = folds_and_samples(clean, config.events, protocol, config.tune)
    if evaluated_users(folds) < FEWEST_USERS:
        log.warning(
            "tune: only %d users are evaluated, so chance decides: use more folds", evaluated_users(folds)
        )
    space = search_space(config.train, config.tune.space, [fold.training.matrix for fold in folds])
    search = TuneSearch(config.train, config.events, config.tune, space, context.threads, context.progress)
    place, name = context.workspace / "tune", tune_key(context, dataset)
    found = search.run(place / "study.sqlite3", name, folds, samples)
    untuned = found.trials[0]
    if untuned.value is None:
        raise TrainingError(
            "the config as it is gives factors that are not finite", hint="check section train"
        )
    best = _best(found.trials)
    target = Path(context.config.tune.output or place / "best.yaml")
    _write_winner(context, target, best, untuned, _winner(context, protocol, dataset, best))
    return TuneReport(
        ingest=ingested,
        config=str(target),
        study=str(place / "study.sqlite3"),
        study_name=name,
        metric=context.config.tune.metric,
        folds=len(folds),
        users=evaluated_users(folds),
        screen=_screen_report(found, samples),
        best=best,
        untuned=untuned,
        trials=found.trials,
        new_trials=len(found.trials) - found.before,
        seconds=time.perf_counter() - started,
    )


def tune_key(context: StageContext, dataset: Dataset) -> str:
    """Return the name of the study: the hash of all that a trial's value depends on."""
    config = context.config
    return stage_key(
        dataset=dataset.manifest.content,
        signal=config.events.model_dump(mode="json", include=PAIR_SIGNAL),
        train=config.train.model_dump(mode="json"),
        split=config.evaluate.split.model_dump(mode="json", exclude=_SPLIT_FILE),
        exclude_seen=config.evaluate.exclude_seen,
        tune=config.tune.model_dump(mode="json", exclude=_NOT_IN_KEY),
    )


def _require_optuna() -> None:
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError("als tune needs Optuna, which is not installed", hint="pip install 'als-cli[tune]'")


def _screen_report(found: Found, samples: Folds) -> ScreenReport | None:
    if not samples:
        return None
    return ScreenReport(
        users=samples[0].training.users.height,
        evaluated=evaluated_users(samples),
        trials=found.screened,
        kept=found.kept,
    )


def _best(trials: Sequence[TrialReport]) -> TrialReport:
    """Return the trial with the highest value, of equal ones the first."""
    return max(
        (trial for trial in trials if trial.value is not None),
        key=lambda trial: (trial.value or 0.0, -trial.number),
    )


def _winner(
    context: StageContext, protocol: SplitProtocol, dataset: Dataset, best: TrialReport
) -> TrainConfig:
    if best.untuned:
        return context.config.train
    # Not even the density of the test part goes into the result.
    clean, signal = dataset.scan_events(), context.config.events
    split, _ = given_split(clean, signal, protocol)
    matrix = training_matrix(clean, signal, split, dataset.interactions.matrix)
    return searched_config(context.config.train, best.parameters, matrix)


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
