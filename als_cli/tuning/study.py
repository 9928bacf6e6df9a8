"""The trials of `als tune`, sampled by Optuna and stored in an SQLite file.

The point of a trial depends on the seed and on the trials before it. Interruptions do not change it: the sampler has
a separate seed for each trial, and interrupted trials are ignored.
"""

import sqlite3
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from als_cli.errors import AlsError, ArtifactError, ResourceError, TrainingError, refusals_at
from als_cli.splitting.subsample import derived_seed
from als_cli.tuning.point import Point
from als_cli.tuning.report import TrialReport
from als_cli.tuning.space import Dimension
from als_cli.tuning.study_file import check_pages, create_whole, invalid_study
from als_cli.tuning.trial_digests import check_study, seal_trial

_UNTUNED, _NOT_FINITE = "untuned", "not_finite"
_TRIALS_BEFORE_PRUNING = 5
"""Trials that are never pruned, because the median of few trials is not reliable."""

_STORAGE_ERRORS = (optuna.exceptions.StorageInternalError, DatabaseError, sqlite3.DatabaseError)

FoldScore = Callable[[Point | None], float]
"""Returns the value of a point on one fold. None stands for the config as given."""


@dataclass(frozen=True)
class Start:
    """A point that is not sampled."""

    point: Point
    is_untuned: bool = False
    """Whether to evaluate the config as given. `point` is the nearest point of the space."""


@dataclass(frozen=True)
class Search:
    """A study, its search space and its seed."""

    study: optuna.Study
    space: Sequence[Dimension]
    seed: int

    def trials(self) -> tuple[TrialReport, ...]:
        """Return the trials that are done, pruned or failed, without interrupted trials."""
        counted = [trial for trial in self.study.get_trials(deepcopy=False) if _state_of(trial)]
        return tuple(self._report(number, trial) for number, trial in enumerate(counted, start=1))

    def run_one(self, folds: Sequence[FoldScore], start: Start | None, random_trials: int) -> TrialReport:
        """Run the next trial on `folds`, and return its report. The trial may be pruned after a fold.

        Its point is `start`. Without `start`, the point is sampled: at random during the first `random_trials` trials,
        then by the sampler's model.
        """
        trials = self.trials()
        waiting = self.study.get_trials(deepcopy=False, states=[TrialState.WAITING])
        if start is not None and not waiting:
            scaled = {
                dimension.name: dimension.to_scale(start.point[dimension.name]) for dimension in self.space
            }
            self.study.enqueue_trial(scaled, user_attrs={_UNTUNED: start.is_untuned})
        self.study.sampler = _sampler(derived_seed(self.seed, len(trials)), random_trials)
        trial = self.study.ask({dimension.name: _distribution(dimension) for dimension in self.space})
        point = None if trial.user_attrs.get(_UNTUNED) else self._point(trial.params)
        try:
            value = _mean(trial, point, folds)
        except TrainingError:
            trial.set_user_attr(_NOT_FINITE, True)
            seal_trial(self.study, trial, None, failed=True)
            self.study.tell(trial, state=TrialState.FAIL)
        else:
            state = TrialState.PRUNED if value is None else None
            seal_trial(self.study, trial, value)
            self.study.tell(trial, value, state=state)
        return self.trials()[-1]

    def _point(self, sampled: dict[str, float]) -> Point:
        return {dimension.name: dimension.from_scale(sampled[dimension.name]) for dimension in self.space}

    def _report(self, number: int, trial: FrozenTrial) -> TrialReport:
        state, untuned = _state_of(trial), bool(trial.user_attrs.get(_UNTUNED))
        if state is None:
            raise ValueError("an interrupted trial has no report")
        return TrialReport(
            number=number,
            state=state,
            untuned=untuned,
            value=trial.value if state == "done" else None,
            parameters=self._point(trial.params),
            seconds=trial.duration.total_seconds() if trial.duration else 0.0,
        )


