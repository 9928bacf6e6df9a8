"""CPU seconds of the nearest rows by cosine: the compiled lists beside the plain ones, and whether they are the same.

    python tests/benchmarks/similar_lists.py [--rows 20000] [--factors 64] [--rounds 3]

The vectors are 50 groups of random vectors with different lengths. Both sides take turns and use all threads.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import numpy as np
import polars as pl

from als_cli.als.threads import available_threads, blas_limited_to
from als_cli.arrays import Float32Array
from als_cli.ranking.similar import similar_items
from als_cli.ranking.top_n import TopN
from als_cli.ranking.vector_lists import ListedRows, VectorTable, cosine_ranking

_N, _BLOCK = 20, 4096


def vectors(rows: int, factors: int) -> Float32Array:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(50, factors))
    spread = centres[rng.integers(0, 50, rows)] + rng.normal(size=(rows, factors)) * 0.7
    return np.asarray(spread * np.exp(rng.normal(size=(rows, 1))), np.float32)


def compiled(rows: Float32Array) -> TopN:
    table = VectorTable("item_id", pl.Series(np.arange(len(rows))), rows)
    ranking = cosine_ranking(table, ListedRows(_N), available_threads())
    tops = [ranking.lists_for(block).top for block in ranking.blocks(_BLOCK, len(rows))]
    return TopN(np.concatenate([one.item_rows for one in tops]), np.concatenate([one.scores for one in tops]))


def plain(rows: Float32Array) -> TopN:
    return similar_items(rows, np.arange(len(rows)), _N)


def cpu_seconds(rank: Callable[[Float32Array], TopN], rows: Float32Array) -> tuple[float, TopN]:
    started = time.process_time()
    with blas_limited_to(available_threads()):
        lists = rank(rows)
    return time.process_time() - started, lists


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(machine.describe(available_threads()), f"load {machine.load_average()}", sep="\n")
    rows = vectors(options.rows, options.factors)
    compiled(rows[:1000])  # loads the kernels
    seconds: dict[str, list[float]] = {"compiled": [], "plain": []}
    for _ in range(options.rounds):
        one, lists = cpu_seconds(compiled, rows)
        other, expected = cpu_seconds(plain, rows)
        seconds["compiled"].append(one)
        seconds["plain"].append(other)
        is_same = np.array_equal(lists.item_rows, expected.item_rows) and np.array_equal(
            lists.scores, expected.scores
        )
        print("same lists" if is_same else "DIFFERENT LISTS")
    for name, measured in seconds.items():
        print(f"{name:10} {machine.middle(measured)}")


if __name__ == "__main__":
    main()
