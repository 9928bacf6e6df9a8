"""Training data of the benchmarks: a seeded data set of MovieLens-20M shape, and gowalla."""

from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

USERS, ITEMS, DRAWS = 138_000, 27_000, 8_850_000
_TASTES = 96


def movielens_like(seed: int = 7, share: float = 1.0) -> csr_matrix:
    """Return a float32 matrix (138,000, 27,000) of about 7.5 million ones; `share` is the fraction of users to make."""
    rng = np.random.default_rng(seed)
    users = int(USERS * share)
    activity = rng.lognormal(0.0, 1.25, users)
    counts = rng.multinomial(int(DRAWS * share), activity / activity.sum())
    counts = np.minimum(counts, ITEMS // 4)
    popularity = 1.0 / (np.arange(ITEMS) + 60.0) ** 1.15
    tastes = popularity * rng.lognormal(0.0, 1.4, (_TASTES, ITEMS))
    cumulative = np.cumsum(tastes, axis=1)
    cumulative /= cumulative[:, -1:]
    main, second = rng.integers(_TASTES, size=users), rng.integers(_TASTES, size=users)
    rows = np.repeat(np.arange(users), counts)
    taste = np.where(rng.random(len(rows)) < 0.65, main[rows], second[rows])
    columns = np.empty(len(rows), np.int64)
    for number in range(_TASTES):
        chosen = np.flatnonzero(taste == number)
        columns[chosen] = np.searchsorted(cumulative[number], rng.random(len(chosen)))
    shuffled = rng.permutation(ITEMS)
    matrix = csr_matrix(
        (np.ones(len(rows), np.float32), (rows, shuffled[np.minimum(columns, ITEMS - 1)])),
        shape=(users, ITEMS),
    )
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def gowalla() -> csr_matrix | None:
    """Return the training set of gowalla as a matrix of ones; None if shared/data is missing."""
    file = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "gowalla" / "train.parquet"
    if not file.exists():
        return None
    users, items = (column.rank("dense").to_numpy() - 1 for column in pl.read_parquet(file).iter_columns())
    return csr_matrix((np.ones(len(users), np.float32), (users, items)))
