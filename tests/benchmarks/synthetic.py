"""Training data of the benchmarks: seeded data sets of MovieLens-20M shape and of a small shop, and gowalla."""

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


def small_catalogue(seed: int = 7) -> pl.DataFrame:
    """Return 50,000 events of 18,000 items, each event another pair: columns user_id, item_id, timestamp.

    The set is sparse, as the log of a small shop with a large catalogue. Each item belongs to one of 80 groups. Nine
    tenths of the events of a user are in two groups. Half of the items are launched within the 180 days of the log, the
    other half before it. The interest in an item is halved every 45 days after its launch. Every item has an event.
    """
    events, items, users, groups, days, half_life = 50_000, 18_000, 6_000, 80, 180.0, 45.0
    rng = np.random.default_rng(seed)
    sizes = rng.lognormal(0.0, 0.8, groups)
    group_of_item = rng.choice(groups, size=items, p=sizes / sizes.sum())
    launch = rng.uniform(-days, days, items)
    popularity = rng.pareto(1.2, items) + 0.02
    tastes = rng.choice(groups, size=(users, 2), p=sizes / sizes.sum())
    activity = rng.lognormal(0.0, 1.1, users)
    candidates = 3 * events
    user = rng.choice(users, size=candidates, p=activity / activity.sum())
    time = rng.random(candidates) * days
    group = tastes[user, (rng.random(candidates) < 0.35).astype(int)]
    group = np.where(rng.random(candidates) < 0.1, rng.integers(groups, size=candidates), group)
    item = np.full(candidates, -1)
    weeks = int(days // 7) + 1
    cell = group * weeks + (time // 7).astype(int)
    order = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[order], np.arange(groups * weeks + 1))
    for number in range(groups * weeks):
        chosen, day = order[starts[number] : starts[number + 1]], 7.0 * (number % weeks)
        members = np.flatnonzero((group_of_item == number // weeks) & (launch <= day))
        if len(chosen) and len(members):
            weights = popularity[members] * np.exp2((launch[members] - day) / half_life)
            item[chosen] = rng.choice(members, size=len(chosen), p=weights / weights.sum())
    known = np.flatnonzero(item >= 0)
    pairs = pl.DataFrame(
        {
            "user_id": np.concatenate([_interested(rng, tastes, activity, group_of_item), user[known]]),
            "item_id": np.concatenate([np.arange(items), item[known]]),
            "day": np.concatenate([np.where(launch > 0, launch, rng.random(items) * days / 3), time[known]]),
        }
    )
    pairs = pairs.unique(["user_id", "item_id"], keep="first", maintain_order=True).head(events)
    start = pl.datetime(2025, 1, 1, time_zone="UTC")
    seconds = (pl.col("day") * 86_400).cast(pl.Int64)
    return pairs.select("user_id", "item_id", timestamp=start + pl.duration(seconds=seconds))


def _interested(
    rng: np.random.Generator, tastes: np.ndarray, activity: np.ndarray, group_of_item: np.ndarray
) -> np.ndarray:
    """Return a user for each item, with a taste for its group if there is one: (I,) int64."""
    found = np.empty(len(group_of_item), np.int64)
    for group in range(int(group_of_item.max()) + 1):
        members = np.flatnonzero(group_of_item == group)
        users = np.flatnonzero((tastes == group).any(axis=1))
        users = users if len(users) else np.arange(len(tastes))
        found[members] = rng.choice(users, size=len(members), p=activity[users] / activity[users].sum())
    return found
