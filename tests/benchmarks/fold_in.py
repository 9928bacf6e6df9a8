"""Seconds of the fold-in at the end of a training and of an iteration, on the data set of MovieLens-20M shape.

    python tests/benchmarks/fold_in.py [--factors 64 128 256] [--rounds 5]

An iteration ("iteration") solves users and items. The fold-in solves all users once more. It starts from their factors
after the iterations ("near"), or solves them exactly, as for new users ("exact").
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from als_cli.arrays import Float32Array

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import synthetic

from als_cli.als.engine import Iteration
from als_cli.als.native import warm_up
from als_cli.als.threads import available_threads
from als_cli.config.train import ConfidenceConfig, FoldInConfig, TrainConfig
from als_cli.tuning.parameters import recipe_for


def timed(run: Callable[[], Float32Array], rounds: int) -> tuple[list[float], Float32Array]:
    """Return the seconds of each of `rounds` runs, and the result of the last run."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        users = run()
        seconds.append(time.perf_counter() - started)
    return seconds, users


def compare(factors: int, rounds: int, threads: int) -> None:
    """Print the times of an iteration and of both fold-ins with `factors`, and the distance of both solutions."""
    matrix = synthetic.movielens_like()
    train = TrainConfig(
        factors=factors,
        iterations=4,
        confidence=ConfidenceConfig(user_exponent=0.2, item_exponent=0.3),
        fold_in=FoldInConfig(regularization=0.01, item_exponent=0.0),
    )
    recipe = recipe_for(matrix, train, threads)
    iterations: list[Iteration] = []
    factorized = replace(recipe, separate_fold_in=None).fit(matrix, iterations.append)
    near, users = timed(lambda: recipe.fold_in(factorized.items, matrix, start=factorized.users), rounds)
    exact, expected = timed(lambda: recipe.fold_in(factorized.items, matrix), max(1, rounds // 2))
    distance = np.linalg.norm(users - expected) / np.linalg.norm(expected)
    print(
        f"f = {factors}: iteration {machine.middle([iteration.seconds for iteration in iterations])}, "
        f"fold-in near {machine.middle(near)}, exact {machine.middle(exact)}, apart {distance:.1e}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--factors", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    threads = available_threads()
    print(machine.describe(threads), f"load {machine.load_average()}", sep="\n")
    warm_up()
    for factors in options.factors:
        compare(factors, options.rounds, threads)


if __name__ == "__main__":
    main()
