"""The loss that training minimises, and the weights of pairs and rows in it.

    L = sum_{(u,i) in S} c_ui (t_ui - x_u.y_i)^2 + a0 sum_{(u,i) in A} (x_u.y_i)^2 + sum_u lambda_u |x_u|^2 + sum_i lambda_i |y_i|^2

S: the stored pairs. t = 1, or 0 for a dislike (c is stored negative). A: all pairs (weighted: Rendle, Krichene, Zhang,
Koren, RecSys 2022), or all pairs outside S (hu2008: Hu, Koren, Volinsky 2008, a0 = 1).
lambda_u = lambda (C_u + a0 I)^nu and lambda_i = lambda (C_i + a0 U)^nu, where C is the sum of c over the row.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.engine import AlsSettings
from als_cli.arrays import Float64Array


@dataclass(frozen=True)
class Loss:
    """The constants of the loss."""

    unobserved_weight: float
    """a0."""
    shift: float
    """Subtracted from |c| in the weight w = |c| - shift of a stored pair: a0 if A does not contain S, else 0."""
    regularization: float
    """lambda."""
    frequency_exponent: float
    """nu."""

    def ridge(self, confidence: csr_matrix) -> Float64Array:
        """Return the ridge lambda_u of each row of `confidence`, (rows,) float64."""
        sums = _row_sums(confidence)
        frequency = sums + self.unobserved_weight * confidence.shape[1]
        scaled: Float64Array = self.regularization * frequency**self.frequency_exponent
        return scaled


def _row_sums(confidence: csr_matrix) -> Float64Array:
    """Return the sum of |c| of each row, (rows,) float64."""
    sums = np.zeros(confidence.shape[0])
    filled = np.flatnonzero(np.diff(confidence.indptr))
    if len(filled):
        sums[filled] = np.add.reduceat(np.abs(confidence.data), confidence.indptr[filled], dtype=np.float64)
    return sums


def loss_of(settings: AlsSettings) -> Loss:
    """Return the constants of the loss that `settings` ask for."""
    a0 = settings.unobserved_weight
    return Loss(
        unobserved_weight=a0,
        shift=a0 if settings.objective == "hu2008" else 0.0,
        regularization=settings.regularization,
        frequency_exponent=settings.frequency_exponent,
    )
