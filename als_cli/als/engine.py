"""What every engine does: factors from confidences, and fold-in.

Symbols: U users, I items, f factors. Confidence is a (U, I) CSR matrix, float32, sorted int32 indices, no duplicates:
``c_ui`` of the observed pairs. A negative entry is a dislike: preference 0 with confidence ``|c_ui|``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AlsSettings:
    """The hyperparameters of one training, resolved: no defaults here, they live in the config."""

    factors: int
    regularization: float
    iterations: int
    exact: bool
    seed: int
    threads: int


@dataclass(frozen=True)
class Iteration:
    """What one full sweep over users and items did."""

    number: int
    """From 1."""
    loss: float
    """Training loss after the sweep, divided by U x I."""
    seconds: float
    """Wall time of the sweep, loss included."""


@dataclass(frozen=True)
class Factors:
    """A trained factorization: score of a pair = dot product of the two rows."""

    users: FloatArray
    """(U, f), C-contiguous."""
    items: FloatArray
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

    def fold_in(self, items: FloatArray, confidence: csr_matrix, settings: AlsSettings) -> FloatArray:
        """Return (B, f) float32 user factors for the B histories in `confidence` (B, I), item factors (I, f) fixed."""
        ...