def open_search(storage: RDBStorage, name: str, space: Sequence[Dimension], seed: int) -> Search:
    """Return the search `name` in `storage`. Create it if it does not exist, and mark interrupted trials as failed.

    Raises
    ------
    ArtifactError
        The stored trials have changed.
    """
    with _sound_content(Path(str(storage.engine.url.database))):
        return _open_search(storage, name, space, seed)


def _open_search(storage: RDBStorage, name: str, space: Sequence[Dimension], seed: int) -> Search:
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_TRIALS_BEFORE_PRUNING),
    )
    check_study(storage, study)
    # This process holds the workspace lock, so no other process is running these trials.
    for interrupted in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        study.tell(interrupted.number, state=TrialState.FAIL)
    return Search(study, space, seed)


@contextmanager
def opened_storage(file: Path) -> Iterator[RDBStorage]:
    """Yield the storage of studies in the SQLite `file`, which is created if it does not exist.

    Raises
    ------
    ArtifactError
        `file` is not an Optuna study file.
    ResourceError
        `file` cannot be written.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with refusals_at(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    with _storage_errors(file):
        storage = _open(file)
        try:
            yield storage
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _open(file: Path) -> RDBStorage:
    create_whole(file, _create)
    check_pages(file)
    with _sound_content(file):
        return _storage(file)


def _create(file: Path) -> None:
    storage = _storage(file)
    storage.remove_session()
    storage.engine.dispose()


def _storage(file: Path) -> RDBStorage:
    try:
        return RDBStorage(URL.create("sqlite", database=str(file)).render_as_string())
    except RuntimeError as other_version:
        raise ArtifactError(
            f"{file} was written by another version of Optuna",
            hint="move the file away to start a new search",
        ) from other_version


def _mean(trial: Trial, point: Point | None, folds: Sequence[FoldScore]) -> float | None:
    """Return the mean over the folds, None if the trial was pruned."""
    total = 0.0
    for number, score in enumerate(folds, start=1):
        total += score(point)
        trial.report(total / number, step=number)
        if point is not None and number < len(folds) and trial.should_prune():
            return None
    return total / len(folds)


def _state_of(trial: FrozenTrial) -> str | None:
    if trial.state == TrialState.COMPLETE:
        return "done"
    if trial.state == TrialState.PRUNED:
        return "pruned"
    return "failed" if trial.user_attrs.get(_NOT_FINITE) else None


def _distribution(dimension: Dimension) -> BaseDistribution:
    if dimension.kind == "choice":
        # By index: choices are ordered, and the sampler uses the order.
        return IntDistribution(0, len(dimension.values) - 1)
    low, high = (dimension.to_scale(value) for value in dimension.values)
    if dimension.kind == "count":
        return IntDistribution(int(low), int(high))
    return FloatDistribution(low, high, log=dimension.kind == "log")


def _sampler(seed: int, random_trials: int) -> optuna.samplers.BaseSampler:
    with warnings.catch_warnings():
        # Older versions of Optuna warn that `multivariate` is experimental.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            seed=seed, multivariate=True, n_startup_trials=random_trials, constant_liar=False
        )


@contextmanager
def _sound_content(file: Path) -> Iterator[None]:
    """Turn what Optuna raises for values that it did not write into an ArtifactError."""
    try:
        yield
    except (AlsError, MemoryError, OSError, *_STORAGE_ERRORS):
        raise
    except Exception as wrong:  # the text of any value may be broken
        raise invalid_study(file, wrong) from wrong


@contextmanager
def _storage_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except _STORAGE_ERRORS as broken:
        reason = str(broken.__cause__ or broken).splitlines()[0]
        if any(word in reason for word in ("full", "readonly", "unable to open", "disk I/O error")):
            raise ResourceError(
                f"{file} cannot be written: {reason}",
                hint="check the disk, its free space and the permissions",
            ) from broken
        raise invalid_study(file, reason) from broken
