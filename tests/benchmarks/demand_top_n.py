"""Cost of lists by demand, relative to plain lists: wall time and processor time of top-20 without seen items.

    python tests/benchmarks/demand_top_n.py [--data synthetic gowalla] [--factors 64 128] [--users 138000] [--rounds 9]

Both sides make the same lists as `als recommend`, from the same factors, in blocks of 4,096 users. With demand, the time
includes the demand of the items from all pairs, once, the weighted items, and the column of the offset. The two sides
take turns, and the order changes from round to round. The ratio is the median of the rounds, with its quartiles. Times
are random: the interest in each item has its own peak within a year. With the last rule, weights are almost equal, so
that it shows the cost of the column.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import synthetic

from als_cli.als.confidence import ConfidenceRule, interactions_per_item
from als_cli.als.demand import DemandRule
from als_cli.als.engine import AlsSettings
from als_cli.als.recipe import Recipe
from als_cli.als.threads import available_threads
from als_cli.dataset.interactions import Interactions
from als_cli.ranking.audience import Audience
from als_cli.ranking.native_top_n import warm_up
from als_cli.ranking.recommender import Recommender
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.trained_model import TrainedModel

DAY = 86_400.0
RULES = {
    "gamma 1": DemandRule(14 * DAY, 1.0),
    "gamma 1, delta 0.5": DemandRule(14 * DAY, 1.0, None, 0.5),
    "gamma 1, delta 0.5, offset 0.1": DemandRule(14 * DAY, 1.0, None, 0.5, 0.1),
    "gamma 1, offset 10": DemandRule(14 * DAY, 1.0, None, 0.0, 10.0),
    "gamma 0.3, offset 0.1": DemandRule(14 * DAY, 0.3, None, 0.0, 0.1),
    "gamma 0.001, offset 0.001": DemandRule(14 * DAY, 0.001, None, 0.0, 0.001),
}
DATA = {"synthetic": synthetic.movielens_like, "gowalla": synthetic.gowalla}
RULES_OF_LISTS = ListRules(top_n=20, exclude_seen=True, allowed=None, fallback=())
BLOCK_USERS = 4096


def with_times(matrix: csr_matrix, seed: int = 5) -> Interactions:
    """Return the interactions of `matrix` with random times."""
    rng = np.random.default_rng(seed)
    peaks = rng.uniform(0, 365 * DAY, matrix.shape[1])
    seconds = peaks[matrix.indices] + rng.normal(0, 30 * DAY, matrix.nnz)
    times = csr_matrix(((1e6 * seconds).astype(np.int64), matrix.indices, matrix.indptr), shape=matrix.shape)
    users, items = (
        pl.DataFrame({name: np.arange(count)})
        for name, count in zip(("user_id", "item_id"), matrix.shape, strict=True)
    )
    return Interactions(users, items, matrix, None, times)


def seconds_of(
    interactions: Interactions, model: TrainedModel, recipe: Recipe, users: int
) -> tuple[float, float]:
    """Return wall time and processor time of the lists of the first `users` users."""
    audience = Audience(interactions.user_ids[:users], np.arange(users, dtype=np.int32))
    wall, processor = time.perf_counter(), time.process_time()
    recommender = Recommender(interactions, model, recipe, RULES_OF_LISTS)
    for block in recommender.blocks(audience, BLOCK_USERS, users):
        recommender.lists_for(block)
    return time.perf_counter() - wall, time.process_time() - processor


def compare(name: str, matrix: csr_matrix, factors: int, users: int, rounds: int) -> None:
    """Print a row of the table for each rule."""
    threads = available_threads()
    settings = AlsSettings(factors, 0.01, 4, False, 1, threads, "weighted", 0.1, 1.0)
    counts = interactions_per_item(matrix)
    plain = Recipe("native", settings, ConfidenceRule("log", 10.0, 1.0, 1.0), counts)
    interactions, found = with_times(matrix), plain.fit(matrix, lambda _: None)
    model = TrainedModel(
        interactions.user_ids, interactions.item_ids, pl.Series(counts).cast(pl.UInt32), found, None
    )
    for rule_name, rule in RULES.items():
        sides = {"plain": plain, "demand": replace(plain, demand=rule)}
        taken: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for number in range(rounds):
            for side in sorted(sides, reverse=number % 2 == 0):
                taken[side].append(seconds_of(interactions, model, sides[side], users))
        ratios = np.array(taken["demand"]) / np.array(taken["plain"])
        low, middle, high = np.percentile(ratios, [25, 50, 75], axis=0)
        wall = {side: np.median([seconds for seconds, _ in times]) for side, times in taken.items()}
        print(
            f"| {name}, f = {factors} | {rule_name} | {wall['plain']:.2f} s | {wall['demand']:.2f} s"
            f" | {middle[0]:.3f} ({low[0]:.3f}-{high[0]:.3f}) | {middle[1]:.3f} ({low[1]:.3f}-{high[1]:.3f}) |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", choices=list(DATA), nargs="+", default=list(DATA))
    parser.add_argument("--factors", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--users", type=int, default=synthetic.USERS)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(machine.describe(available_threads()), f"load {machine.load_average()}", sep="\n")
    warm_up()
    print(
        "| data | rule | plain | demand | wall time ratio | processor time ratio |\n|---|---|---|---|---|---|"
    )
    for name in options.data:
        matrix = DATA[name]()
        if matrix is None:
            print(f"| {name} | not found |")
            continue
        for factors in options.factors:
            compare(name, matrix, factors, min(options.users, matrix.shape[0]), options.rounds)


if __name__ == "__main__":
    main()
