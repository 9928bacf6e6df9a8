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
    whole: "FoldTrial | None" = None
    """The same fold with all users. Its demand serves a sample too. None: `fold` has all users."""

    @property
    def matrix(self) -> csr_matrix:
        """The strengths (U, I) of the fold's training set."""
        return self.fold.training.matrix

    @cached_property
    def chosen(self) -> TrainConfig:
        """Section `train` with the choice of `auto`. It is computed once, because the search takes long."""
        check_times(self.train, self.fold.training.times)
        events = self.fold.events.training
        horizon = horizon_of(self.train, self.split)
        return AutoSearch(self.signal, self.threads, horizon=horizon).resolve(self.train, events, self.matrix)

    @property
    def untuned(self) -> Recipe:
        """The recipe of the config as given."""
        return recipe_for(self.matrix, self.chosen, self.threads)

    @property
    def base(self) -> TrainConfig:
        """Section `train` that points change: demand and the half-life of the fold-in are the choice of `auto`."""
        return with_times_of(self.train, (self.whole or self).chosen)

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
            recipe = recipe_for(self.matrix, searched_config(self.base, point, self.matrix), self.threads)
        return mean_metric(fit_ranker("als", recipe, self.fold), self.fold.holdout.test_set, self.metric)


def with_times_of(train: TrainConfig, chosen: TrainConfig) -> TrainConfig:
    """Return `train` with section `demand` and the half-life of the fold-in of `chosen`."""
    fold_in = train.fold_in.model_copy(update={"half_life": chosen.fold_in.half_life})
    return train.model_copy(update={"demand": chosen.demand, "fold_in": fold_in})
