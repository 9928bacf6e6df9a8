"""The search of `als tune`: screening on samples of users, then trials on all data that start at the best points."""

import importlib.util
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scipy.sparse import csr_matrix

from als_cli.config.evaluate import Split
from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.config.tune import TuneConfig
from als_cli.errors import ConfigError, TrainingError
from als_cli.progress import Progress
from als_cli.splitting.division import EvaluationSets
from als_cli.tuning.found import Found, Trials
from als_cli.tuning.parameters import recipe_for
from als_cli.tuning.point import Point
from als_cli.tuning.presets import PRESETS
from als_cli.tuning.report import TrialReport, best_first
from als_cli.tuning.space import Dimension, point_of, searched_config
from als_cli.tuning.tune_trial import FoldTrial

if TYPE_CHECKING:
    from als_cli.tuning.study import Search, Start

log = logging.getLogger(__name__)

_RANDOM_TRIALS = 8
"""Random trials before the sampler learns from trials, without screening."""
_SCREENING_TIME = 0.5
"""Fraction of `tune.time` that screening may take."""


def require_optuna() -> None:
    """Return when Optuna is installed.

    Raises
    ------
    ConfigError
        Optuna is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError("als tune needs Optuna, which is not installed", hint="pip install 'als-cli[tune]'")


@dataclass(frozen=True)
class TuneSearch:
    """The search for the hyperparameters of section `train`."""

    train: TrainConfig
    signal: EventsConfig
    split: Split
    config: TuneConfig
    space: Sequence[Dimension]
    threads: int
    progress: Progress
    _trials: dict[int, FoldTrial] = field(default_factory=dict)

    def run(
        self, file: Path, name: str, folds: Sequence[EvaluationSets], samples: Sequence[EvaluationSets]
    ) -> Found:
        """Return the trials of study `name` in the SQLite `file`: on `samples` for screening, then on `folds`.

        If `samples` is empty, there is no screening. Once the search on all data has started, a later run does not
        continue screening.

        Raises
        ------
        ArtifactError
            `file` is not an Optuna study file.
        ResourceError
            `file` cannot be written.
        TrainingError
            The factors of the config as given are not finite.
        """
        from als_cli.tuning.study import Start, open_search, opened_storage

        whole = self._fold_trials(folds)
        small = [
            replace(one, fold=sample, whole=one) for one, sample in zip(whole, samples, strict=bool(samples))
        ]
        with opened_storage(file) as storage:
            search = open_search(storage, name, self.space, self.config.seed)
            before = len(search.trials())
            screened: Trials = ()
            if small:
                screen = open_search(storage, f"{name}-screen", self.space, self.config.seed)
                screening = _Round(self, screen, small)
                screened = screening.search.trials() if before else self._screen(screening)
            best = _best_points(screened, self.config.screen.keep)

            def start(number: int) -> "Start | None":
                if number == 0:
                    return Start(point_of(whole[0].untuned, whole[0].matrix, self.space), is_untuned=True)
                points = best or _preset_points(search.trials()[0].parameters, self.space)
                return Start(points[number - 1]) if number <= len(points) else None

            random = 1 + len(best) if best else _RANDOM_TRIALS
            search_round = _Round(self, search, whole, _seconds(screened))
            trials = search_round.run("tuning", self.config.trials, 1.0, start, random)
        if trials[0].value is None:
            raise TrainingError(
                "the factors of the config as given are not finite", hint="check section train of the config"
            )
        return Found(screened, len(best), trials, before)

    def _screen(self, screening: "_Round") -> Trials:
        from als_cli.tuning.study import Start

        sample = screening.folds[0]

        def start(number: int) -> "Start | None":
            if number:
                return None
            limit, factors = min(sample.matrix.shape), self.train.factors
            if isinstance(factors, int):
                factors = min(factors, limit)
            train = self.train.model_copy(update={"factors": factors})
            recipe = recipe_for(sample.matrix, train, self.threads)
            return Start(point_of(recipe, sample.matrix, self.space))

        return screening.run("screening", self.config.screen.trials, _SCREENING_TIME, start, _RANDOM_TRIALS)

    def best_config(self, fold: EvaluationSets, point: Point, matrix: csr_matrix) -> TrainConfig:
        """Return section `train` at `point`, converted for `matrix` (U, I), with the demand that was chosen on `fold`."""
        (trial,) = self._fold_trials([fold])
        return searched_config(trial.base, point, matrix)

    def _fold_trials(self, folds: Sequence[EvaluationSets]) -> list[FoldTrial]:
        """Return the trials of `folds`: the same objects for the same folds, because they keep the choice of `auto`."""
        for fold in folds:
            if id(fold) not in self._trials:
                self._trials[id(fold)] = FoldTrial(
                    fold, self.train, self.signal, self.split, self.config.metric, self.threads
                )
        return [self._trials[id(fold)] for fold in folds]


@dataclass(frozen=True)
class _Round:
    tune: TuneSearch
    search: "Search"
    folds: Sequence[FoldTrial]
    seconds_before: float = 0.0

    def run(
        self,
        description: str,
        total: int,
        time_fraction: float,
        start: Callable[[int], "Start | None"],
        random: int,
    ) -> Trials:
        """Return all trials once there are `total` or the time is used up; trial n starts at `start(n)`."""
        trials = self.search.trials()
        if trials:
            log.info("%s: continuing after %d trials", description, len(trials))
        with self.tune.progress.task(description, total=total) as task:
            task.advance(len(trials), _note(trials))
            while self._may_continue(trials, total, time_fraction):
                trials = (
                    *trials,
                    self.search.run_one([fold.value for fold in self.folds], start(len(trials)), random),
                )
                _log(description, trials[-1], self.tune.config.metric)
                task.advance(note=_note(trials))
        return trials

    def _may_continue(self, trials: Trials, total: int, time_fraction: float) -> bool:
        limit = self.tune.config.time
        if trials and trials[0].untuned and trials[0].value is None:
            return False  # there is no value to compare other trials with
        if limit is None or not trials:
            return len(trials) < total
        spent = self.seconds_before + _seconds(trials)
        return len(trials) < total and spent < time_fraction * limit.total_seconds()


def _best_points(screened: Trials, keep: int) -> list[Point]:
    """Return the best sampled points, best first. The config's own point is excluded: it is always evaluated."""
    return [trial.parameters for trial in best_first(screened[1:])[:keep]]


