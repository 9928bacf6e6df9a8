"""Paired differences of several test sets, combined into one row per user."""

from collections.abc import Sequence

import numpy as np

from als_cli.arrays import Float64Array, Int64Array


def pooled_by_user(
    differences: Sequence[Float64Array], user_rows: Sequence[Int64Array], users: int
) -> Float64Array:
    """Return one row per user, (U, M) float64. The mean of the rows is the mean over test sets of their mean differences.

    Test set c of C has `differences` (T_c, M) of T_c users, and the positions `user_rows` (T_c,) of these users among
    all U = `users`. Row u is U / C times the sum of differences / T_c of user u over the test sets with user u.

    Resampling these rows samples users (Efron & Tibshirani 1993, chapter 8). A user of several test sets is not counted
    as several independent users.
    """
    pooled = np.zeros((users, differences[0].shape[1]))
    for values, rows in zip(differences, user_rows, strict=True):
        pooled[rows] += values / len(values)  # a user is in a test set once
    return pooled * (users / len(differences))
