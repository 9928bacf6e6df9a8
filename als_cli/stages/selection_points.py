"""The points of the loss that `auto` chooses among, and what a trial of one is."""

from dataclasses import dataclass

from scipy.sparse import csr_matrix

from als_cli.config.train import TrainConfig
from als_cli.stages.recipes import BALANCED, LossPoint, objective_of

METRIC = "ndcg@10"
POINTS = (
    BALANCED,
    LossPoint(multiple=16, regularization=0.005, user_exponent=0.0, item_exponent=0.0),
    LossPoint(multiple=16, regularization=0.01, user_exponent=0.25, item_exponent=0.25),
    LossPoint(multiple=20, regularization=0.009, user_exponent=0.5, item_exponent=0.25),
    LossPoint(multiple=32, regularization=0.002, user_exponent=0.0, item_exponent=0.3),
    LossPoint(multiple=96, regularization=0.002, user_exponent=0.2, item_exponent=0.3),
    LossPoint(multiple=96, regularization=0.001, user_exponent=0.0, item_exponent=0.3),
    LossPoint(multiple=32, regularization=0.02, user_exponent=0.25, item_exponent=0.25),
)
"""Where validation parts of public sets had their best lists: sparse and dense, with and without time."""


@dataclass(frozen=True)
class Trial:
    """Settings that were tried, and their best iteration."""

    train: TrainConfig
    point: LossPoint
    value: float
    """Mean of `METRIC` over the judged users after the best number of iterations, which `train` names."""

    @property
    def factors(self) -> int:
        """Their number, resolved."""
        return int(self.train.factors)

    def __str__(self) -> str:
        """Return the settings, as one may write them into the config, and what they are worth."""
        train, rule = self.train, self.train.confidence
        return (
            f"factors {train.factors}, iterations {train.iterations}, regularization {train.regularization}, "
            f"unobserved_weight {train.unobserved_weight}, user_exponent {rule.user_exponent}, "
            f"item_exponent {rule.item_exponent}: {METRIC} {self.value:.4f}"
        )


def distinct_points(train: TrainConfig) -> list[LossPoint]:
    """Return the points that differ: what is a number in `train` leaves fewer of them."""
    any_matrix = csr_matrix(([1.0], ([0], [0])), shape=(1, 1))
    points: dict[str, LossPoint] = {}
    for point in POINTS:
        points.setdefault(settled_at(train, point, 1, any_matrix).model_dump_json(), point)
    return list(points.values())


def settled_at(train: TrainConfig, point: LossPoint, factors: int, matrix: csr_matrix) -> TrainConfig:
    """Return `train` with `factors` and with `point` where the loss is auto, made numbers for `matrix`."""
    settled = train.model_copy(update={"factors": factors})
    return point.applied_to(settled, matrix) if objective_of(train) == "weighted" else settled
