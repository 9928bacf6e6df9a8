"""One fold of a trial of `als tune`: train at a point, and compute the metric of the test users."""

from dataclasses import dataclass
from functools import cached_property

from scipy.sparse import csr_matrix

from als_cli.als.recipe import Recipe
from als_cli.config.evaluate import Split
from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.evaluation.fit import fit_ranker, mean_metric
from als_cli.splitting.division import EvaluationSets
from als_cli.tuning.auto import AutoSearch, horizon_of
from als_cli.tuning.parameters import check_times, recipe_for
from als_cli.tuning.point import Point
from als_cli.tuning.space import searched_config


@dataclass(frozen=True, eq=False)
class FoldTrial:
    """A fold, and section `train`, which points change."""

    fold: EvaluationSets
    train: TrainConfig
    signal: EventsConfig
    split: Split
    """`evaluate.split`, which gives the length of the validation periods of `auto`."""
    metric: str
    """For example ndcg@10."""
    threads: int

    @property
    def matrix(self) -> csr_matrix:
        """The strengths (U, I) of the fold's training set."""
        return self.fold.training.matrix

    @cached_property
    def untuned(self) -> Recipe:
        """The recipe of the config as given. It is computed once, because resolving `auto` takes long."""
        check_times(self.train, self.fold.training.times)
        events = self.fold.events.training
        horizon = horizon_of(self.train, self.split)
        chosen = AutoSearch(self.signal, self.threads, horizon=horizon).resolve(
            self.train, events, self.matrix
        )
        return recipe_for(self.matrix, chosen, self.threads)

    def value(self, point: Point | None) -> float:
        """Return the mean of the metric over the test users after a training at `point`. None means the config as given.

        Raises
        ------
        TrainingError
            The factors are not finite.
        """
        if point is None:
            recipe = self.untuned
        else:
            recipe = recipe_for(self.matrix, searched_config(self.train, point, self.matrix), self.threads)
        return mean_metric(fit_ranker("als", recipe, self.fold), self.fold, self.metric)
