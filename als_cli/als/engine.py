"""What every engine does: factors from confidences, and fold-in.

Symbols: U users, I items, f factors. Confidence is a (U, I) CSR matrix, float32, sorted int32 indices, no duplicates:
``c_ui`` of the observed pairs. A negative entry is a dislike: preference 0 with confidence ``|c_ui|``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from scipy.sparse import csr_matrix

from als_cli.arrays import Float32Array

Objective = Literal["weighted", "hu2008"]


@dataclass(frozen=True)
class AlsSettings:
    """The hyperparameters of one training, resolved: no defaults here, they live in the config."""

    factors: int
    regularization: float
    iterations: int
    exact: bool
    seed: int
    threads: int
    objective: Objective = "hu2008"
    """hu2008: confidence c on observed pairs, `unobserved_weight` on the others; weighted: c on top of
    `unobserved_weight` on all pairs. Only the native engine reads this and what follows."""
    unobserved_weight: float = 1.0
    """a0, the weight of a score's square at pairs without interaction."""
    frequency_exponent: float = 0.0
    """nu of lambda_u = lambda (C_u + a0 I)^nu: 0 is a plain ridge, 1 scales it with the row's confidence."""
    cg_steps: int = 2
    """Conjugate-gradient steps of a long row, unless `exact`."""
    init_scale: float = 1.0
    """Standard deviation of the first factors of an item of mean popularity, times the square root of `factors`."""
    settled: float = 0.0
    """Stop before `iterations` once a sweep lowers the loss by less than this share of it; 0: never."""


@dataclass(frozen=True)
class Iteration:
    """What one full sweep over users and items did."""

    number: int
    """From 1."""
    loss: float
    """Training loss after the sweep, divided by U x I."""
    seconds: float
    """Wall time of the sweep, loss included."""


def has_settled(losses: Sequence[float], settled: float) -> bool:
    """Return whether the last sweep lowered the loss by less than the share `settled` of it."""
    return len(losses) > 1 and losses[-2] - losses[-1] < settled * losses[-2]


@dataclass(frozen=True)
class Factors:
    """A trained factorization: score of a pair = dot product of the two rows."""

    users: Float32Array
    """(U, f), C-contiguous."""
    items: Float32Array
    """(I, f), C-contiguous."""


ProgressCallback = Callable[[Iteration], None]


class Engine(Protocol):
    """A solver of implicit-feedback ALS."""

    name: str

    def fit(self, confidence: csr_matrix, settings: AlsSettings, on_iteration: ProgressCallback) -> Factors:
        """Return the factors that minimise the loss on `confidence`, (U, I) float32.

        The same seed gives the same bytes on the same machine. Rows without entries get the zero vector.

        Raises
        ------
        TrainingError
            The factors are not finite.
        """
        ...

    def fold_in(
        self,
        items: Float32Array,
        confidence: csr_matrix,
        settings: AlsSettings,
        start: Float32Array | None = None,
    ) -> Float32Array:
        """Return (B, f) float32 user factors for the B histories in `confidence` (B, I), item factors (I, f) fixed.

        Each is the exact solution of its row, or as near to it as a few steps from `start` (B, f) lead.
        """
        ...
