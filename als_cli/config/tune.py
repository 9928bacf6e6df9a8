"""Section `tune`: the search for hyperparameters."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from als_cli.config.fields import Duration, PathText, Section, Wording
from als_cli.config.metric import AccuracyMetric


def _ascending(bounds: tuple[float, ...]) -> tuple[float, ...]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound comes first")
    return bounds


_Pair = Field(strict=False, min_length=2, max_length=2)
Positive = Annotated[float, Field(gt=0, le=1_000_000_000)]
NonNegative = Annotated[float, Field(ge=0, le=1_000_000_000)]
Exponent = Annotated[float, Field(ge=0, le=2)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
PositiveBounds = Annotated[
    tuple[Positive, ...],
    _Pair,
    AfterValidator(_ascending),
    Wording("two numbers above 0 and of at most 1000000000, [lowest, highest]"),
]
Bounds = Annotated[
    tuple[NonNegative, ...],
    _Pair,
    AfterValidator(_ascending),
    Wording("two numbers from 0 to 1000000000, [lowest, highest]"),
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
    Wording("two whole numbers from 1 to 1000000, [lowest, highest]"),
]


class SpaceConfig(Section):
    """The search space. Bounds are `[lowest, highest]`; two equal bounds fix a value."""

    factors: (
        Literal["auto"]
        | Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(strict=False, min_length=1)]
    ) = "auto"
    """Choices of `train.factors`. Choices above the number of users or items are left out. auto: 16, 32, 64 ... 1024, if all factors fit into 4 GiB."""
    regularization: Literal["auto"] | PositiveBounds = "auto"
    """Bounds of `train.regularization`, log scale, for `frequency_exponent` 1. Other exponents get an equivalent value. auto: 0.0001 to 0.05 (weighted), 0.001 to 100 (hu2008)."""
    unobserved_weight: PositiveBounds = (1.0, 256.0)
    """Bounds of `train.unobserved_weight` as a multiple of interactions / (users x items), log scale (weighted only)."""
    frequency_exponent: ExponentBounds = (0.0, 1.2)
    """Bounds of `train.frequency_exponent` (weighted only)."""
    alpha: Bounds = (0.0, 100.0)
    """Bounds of `train.confidence.alpha`, uniform in log(1 + alpha)."""
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
    """Screening: cheap trials on a sample of users. The search on all data begins with the best of them."""

    trials: int = Field(default=20, ge=0, le=100_000)
    """Trials on the sample, in addition to `tune.trials`. 0: no screening."""
    users: int = Field(default=10_000, ge=10, le=1_000_000_000)
    """Size of the sample of training users. There is no screening if the training set has fewer than five times as many users."""
    keep: int = Field(default=4, ge=1, le=100_000)
    """Number of best points of the screening that are tried on all data, after the config as given."""


class TuneConfig(Section):
    """How `als tune` searches. It removes the test set of `evaluate.split` first and never uses it."""

    trials: int = Field(default=30, ge=1, le=100_000)
    """Total number of trials, including the config as given and the trials of an interrupted search."""
    time: Duration | None = None
    """Maximum total time of all trials; screening takes half of it at most. No trial begins after that time. Default: no limit."""
    folds: int = Field(default=3, ge=1, le=20)
    """Number of validation sets that each trial is evaluated on: consecutive periods (by time, last), otherwise random samples."""
    fraction: Literal["auto"] | Annotated[float, Field(gt=0, lt=1)] = "auto"
    """Fraction of the training pairs in the validation set of each fold, if folds are random samples (by random, file). A smaller fraction keeps the training set of a fold closer to the final one, but needs more folds. auto: 0.1 (file), otherwise the fraction of `evaluate.split`."""
    metric: AccuracyMetric = "ndcg@10"
    """The metric to maximize, an accuracy metric with its k. A trial's value is the mean over the folds."""
    users: Literal["all"] | Annotated[int, Field(ge=1, le=1_000_000_000)] = 5000
    """Users that are evaluated in each fold: `all`, or the size of a sample."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the search, of the random folds and of the samples of users."""
    screen: ScreenConfig = ScreenConfig()
    """Screening on a sample of users."""
    space: SpaceConfig = SpaceConfig()
    """The search space."""
    output: PathText | None = None
    """File for the best config. Default: tune/best.yaml in the workspace."""
