"""Section `tune`: the search for hyperparameters."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from als_cli.config.fields import Duration, PathText, Section, Wording, WrongFormError


def _ascending(bounds: tuple[float, ...]) -> tuple[float, ...]:
    if len(bounds) != 2:
        raise WrongFormError("not two bounds")
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound comes first")
    return bounds


def _accuracy_metric(metric: str) -> str:
    if not re.fullmatch(r"(ndcg|recall|precision|map|mrr|hit_rate)@[1-9]\d*", metric):
        raise ValueError(
            "a metric is one of ndcg, recall, precision, map, mrr, hit_rate, then @k, for example ndcg@10"
        )
    return metric


_Pair = Field(strict=False)
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Exponent = Annotated[float, Field(ge=0, le=2)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
PositiveBounds = Annotated[
    tuple[Positive, ...], _Pair, AfterValidator(_ascending), Wording("two numbers above 0, [lowest, highest]")
]
Bounds = Annotated[
    tuple[NonNegative, ...],
    _Pair,
    AfterValidator(_ascending),
    Wording("two numbers of at least 0, [lowest, highest]"),
]
ExponentBounds = Annotated[
    tuple[Exponent, ...],
    _Pair,
    AfterValidator(_ascending),
    Wording("two numbers from 0 to 2, [lowest, highest]"),
]
ShareBounds = Annotated[
    tuple[Fraction, ...],
    _Pair,
    AfterValidator(_ascending),
    Wording("two numbers from 0 to 1, [lowest, highest]"),
]
CountBounds = Annotated[
    tuple[Count, ...],
    _Pair,
    AfterValidator(_ascending),
    Wording("two whole numbers of at least 1, [lowest, highest]"),
]


class SpaceConfig(Section):
    """Where to search. Bounds are `[lowest, highest]`; two equal bounds fix a value."""

    factors: (
        Literal["auto"]
        | Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(strict=False, min_length=1)]
    ) = "auto"
    """Choices of `train.factors`; those above the number of users or items are left out. auto: 16, 32, 64 ... 1024, as far as all factors fit into 4 GiB."""
    regularization: Literal["auto"] | PositiveBounds = "auto"
    """Bounds of `train.regularization`, log scale, as it is where frequency_exponent is 1. auto: 0.0001 to 0.05 (weighted), 0.001 to 100 (hu2008)."""
    unobserved_weight: PositiveBounds = (1.0, 256.0)
    """Bounds of `train.unobserved_weight` as a multiple of interactions / (users x items), log scale (weighted only)."""
    frequency_exponent: ExponentBounds = (0.0, 1.2)
    """Bounds of `train.frequency_exponent` (weighted only)."""
    alpha: Bounds = (0.0, 100.0)
    """Bounds of `train.confidence.alpha`, drawn evenly in log(1 + alpha)."""
    user_exponent: ShareBounds = (0.0, 0.5)
    """Bounds of `train.confidence.user_exponent` (weighted only)."""
    item_exponent: ShareBounds = (0.0, 0.5)
    """Bounds of `train.confidence.item_exponent` (weighted only)."""
    fold_in_regularization: PositiveBounds = (0.0625, 16.0)
    """Bounds of `train.fold_in.regularization` as a multiple of `train.regularization`, log scale."""
    fold_in_item_exponent: ShareBounds = (0.0, 1.0)
    """Bounds of `train.fold_in.item_exponent` as a fraction of `train.confidence.item_exponent` (weighted only)."""
    iterations: CountBounds = (2, 20)
    """Bounds of `train.iterations`."""


class ScreenConfig(Section):
    """The first round: cheap trials on a sample of users; the best begin the search on the whole data."""

    trials: int = Field(default=20, ge=0)
    """Trials on the sample, beside `tune.trials`; 0: no first round."""
    users: int = Field(default=10_000, ge=10)
    """Users of the training part that are drawn. No first round where there are not five times as many."""
    keep: int = Field(default=4, ge=1)
    """Best points of the first round that are tried on the whole data, after the config as it is."""


class TuneConfig(Section):
    """How `als tune` searches. The test part of `evaluate.split` is cut off first and never seen."""

    trials: int = Field(default=30, ge=1)
    """Trials in all, the untuned config among them; those of an interrupted search count."""
    time: Duration | None = None
    """Time that all trials together may take, the first round at most half of it; no trial begins after that. Default: no limit."""
    folds: int = Field(default=3, ge=1, le=20)
    """Validation parts a trial is evaluated on: periods one before the other (by time, last), else draws."""
    fraction: Literal["auto"] | Annotated[float, Field(gt=0, lt=1)] = "auto"
    """Fraction of the training pairs that each fold validates on, where folds are drawn (by random, file). The smaller, the nearer a fold's training is to the final one, and the more folds it takes. auto: a tenth (file), else the fraction of `evaluate.split`."""
    metric: Annotated[str, AfterValidator(_accuracy_metric)] = "ndcg@10"
    """What is maximised: an accuracy metric and its k; its mean over the folds counts."""
    users: Literal["all"] | Annotated[int, Field(ge=1)] = 5000
    """Users evaluated in each fold: all, or a seeded sample of this many."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the search, of the draws of folds, and of the samples of users."""
    screen: ScreenConfig = ScreenConfig()
    """The first round, on a sample of users."""
    space: SpaceConfig = SpaceConfig()
    """The search space."""
    output: PathText | None = None
    """File for the winning config. Default: tune/best.yaml in the workspace."""
