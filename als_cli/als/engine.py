"""The interface of every engine: factors from confidences, and fold-in.

Symbols: U users, I items, f factors. Confidences ``c_ui`` of the observed pairs are a (U, I) CSR matrix, float32, with
sorted int32 indices and no duplicates. A negative entry is a dislike: preference 0 with confidence ``|c_ui|``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from scipy.sparse import csr_matrix

from als_cli.arrays import Float32Array
from als_cli.errors import TrainingError

Objective = Literal["weighted", "hu2008"]


@dataclass(frozen=True)
class AlsSettings:
    """The hyperparameters of one training as numbers, without `auto`. The defaults of users are in the config."""

    factors: int
    regularization: float
    iterations: int
    exact: bool
    seed: int
    threads: int
    objective: Objective = "hu2008"
    """hu2008: weight c for observed pairs, `unobserved_weight` for all other pairs; weighted: `unobserved_weight` for
    all pairs, and c in addition for observed pairs. Of this and the next fields, engine `implicit` reads `tolerance`."""
    unobserved_weight: float = 1.0
    """a0: weight of the squared score of pairs without interaction."""
    frequency_exponent: float = 0.0
    """nu of lambda_u = lambda (C_u + a0 I)^nu. 0: a plain ridge; 1: a ridge in proportion to the row's confidence."""
    cg_steps: int = 2
    """Conjugate-gradient steps per half-step of a long row; not used with `exact`."""
    init_scale: float = 1.0
    """Standard deviation of the initial factors of an item of mean popularity, times the square root of `factors`."""
    tolerance: float = 0.0
    """Stop early when an iteration lowers the loss by less than this fraction; 0: never."""


@dataclass(frozen=True)
class Iteration:
    """Loss and time of one iteration: a half-step of the users, then one of the items."""

    number: int
    """From 1."""
    loss: float
    """Training loss after the iteration, divided by U x I."""
    seconds: float
    """Wall time of the iteration, with the computation of the loss."""


def not_finite(where: str) -> TrainingError:
    """Return the error for factors that are not finite; `where` ends the message."""
    return TrainingError(
        f"training diverged: factors are not finite {where}",
        hint="raise train.regularization, lower train.confidence.alpha, or cap values with events.value_cap",
    )


def has_converged(losses: Sequence[float], tolerance: float) -> bool:
    """Return whether training has converged: the last iteration lowered the loss by less than fraction `tolerance`."""
    return len(losses) > 1 and losses[-2] - losses[-1] < tolerance * losses[-2]


@dataclass(frozen=True)
class Factors:
    """The factors of a trained model. The score of a pair is the dot product of its two rows."""

    users: Float32Array
    """(U, f), C-contiguous."""
    items: Float32Array
    """(I, f), C-contiguous."""


ProgressCallback = Callable[[Iteration], None]


class Engine(Protocol):
    """A solver of implicit-feedback ALS."""

    name: str

    def fit(self, confidence: csr_matrix, settings: AlsSettings, on_iteration: ProgressCallback) -> Factors:
        """Return the user and item factors that minimise the loss on `confidence` (U, I) float32.

        `on_iteration` is called after each iteration. The same seed gives the same bytes on the same machine. Rows
        without entries get the zero vector.

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
        """Return user factors (B, f) float32 for the B histories in `confidence` (B, I) and fixed `items` (I, f).

        Without `start`, each row is the exact solution. From `start` (B, f), an engine may take a few
        conjugate-gradient steps instead.
        """
        ...
