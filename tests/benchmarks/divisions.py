"""Test metrics of settings that are selected on a random validation set, for a file of pairs.

    python tests/benchmarks/divisions.py pairs.parquet --held-out drawn newest_of_each newest [--seeds 2]

The file has the columns user_id and item_id. To hold out the newest pairs, it also needs timestamp (any ordered type).
Users and items with fewer than five pairs are left out.

1. A fifth of the pairs is the test set.
2. Each preset of `auto`, with 64 and 256 factors and each fold-in, is evaluated on a random tenth of the rest.
3. The same settings are trained on the whole rest and evaluated on the test set.

For each rule, the script prints the test NDCG@10 of the setting selected in step 2, as a fraction of the best test
NDCG@10 of all settings. The rules are: the best setting without a fold-in (`as left`), the best setting with a fold-in,
and the least tempered setting within a standard error of the best.
"""

import argparse
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from als_cli.als.native import FixedItems, NativeEngine
from als_cli.als.threads import available_threads
from als_cli.config.train import TrainConfig
from als_cli.evaluation.protocol import measure
from als_cli.evaluation.rankers import FactorRanker
from als_cli.ranking.native_top_n import item_index
from als_cli.splitting.holdout import TestSet
from als_cli.tuning.parameters import recipe_for, with_fold_in
from als_cli.tuning.point import Point, apply_point
from als_cli.tuning.presets import PRESETS

FACTORS = (64, 256)
MULTIPLES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
SHARES = (0.0, 0.5, 1.0)
MAXIMUM_ITERATIONS = 10
LEFT = "as left"

PerUser = npt.NDArray[np.float64]
Setting = tuple[int, object]
"""The number of a preset, and its fold-in: (multiple of the regularization, fraction of the exponent), or `LEFT`."""


@dataclass(frozen=True)
class Sets:
    """A training matrix, and the users and pairs of its test set."""

    training: csr_matrix
    rows: npt.NDArray[np.int64]
    test: TestSet


def read_pairs(file: Path) -> pl.DataFrame:
    """Return the pairs of users and items with at least five pairs: user_id and item_id (rows from 0), order."""
    pairs = pl.read_parquet(file)
    order = pl.col("timestamp") if "timestamp" in pairs.columns else pl.lit(0)
    pairs = pairs.select("user_id", "item_id", order=order).sort("order", maintain_order=True)
    pairs = pairs.unique(["user_id", "item_id"], keep="first", maintain_order=True)
    before = -1
    while before != pairs.height:
        before = pairs.height
        pairs = pairs.filter(pl.len().over("user_id") >= 5).filter(pl.len().over("item_id") >= 5)
    rows = [(pl.col(side).rank("dense") - 1).cast(pl.Int32).alias(side) for side in ("user_id", "item_id")]
    return pairs.with_columns(*rows, order=pl.col("order").rank("ordinal"))


def held_out(pairs: pl.DataFrame, how: str, seed: int) -> npt.NDArray[np.bool_]:
    """Return a mask over `pairs`, true for the fifth that is held out."""
    drawn = np.random.default_rng(seed).random(pairs.height)
    key = drawn if how == "drawn" else -pairs["order"].to_numpy().astype(float)
    if how == "newest":
        return key < np.quantile(key, 0.2)
    ranked = pairs.with_columns(key=key).select(
        place=pl.col("key").rank("ordinal").over("user_id"), pairs=pl.len().over("user_id")
    )
    return (ranked["place"] <= (ranked["pairs"] * 0.2).round().clip(1)).to_numpy()


def sets_of(pairs: pl.DataFrame, test: npt.NDArray[np.bool_], maximum_users: int = 5000) -> Sets:
    """Return the training matrix of the pairs outside `test`, and at most `maximum_users` test users."""
    shape = (int(pairs["user_id"].max()) + 1, int(pairs["item_id"].max()) + 1)  # type: ignore[arg-type]

    def matrix(chosen: npt.NDArray[np.bool_]) -> csr_matrix:
        some = pairs.filter(pl.Series(chosen))
        made = csr_matrix((np.ones(some.height, np.float32), (some["user_id"], some["item_id"])), shape=shape)
        made.sort_indices()
        return made

    training, tested = matrix(~test), matrix(test)
    rows = np.flatnonzero((np.diff(training.indptr) > 0) & (np.diff(tested.indptr) > 0))
    rows = np.sort(np.random.default_rng(0).permutation(rows)[:maximum_users])
    counts = np.diff(tested[rows].indptr).astype(np.int64)
    interactions = np.bincount(training.indices, minlength=shape[1]).astype(np.int64)
    return Sets(
        training,
        rows,
        TestSet(training[rows], tested[rows], counts, interactions, shape[0], None, exclude_seen=True),
    )


