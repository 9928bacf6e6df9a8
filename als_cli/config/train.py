"""Section `train`: the model's hyperparameters."""

from typing import Annotated, Literal

from pydantic import Field

from als_cli.config.fields import Duration, Section

Auto = Literal["auto"]


class ConfidenceConfig(Section):
    """How a pair's strength r becomes its confidence c (Hu, Koren, Volinsky 2008, section 4)."""

    form: Literal["linear", "log"] = "log"
    """linear: c = 1 + alpha r; log: c = 1 + alpha log(1 + r / epsilon). Objective `weighted` divides c by its mean."""
    alpha: float = Field(default=10.0, ge=0)
    """Growth of confidence with strength; 0: every pair counts the same."""
    epsilon: float = Field(default=1.0, gt=0)
    """Scale of strength in the log form."""
    user_exponent: Auto | Annotated[float, Field(ge=0, le=1)] = "auto"
    """p of tempering: c shrinks by (user's interactions)^-p, so that long histories weigh less (weighted only). auto: chosen together with factors or iterations where these are auto, else 0.1."""
    item_exponent: Auto | Annotated[float, Field(ge=0, le=1)] = "auto"
    """q of tempering: c shrinks by (item's interactions)^-q, so that popular items weigh less (weighted only). auto: chosen together with factors or iterations where these are auto, else 0.1."""


class FoldInConfig(Section):
    """How users are solved for the items once these are trained: those of the training, and new ones later."""

    regularization: Auto | Annotated[float, Field(ge=0)] = "auto"
    """The ridge's weight then. auto: chosen together with factors or iterations where these are auto, else that of the training."""
    item_exponent: Auto | Annotated[float, Field(ge=0, le=1)] = "auto"
    """`confidence.item_exponent` then (weighted only). auto: chosen together with factors or iterations where these are auto, else that of the training."""


class BudgetConfig(Section):
    """How far `auto` goes in search of better lists. Costs are estimated by a formula, never measured by the clock."""

    time: Duration = Field(default="10m", validate_default=True)
    """Estimated time on two cores of all trials but the first ones, with up to 64 factors, and of the training itself. The real time may be half or twice the estimate."""
    memory: float = Field(default=8.0, gt=0)
    """Estimated peak memory of a training, GiB. Numbers of factors that need more are not tried."""


class TrainConfig(Section):
    """Which engine factorizes the matrix, and how. `auto` values depend on the objective and the data."""

    engine: Literal["native", "implicit"] = "native"
    """The solver: `native` (fast, exact for short rows), or `implicit` (the library of that name)."""
    objective: Auto | Literal["weighted", "hu2008"] = "auto"
    """The loss: `weighted` (Rendle and others 2022) or `hu2008` (Hu, Koren, Volinsky 2008). auto: weighted, with engine implicit hu2008, the only one it has."""
    factors: Auto | Annotated[int, Field(ge=1, le=4096)] = "auto"
    """Length of a user's and an item's vector. auto: chosen on a validation part, 16 to 1024, within `train.budget`; where too few users can be evaluated 128, or as many as there are users or items if fewer."""
    regularization: Auto | Annotated[float, Field(ge=0)] = "auto"
    """Weight of the ridge term (lambda). auto: chosen together with factors or iterations where these are auto, else 0.005 (weighted); 0.05 (hu2008)."""
    frequency_exponent: Auto | Annotated[float, Field(ge=0, le=2)] = "auto"
    """nu: how the ridge grows with a row's confidence, 0 not at all, 1 in proportion. auto: 1 (weighted), 0 (hu2008)."""
    unobserved_weight: Auto | Annotated[float, Field(gt=0)] = "auto"
    """a0: weight of a pair without interaction. auto: chosen together with factors or iterations where these are auto, else 24 x interactions / (users x items) (weighted); 1 (hu2008)."""
    iterations: Auto | Annotated[int, Field(ge=1)] = "auto"
    """Full iterations over users and items. auto: chosen on a validation part, 2 to 12; where there is none, until the loss settles, at most 50."""
    budget: BudgetConfig = BudgetConfig()
    """What `auto` may cost."""
    confidence: ConfidenceConfig = ConfidenceConfig()
    """From strength to confidence."""
    fold_in: FoldInConfig = FoldInConfig()
    """The last step: users for the trained items."""
    solver: Auto | Literal["exact"] = "auto"
    """exact: every row exactly. auto: long rows by conjugate gradients (engine native: short rows are exact all the same)."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the initial factors."""
