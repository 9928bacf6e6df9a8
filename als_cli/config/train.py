"""Section `train`: the model's hyperparameters."""

from typing import Literal

from pydantic import Field

from als_cli.config.fields import Section


class ConfidenceConfig(Section):
    """How a pair's strength r becomes its confidence c (Hu, Koren, Volinsky 2008, section 4)."""

    form: Literal["linear", "log"] = "log"
    """linear: c = 1 + alpha r; log: c = 1 + alpha log(1 + r / epsilon)."""
    alpha: float = Field(default=10.0, gt=0)
    """Growth of confidence with strength."""
    epsilon: float = Field(default=1.0, gt=0)
    """Scale of strength in the log form."""


class TrainConfig(Section):
    """Which engine factorizes the matrix, and how."""

    engine: Literal["implicit"] = "implicit"
    """The solver: `implicit` (the library of that name)."""
    factors: int = Field(default=64, ge=1, le=4096)
    """Length of a user's and an item's vector."""
    regularization: float = Field(default=0.05, ge=0)
    """Weight of the ridge term (lambda)."""
    iterations: int = Field(default=15, ge=1)
    """Full sweeps over users and items."""
    confidence: ConfidenceConfig = ConfidenceConfig()
    """From strength to confidence."""
    exact: bool = False
    """Solve every row exactly (Cholesky) instead of by three conjugate-gradient steps."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the initial factors."""
