"""The equations of ALS in float64, dense and slow. Tests compare the native engine with them; read the equations here.

Symbols as in `objective`. C (U, I): confidences, negative for a dislike, 0 for pairs that are not stored. X (U, f):
user factors. Y (I, f): item factors.
"""

import numpy as np

from als_cli.als.objective import Loss
from als_cli.arrays import Float64Array


def weights_and_targets(C: Float64Array, loss: Loss) -> tuple[Float64Array, Float64Array]:
    """Return w and b of every pair, (U, I), 0 where not stored: w = |c| (weighted) or |c| - a0 (hu2008); b = c t."""
    stored = C != 0
    w = np.where(stored, np.abs(C) - loss.shift, 0.0)
    b = np.where(C > 0, C, 0.0)
    return w, b


def ridge(C: Float64Array, loss: Loss) -> Float64Array:
    """Return the ridge lambda_u = lambda (C_u + a0 I)^nu of every row of `C`, (U,)."""
    frequency = np.abs(C).sum(axis=1) + loss.unobserved_weight * C.shape[1]
    scaled: Float64Array = loss.regularization * frequency**loss.frequency_exponent
    return scaled


def half_step(C: Float64Array, Y: Float64Array, loss: Loss) -> Float64Array:
    """Return the user factors X (U, f) that minimise the loss for fixed Y: one linear system per row.

    (a0 Y'Y + lambda_u I + sum_i w_ui y_i y_i') x_u = sum_i b_ui y_i. A row without stored pairs gets zeros.
    """
    w, b = weights_and_targets(C, loss)
    gram = loss.unobserved_weight * Y.T @ Y
    lambdas = ridge(C, loss)
    X = np.zeros((C.shape[0], Y.shape[1]))
    for u in np.flatnonzero((C != 0).any(axis=1)):
        system = gram + lambdas[u] * np.eye(Y.shape[1]) + (Y.T * w[u]) @ Y
        X[u] = np.linalg.solve(system, Y.T @ b[u])
    return X


def total_loss(C: Float64Array, X: Float64Array, Y: Float64Array, loss: Loss) -> float:
    """Return the loss L / (U I) with every term of the module `objective`, computed pair by pair."""
    S = X @ Y.T
    stored, t = C != 0, (C > 0).astype(np.float64)
    observed = (np.abs(C) * (t - S) ** 2)[stored].sum()
    outside = S if loss.shift == 0 else np.where(stored, 0.0, S)
    unobserved = loss.unobserved_weight * (outside**2).sum()
    ridge_terms = (ridge(C, loss) @ (X**2).sum(axis=1)) + (ridge(C.T, loss) @ (Y**2).sum(axis=1))
    return float(observed + unobserved + ridge_terms) / C.size
