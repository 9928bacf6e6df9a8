"""The points of the loss that `auto` chooses among, and what a trial of one is."""

from dataclasses import dataclass

from scipy.sparse import csr_matrix

from als_cli.als.recipe import Recipe
from als_cli.config.train import FoldInConfig, TrainConfig
from als_cli.tuning.parameters import LossPoint, objective_of, or_auto

METRIC = "ndcg@10"
POINTS = (
    LossPoint(multiple=96, regularization=0.002, user_exponent=0.2, item_exponent=0.3),
    LossPoint(multiple=32, regularization=0.005, user_exponent=0.25, item_exponent=0.25),
    LossPoint(multiple=16, regularization=0.01, user_exponent=0.25, item_exponent=0.25),
    LossPoint(multiple=20, regularization=0.009, user_exponent=0.5, item_exponent=0.25),
    LossPoint(multiple=96, regularization=0.001, user_exponent=0.0, item_exponent=0.3),
    LossPoint(multiple=16, regularization=0.005, user_exponent=0.0, item_exponent=0.0),
    LossPoint(multiple=32, regularization=0.02, user_exponent=0.25, item_exponent=0.25),
)
"""Where validation parts of public sets had their best lists: sparse and dense, with and without time."""


@dataclass(frozen=True)
class FoldInPoint:
    """A fold-in, relative to the training it follows."""

    multiple: float = 1.0
    """Of the regularization."""
    share: float = 0.5
    """Of the item exponent."""

    def values(self, given: FoldInConfig, recipe: Recipe) -> tuple[float, float]:
        """Return regularization and item exponent after a training by `recipe`, where they are auto in `given`."""
        return (
            or_auto(given.regularization, self.multiple * recipe.settings.regularization),
            or_auto(given.item_exponent, self.share * recipe.confidence.item_exponent),
        )

    def applied_to(self, train: TrainConfig, recipe: Recipe) -> TrainConfig:
        """Return `train`, trained by `recipe`, with numbers where its fold-in is auto."""
        regularization, item_exponent = self.values(train.fold_in, recipe)
        update = {"regularization": regularization, "item_exponent": item_exponent}
        return train.model_copy(update={"fold_in": train.fold_in.model_copy(update=update)})


@dataclass(frozen=True)
class Start:
    """Where a trial begins: the loss stays, the fold-in is looked for from there."""

    point: LossPoint
    fold_in: FoldInPoint = FoldInPoint()


@dataclass(frozen=True)
class Trial:
    """Settings that were tried, and their best iteration."""

    train: TrainConfig
    start: Start
    """From which another trial goes on: the loss and the best fold-in."""
    value: float
    """Mean of `METRIC` over the judged users after the best number of iterations and the best fold-in, which `train` names."""

    @property
    def factors(self) -> int:
        """Their number, resolved."""
        return int(self.train.factors)

    def __str__(self) -> str:
        """Return the settings, as one may write them into the config, and what they are worth."""
        train, rule, fold_in = self.train, self.train.confidence, self.train.fold_in
        return (
            f"factors {train.factors}, iterations {train.iterations}, regularization {train.regularization}, "
            f"unobserved_weight {train.unobserved_weight}, user_exponent {rule.user_exponent}, "
            f"item_exponent {rule.item_exponent}, fold_in.regularization {fold_in.regularization}, "
            f"fold_in.item_exponent {fold_in.item_exponent}: {METRIC} {self.value:.4f}"
        )


def distinct_starts(train: TrainConfig) -> list[Start]:
    """Return the points that differ: what is a number in `train` leaves fewer of them."""
    any_matrix = csr_matrix(([1.0], ([0], [0])), shape=(1, 1))
    starts: dict[str, Start] = {}
    for point in POINTS:
        starts.setdefault(settled_at(train, point, 1, any_matrix).model_dump_json(), Start(point))
    return list(starts.values())


def settled_at(train: TrainConfig, point: LossPoint, factors: int, matrix: csr_matrix) -> TrainConfig:
    """Return `train` with `factors` and with `point` where the loss is auto, made numbers for `matrix`."""
    settled = train.model_copy(update={"factors": factors})
    return point.applied_to(settled, matrix) if objective_of(train) == "weighted" else settled
