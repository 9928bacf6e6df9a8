"""The trials of `als tune` in an SQLite file, drawn by Optuna; the only file that imports it.

What a trial draws depends on the seed and on the trials before it, never on how often the search was interrupted: the
sampler begins every trial from a seed of its own, and a trial that was cut off counts for nothing.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.distributions import (
    BaseDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from als_cli.errors import ArtifactError, ResourceError, TrainingError, refusals_at
from als_cli.splitting.subsample import derived_seed
from als_cli.tuning.point import Point
from als_cli.tuning.report import TrialReport
from als_cli.tuning.space import Dimension

_UNTUNED, _NOT_FINITE = "untuned", "not_finite"
_NEVER_PRUNED = 5
"""Trials before the median of the others means something."""

FoldScore = Callable[[Point | None], float]
"""One fold: from a point to its value; None is the config as given."""


@dataclass(frozen=True)
class Start:
    """A trial that the sampler does not choose."""

    point: Point
    is_untuned: bool = False
    """Whether to evaluate the config as given, which is at `point` or near it."""


@dataclass(frozen=True)
class Search:
    """A study and how its next trial is drawn."""

    study: optuna.Study
    space: Sequence[Dimension]
    seed: int

    def trials(self) -> tuple[TrialReport, ...]:
        """Return the trials that count: done, pruned, or failed by themselves."""
        counted = [trial for trial in self.study.get_trials(deepcopy=False) if _state_of(trial)]
        return tuple(self._report(number, trial) for number, trial in enumerate(counted, start=1))

    def run_one(self, folds: Sequence[FoldScore], start: Start | None, random_trials: int) -> TrialReport:
        """Return the next trial: the mean of `folds` (one per fold), given up where the first ones disappoint.

        It is `start`, or drawn: at random while there are fewer than `random_trials`.
        """
        trials = self.trials()
        waiting = self.study.get_trials(deepcopy=False, states=[TrialState.WAITING])
        if start is not None and not waiting:
            place = {one.name: one.to_scale(start.point[one.name]) for one in self.space}
            self.study.enqueue_trial(place, user_attrs={_UNTUNED: start.is_untuned})
        self.study.sampler = _sampler(derived_seed(self.seed, len(trials)), random_trials)
        trial = self.study.ask({one.name: _distribution(one) for one in self.space})
        point = None if trial.user_attrs.get(_UNTUNED) else self._point(trial.params)
        try:
            value = _mean(trial, point, folds)
        except TrainingError:
            trial.set_user_attr(_NOT_FINITE, True)
            self.study.tell(trial, state=TrialState.FAIL)
        else:
            state = TrialState.PRUNED if value is None else None
            self.study.tell(trial, value, state=state)
        return self.trials()[-1]

    def _point(self, drawn: dict[str, float]) -> Point:
        return {one.name: one.from_scale(drawn[one.name]) for one in self.space}

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


@dataclass(frozen=True)
class Studies:
    """The studies of one SQLite file."""

    storage: RDBStorage

    def search(self, name: str, space: Sequence[Dimension], seed: int) -> Search:
        """Return the search `name`, made where it is missing; interrupted trials are closed."""
        study = optuna.create_study(
            storage=self.storage,
            study_name=name,
            load_if_exists=True,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_NEVER_PRUNED),
        )
        # The workspace's lock is ours, so whoever ran these is gone.
        for cut_off in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            study.tell(cut_off.number, state=TrialState.FAIL)
        return Search(study, space, seed)


@contextmanager
def opened_studies(file: Path) -> Iterator[Studies]:
    """Yield the studies of the SQLite `file`, made where it is missing.

    Raises
    ------
    ArtifactError
        The file holds no studies.
    ResourceError
        It cannot be written.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with refusals_at(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    with _storage_errors(file):
        storage = _open(file)
        try:
            yield Studies(storage)
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _open(file: Path) -> RDBStorage:
    try:
        return RDBStorage(URL.create("sqlite", database=str(file)).render_as_string())
    except RuntimeError as other_version:
        raise ArtifactError(
            f"{file} was made by another release of Optuna", hint="move it away; the search begins anew"
        ) from other_version


def _mean(trial: Trial, point: Point | None, folds: Sequence[FoldScore]) -> float | None:
    """Return the mean over the folds, None where the trial was given up."""
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


def _distribution(one: Dimension) -> BaseDistribution:
    if one.kind == "choice":
        # By place: choices have an order, from which the sampler learns.
        return IntDistribution(0, len(one.values) - 1)
    low, high = (one.to_scale(value) for value in one.values)
    if one.kind == "count":
        return IntDistribution(int(low), int(high))
    return FloatDistribution(low, high, log=one.kind == "log")


def _sampler(seed: int, random_trials: int) -> optuna.samplers.BaseSampler:
    with warnings.catch_warnings():
        # Older releases call `multivariate` experimental.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            seed=seed, multivariate=True, n_startup_trials=random_trials, constant_liar=False
        )


@contextmanager
def _storage_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except (optuna.exceptions.StorageInternalError, DatabaseError) as broken:
        said = str(broken.__cause__ or broken).splitlines()[0]
        if any(word in said for word in ("full", "readonly", "unable to open")):
            raise ResourceError(
                f"{file} cannot be written: {said}", hint="check the disk and its permissions"
            ) from broken
        raise ArtifactError(
            f"{file} cannot be used: {said}", hint="move it away; the search begins anew"
        ) from broken
