"""Fit the model of section `train` to a training set: resolve `auto`, then train with progress."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from als_cli.als.engine import Iteration, ProgressCallback
from als_cli.config.evaluate import Split
from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.evaluation.fit import fit_ranker
from als_cli.evaluation.rankers import FactorRanker
from als_cli.progress import Progress, SilentProgress
from als_cli.splitting.division import EvaluationSets
from als_cli.tuning.auto import AutoSearch, horizon_of
from als_cli.tuning.parameters import check_times, recipe_for

log = logging.getLogger(__name__)


@contextmanager
def reported_iterations(progress: Progress, total: int) -> Iterator[ProgressCallback]:
    """Yield a callback that shows and logs each of `total` iterations."""
    with progress.task("training", total=total) as task:

        def report(iteration: Iteration) -> None:
            log.info("iteration %d: loss %.6g, %.2f s", iteration.number, iteration.loss, iteration.seconds)
            task.advance(note=f"loss {iteration.loss:.5g}")

        yield report


@dataclass(frozen=True)
class ModelFitter:
    """Fits models to training sets."""

    signal: EventsConfig
    split: Split
    """`evaluate.split`, which gives the length of validation periods if `train.horizon` is `auto`."""
    threads: int
    progress: Progress = field(default_factory=SilentProgress)
    resolved: frozenset[str] = frozenset()
    """Names of models whose section `train` has the choice of `auto` already, if there is one."""

    def __call__(self, name: str, train: TrainConfig, sets: EvaluationSets) -> FactorRanker:
        """Return the model of `train`, fitted to the training set of `sets`, as ranker `name` for the test users.

        Raises
        ------
        ConfigError
            The hyperparameters do not fit the training set. Or `train` has a half-life, but not all events have timestamps.
        TrainingError
            The factors are not finite.
        """
        matrix = sets.training.matrix
        check_times(train, sets.training.times)
        if name not in self.resolved:
            horizon = horizon_of(train, self.split)
            search = AutoSearch(self.signal, self.threads, self.progress, horizon=horizon)
            train = search.resolve(train, sets.events.training, matrix)
        recipe = recipe_for(matrix, train, self.threads)
        with reported_iterations(self.progress, recipe.settings.iterations) as report:
            return fit_ranker(name, recipe, sets, report)
