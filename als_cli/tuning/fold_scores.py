"""What a trial is worth: a fold trained as a point says, and its judged users ranked."""

from dataclasses import dataclass
from functools import cached_property

from scipy.sparse import csr_matrix

from als_cli.als.recipe import Recipe
from als_cli.config.train import TrainConfig
from als_cli.evaluation.protocol import measure
from als_cli.evaluation.rankers import FactorRanker
from als_cli.splitting.division import EvaluationParts
from als_cli.stages.context import StageContext
from als_cli.tuning.auto import selected
from als_cli.tuning.parameters import recipe_for
from als_cli.tuning.point import Point, tuned


@dataclass(frozen=True, eq=False)
class FoldJudge:
    """One fold, and what to train and to measure on it."""

    fold: EvaluationParts
    context: StageContext
    train: TrainConfig
    metric: str
    """Such as ndcg@10."""

    @property
    def threads(self) -> int:
        """How many to train and rank on."""
        return self.context.threads

    @property
    def matrix(self) -> csr_matrix:
        """The strengths (U, I) that the fold trains on."""
        return self.fold.training.matrix

    @cached_property
    def untuned(self) -> Recipe:
        """How the fold is trained by the config as it is; made once, since an `auto` may take a while."""
        chosen = selected(self.context, self.train, self.fold.events.training, self.matrix)
        return recipe_for(self.matrix, chosen, self.threads)

    def value(self, point: Point | None) -> float:
        """Return the mean of the metric over the fold's users, trained as `point` says; None: as the config is.

        Raises
        ------
        TrainingError
            The factors are not finite.
        """
        if point is None:
            return value_of(self.fold, self.untuned, self.metric, self.threads)
        recipe = recipe_for(self.matrix, tuned(self.train, point, self.matrix), self.threads)
        return value_of(self.fold, recipe, self.metric, self.threads)


def value_of(parts: EvaluationParts, recipe: Recipe, metric: str, threads: int) -> float:
    """Return the mean of `metric` (such as ndcg@10) over the users of `parts`, trained by `recipe`.

    Raises
    ------
    TrainingError
        The factors are not finite.
    """
    factors = recipe.fit(parts.training.matrix, lambda _sweep: None)
    holdout = parts.holdout
    if parts.users_are_held_out:
        users = recipe.fold_in(factors.items, holdout.part.history)
    else:
        users = factors.users[holdout.user_rows]
    ranker = FactorRanker("als", users, factors.items, threads)
    k = int(metric.partition("@")[2])
    return measure(ranker, holdout.part, (k,)).averages[metric]
