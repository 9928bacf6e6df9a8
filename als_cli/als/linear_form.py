"""The linear form of a score in plain numpy: what each item of a history contributes to it.

The row equation (:mod:`als_cli.als.reference`) gives x_u = A_u^-1 sum_j b_uj y_j. The score of item i is therefore
y_i.x_u = sum_j b_uj y_i'A_u^-1 y_j (Hu, Koren, Volinsky 2008, section 5). Use this module for a few users.
:meth:`als_cli.als.native.FixedItems.contributions` does the same for many.
"""

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.engine import AlsSettings
from als_cli.als.objective import loss_of
from als_cli.arrays import Float32Array, Int32Array


def largest_contributions(
    items: Float32Array, confidence: csr_matrix, settings: AlsSettings, listed: Int32Array, count: int
) -> tuple[Int32Array, Float32Array]:
    """Return the `count` items of each history that contribute most to the scores of `listed` (B, n) items.

    Negative contributions are left out. `items` are the factors (I, f), and `confidence` (B, I) the histories. For what is returned, see
    :meth:`als_cli.als.native.FixedItems.contributions`.
    """
    loss, (users, slots) = loss_of(settings), listed.shape
    ridge, all_factors = loss.ridge(confidence), items.astype(np.float64)
    gram = loss.unobserved_weight * all_factors.T @ all_factors
    rows = np.full((users, slots, count), -1, np.int32)
    values = np.zeros((users, slots, count), np.float32)
    for user in range(users):
        pairs = slice(confidence.indptr[user], confidence.indptr[user + 1])
        own, c = confidence.indices[pairs], confidence.data[pairs].astype(np.float64)
        known = np.flatnonzero(listed[user] >= 0)
        if not len(own) or not len(known):
            continue
        factors = all_factors[own]
        system = (
            gram + ridge[user] * np.eye(items.shape[1]) + (factors.T * (np.abs(c) - loss.shift)) @ factors
        )
        parts = all_factors[listed[user, known]] @ np.linalg.solve(system, factors.T) * np.maximum(c, 0)
        order = np.argsort(-parts, axis=1, kind="stable")[:, :count]
        best = np.take_along_axis(parts, order, axis=1)
        places = np.ix_(np.array([user]), known, np.arange(order.shape[1]))
        rows[places] = np.where(best > 0, own[order], -1)[None]
        values[places] = np.maximum(best, 0)[None]
    return rows, values