def scored(
    sets: Sets, point: Point, factors: int, iterations: int | None, threads: int
) -> tuple[int, dict[object, PerUser]]:
    """Return the best number of iterations (or `iterations`), and NDCG@10 per user after it, for each fold-in."""
    matrix = sets.training
    train = apply_point(TrainConfig(), {**point, "factors": factors}, matrix)
    recipe = recipe_for(
        matrix, train.model_copy(update={"iterations": iterations or MAXIMUM_ITERATIONS}), threads
    )
    numbers = range(1, recipe.settings.iterations + 1)
    best: tuple[float, int, object] = (-1.0, 0, None)
    for number, trained in enumerate(
        NativeEngine().iterate(recipe.confidences(matrix), recipe.settings, numbers), 1
    ):
        if iterations is not None and number < iterations:
            continue
        ranker = FactorRanker("as left", trained.users[sets.rows], item_index(trained.items), threads)
        left = measure(ranker, sets.test, (10,)).per_user[10]["ndcg"]
        if number > 1 and left.mean() <= best[0] and iterations is None:
            if number > 2:
                break
        else:
            best = (float(left.mean()) if number > 1 else -1.0, number, (trained, left))
    _, number, found = best
    trained, left = found  # type: ignore[misc]
    items, values = FixedItems(trained.items, threads), {LEFT: left}
    shares = SHARES if point["item_exponent"] else (1.0,)
    for multiple, share in itertools.product(MULTIPLES, shares):
        own = with_fold_in(
            recipe, matrix, multiple * recipe.settings.regularization, share * recipe.confidence.item_exponent
        )
        users = items.users(*own.fold_in_problem(sets.test.history), start=trained.users[sets.rows])
        ranker = FactorRanker("folded in", users, item_index(items.factors), threads)
        values[multiple, share] = measure(ranker, sets.test, (10,)).per_user[10]["ndcg"]
    return number, values


def report(pairs: pl.DataFrame, how: str, seed: int, threads: int) -> None:
    """Print the fractions of one division, one line for each number of factors."""
    test = held_out(pairs, how, seed)
    rest = pairs.filter(pl.Series(~test))
    tenth = np.random.default_rng(seed + 5).random(rest.height) < 0.1
    whole = sets_of(pairs, test)
    small = sets_of(rest, tenth)
    for factors in FACTORS:
        past: dict[Setting, PerUser] = {}
        future: dict[Setting, float] = {}
        for preset, point in enumerate(PRESETS):
            number, values = scored(small, point, factors, None, threads)
            _, later = scored(whole, point, factors, number, threads)
            past |= {(preset, fold_in): value for fold_in, value in values.items()}
            future |= {(preset, fold_in): float(value.mean()) for fold_in, value in later.items()}
        print(f"{how} {seed}, {factors} factors: " + ", ".join(_lines(past, future)), flush=True)


def _lines(past: dict[Setting, PerUser], future: dict[Setting, float]) -> list[str]:
    best = max(future.values())
    folded = [setting for setting in past if setting[1] != LEFT]
    top = max(folded, key=lambda one: past[one].mean())
    close = [
        one
        for one in folded
        if (past[top] - past[one]).mean() <= (past[top] - past[one]).std() / np.sqrt(len(past[top]))
    ]
    choices = {
        LEFT: max((one for one in past if one[1] == LEFT), key=lambda one: past[one].mean()),
        "folded in": top,
        "least tempered of those close": min(
            close, key=lambda one: (_tempering(PRESETS[one[0]]), -past[one].mean())
        ),
    }
    return [f"{name} {future[one] / best:.3f}" for name, one in choices.items()]


def _tempering(preset: Point) -> float:
    return preset["user_exponent"] + preset["item_exponent"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--held-out", nargs="+", default=["drawn"], choices=["drawn", "newest_of_each", "newest"]
    )
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    pairs = read_pairs(options.file)
    print(
        f"{pairs.height:,} pairs of {pairs['user_id'].n_unique():,} users and {pairs['item_id'].n_unique():,} items"
    )
    for how in options.held_out:
        for seed in range(options.seeds if how == "drawn" else 1):
            report(pairs, how, seed, available_threads())


if __name__ == "__main__":
    main()
