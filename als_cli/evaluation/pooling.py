"""Several test parts as one sample of users, each with all that he brought to any of them."""

from collections.abc import Sequence

import numpy as np

from als_cli.arrays import Float64Array, Int64Array


def pooled_by_user(
    differences: Sequence[Float64Array], user_rows: Sequence[Int64Array], users: int
) -> Float64Array:
    """Return one row per user, (U, M) float64, whose mean over users is the mean over parts of the parts' means.

    Each of the C parts has `differences` (T_c, M) of T_c users and their places `user_rows` (T_c,) among all `users`.
    Row u is U / C times the sum, over the parts that u is in, of his differences / T_c. Whoever draws these rows draws
    people (Efron & Tibshirani 1993, chapter 8): a user of several parts is not taken for several independent users.
    """
    pooled = np.zeros((users, differences[0].shape[1]))
    for part, rows in zip(differences, user_rows, strict=True):
        pooled[rows] += part / len(part)  # a user stands in a part once
    return pooled * (users / len(differences))
