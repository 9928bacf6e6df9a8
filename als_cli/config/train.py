"""Section `train`: the model's hyperparameters."""

from typing import Annotated, Literal

from pydantic import Field

from als_cli.config.fields import Duration, Section
from als_cli.config.metric import AccuracyMetric

Auto = Literal["auto"]
HalfLife = Literal["auto", "infinite"] | Duration


class ConfidenceConfig(Section):
    """How the strength r of a pair becomes its confidence c (Hu, Koren, Volinsky 2008, section 4)."""

    form: Literal["linear", "log"] = "log"
    """`linear`: c = 1 + alpha r. `log`: c = 1 + alpha log(1 + r / epsilon). Objective `weighted` divides c by its mean."""
    alpha: float = Field(default=10.0, ge=0, le=1_000_000_000)
    """Growth of the confidence with the strength. With 0, all pairs have the same confidence."""
    epsilon: float = Field(default=1.0, gt=0, le=1_000_000_000)
    """Scale of strength in the log form."""
    user_exponent: Auto | Annotated[float, Field(ge=0, le=1)] = "auto"
    """Tempering exponent p: c is multiplied by (interactions of the user)^-p, so long histories have less weight (weighted only). auto: selected by validation if `factors` or `iterations` is auto, otherwise 0.1."""
    item_exponent: Auto | Annotated[float, Field(ge=0, le=1)] = "auto"
    """Tempering exponent q: c is multiplied by (interactions of the item)^-q, so popular items have less weight (weighted only). auto: selected by validation if `factors` or `iterations` is auto, otherwise 0.1."""


class FoldInConfig(Section):
    """Hyperparameters of the fold-in, which computes user factors for fixed item factors. It ends every training and serves new users later."""

    regularization: Auto | Annotated[float, Field(ge=0, le=1_000_000_000)] = "auto"
    """Regularization of the fold-in. auto: selected by validation if `factors` or `iterations` is auto, otherwise `train.regularization`."""
    item_exponent: Auto | Annotated[float, Field(ge=0, le=1)] = "auto"
    """Tempering exponent q of the fold-in (weighted only). auto: selected by validation if `factors` or `iterations` is auto, otherwise `train.confidence.item_exponent`."""
    half_life: HalfLife = "auto"
    """Half-life of confidences in the fold-in: they are halved for each half-life before the user's newest event (weighted only). auto: selected by validation if `factors` or `iterations` is auto and all events have timestamps, otherwise `infinite`."""


class DemandConfig(Section):
    """How the demand for items changes the ranking. See docs/evaluation.md."""

    half_life: HalfLife = "auto"
    """Half-life of the recent demand d: the newest event of a user with the item counts 2^(-age / half_life). `infinite`: all users of an item count the same."""
    exponent: Auto | Annotated[float, Field(ge=0, le=4)] = "auto"
    """Weight gamma of the recent demand. 0: the recent demand has no influence."""
    long_run_half_life: HalfLife = "auto"
    """Half-life of the long-run demand l."""
    long_run_exponent: Auto | Annotated[float, Field(ge=0, le=2)] = "auto"
    """Exponent delta of the long-run demand, which reduces the score. 0: the long-run demand has no influence."""
    offset: Auto | Annotated[float, Field(ge=0, le=1000)] = "auto"
    """Score o of every item before it is multiplied by its demand. The larger it is, the less lists differ between users."""


class BudgetConfig(Section):
    """Limits of the search behind `auto`. A formula estimates the costs. The clock has an influence only on a machine that is more than twice as slow as the formula."""

    time: Duration = Field(default="10m", validate_default=True)
    """Maximum estimated time on two cores of the training and of all trials except the first ones (up to 64 factors). The real time may be half or twice the estimate."""
    memory: float = Field(default=8.0, gt=0, le=1_000_000)
    """Maximum estimated peak memory of a training, in GiB. `auto` does not try numbers of factors that need more."""


class TrainConfig(Section):
    """Engine and hyperparameters of the model. Values that are `auto` depend on the objective and the data."""

    engine: Literal["native", "implicit"] = "native"
    """The solver: `native` (fast, exact for short rows) or `implicit` (the library with this name)."""
    objective: Auto | Literal["weighted", "hu2008"] = "auto"
    """The loss: `weighted` (Rendle and others 2022) or `hu2008` (Hu, Koren, Volinsky 2008). auto: `weighted`; with engine `implicit`, `hu2008`, its only loss."""
    factors: Auto | Annotated[int, Field(ge=1, le=4096)] = "auto"
    """Number of factors of each user and item. auto: selected by validation, from 16 to 1024, within `train.budget`. If too few users can be evaluated: 128, or the number of users or items if that is smaller."""
    regularization: Auto | Annotated[float, Field(ge=0, le=1_000_000_000)] = "auto"
    """Weight of the L2 penalty (lambda). auto: selected by validation if `factors` or `iterations` is auto, otherwise 0.005 (weighted); 0.05 (hu2008)."""
    frequency_exponent: Auto | Annotated[float, Field(ge=0, le=2)] = "auto"
    """Exponent nu: the penalty of a row grows with its total confidence to the power nu. 0: constant; 1: proportional. auto: 1 (weighted), 0 (hu2008)."""
    unobserved_weight: Auto | Annotated[float, Field(gt=0, le=1_000_000_000)] = "auto"
    """Weight a0 of pairs without interaction. auto: selected by validation if `factors` or `iterations` is auto, otherwise 24 x interactions / (users x items) (weighted); 1 (hu2008)."""
    iterations: Auto | Annotated[int, Field(ge=1, le=1_000_000)] = "auto"
    """Iterations over users and items. auto: selected by validation, from 2 to 12. Without a validation set: until the loss converges, 50 at most."""
    budget: BudgetConfig = BudgetConfig()
    """Limits of the search behind `auto`."""
    confidence: ConfidenceConfig = ConfidenceConfig()
    """How strengths become confidences."""
    fold_in: FoldInConfig = FoldInConfig()
    """Hyperparameters of the fold-in that ends a training."""
    demand: DemandConfig = DemandConfig()
    """The score of user u and item i is (0.001 + d)^gamma / (1 + l)^delta x (o + x_u.y_i). auto: selected by validation if `factors` or `iterations` is auto, otherwise without influence. Without timestamps, half-lives are infinite and only gamma is selected."""
    metric: AccuracyMetric = "ndcg@10"
    """The metric that `auto` selects settings by, an accuracy metric with its k."""
    horizon: Auto | Duration = "auto"
    """The time that a list stays in use. `auto` settings are validated on periods of this length. auto: the test period of `evaluate.split` if it is a duration, otherwise the period of the newest tenth of the events. With a given split that is not by time, demand is selected only if `horizon` is a duration."""
    choose_again: Duration = Field(default="30d", validate_default=True)
    """Age at which settings that `auto` selected are selected again. The age is the time between the newest events then and now. Settings are also selected again if section `train` changes, if the number of pairs changes by more than a quarter, or if the earlier selection may know events after `events.as_of`."""
    again_after: Duration | None = None
    """Age at which `als run` trains and evaluates again. A younger model is kept although the dataset has changed, and the lists follow new events by `recommend.refresh`. The age is the time between the newest events then and now. A number of whole days, such as `7d`, counts days of the calendar in UTC. Default: train whenever the dataset has changed."""
    solver: Auto | Literal["exact"] = "auto"
    """`exact`: solve every row exactly. auto: solve long rows with conjugate gradients (engine `native` solves short rows exactly in both cases)."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the initial factors."""