def _preset_points(untuned: dict[str, float], space: Sequence[Dimension]) -> list[Point]:
    """Return the presets moved into `space`, with the other values of `untuned`; none without the weighted objective."""
    by_name = {dimension.name: dimension for dimension in space}
    if "unobserved_weight" not in by_name:
        return []
    points: list[Point] = []
    for preset in PRESETS:
        values = {**preset, "frequency_exponent": 1.0}
        inside = {
            name: dimension.from_scale(dimension.to_scale(values[name]))
            for name, dimension in by_name.items()
            if name in values
        }
        if untuned | inside not in (untuned, *points):
            points.append(untuned | inside)
    return points


def _seconds(trials: Trials) -> float:
    return sum(trial.seconds for trial in trials)


def _log(description: str, trial: TrialReport, metric: str) -> None:
    value = trial.state if trial.value is None else f"{metric} {trial.value:.5f}"
    listed = ", ".join(f"{name} {value:g}" for name, value in trial.parameters.items())
    settings = "config as given" if trial.untuned else listed
    log.info("%s trial %d: %s, %s, %.1f s", description, trial.number, value, settings, trial.seconds)


def _note(trials: Trials) -> str:
    values = [trial.value for trial in trials if trial.value is not None]
    return f"best {max(values):.5f}" if values else ""
