"""Seconds of top-20 lists without seen items: engine `native` and `implicit.recommend` in the same run.

    python tests/benchmarks/top_n.py [--factors 64 128] [--users 20000]

The rate counts 2 U I f operations, including skipped ones. It is compared with the float32 matrix-product rate of the
same machine.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import synthetic

from als_cli.als.engine import AlsSettings
from als_cli.als.native import NativeEngine
from als_cli.als.threads import Workers, available_threads
from als_cli.ranking.masks import Masks
from als_cli.ranking.native_top_n import item_index, top_n_of

N = 20


def compare(matrix, factors: int, users: int, threads: int) -> None:
    """Print seconds, rate and ratio with `factors`."""
    from implicit.cpu.als import AlternatingLeastSquares

    found = NativeEngine().fit(matrix, AlsSettings(factors, 2.0, 4, False, 1, threads), lambda _: None)
    rows, seen = np.arange(users), matrix[:users]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AlternatingLeastSquares(factors, num_threads=threads)
    model.user_factors, model.item_factors = found.users, found.items
    ours, theirs, lists = [], [], {}

    def native() -> None:
        lists["native"] = top_n_of(
            item_index(found.items), found.users[:users], N, Masks(seen), threads=threads
        ).item_rows

    def implicit() -> None:
        with Workers(threads):
            lists["implicit"] = model.recommend(rows, seen, N, filter_already_liked_items=True)[0]

    for _ in range(3):
        ours.append(machine.seconds_of(native))
        theirs.append(machine.seconds_of(implicit))
    rate = 2.0 * users * matrix.shape[1] * factors / float(np.median(ours)) / 1e9
    peak = machine.sgemm_rate(threads)
    same = np.mean([set(a) == set(b) for a, b in zip(lists["native"], lists["implicit"], strict=True)])
    print(f"\nf = {factors}, top-{N} of {users:,} users, {matrix.shape[1]:,} items:")
    print(f"  native   {machine.middle(ours)}  {rate:.0f} GFLOP/s, {rate / peak:.0%} of sgemm's {peak:.0f}")
    print(
        f"  implicit {machine.middle(theirs)}  x{np.median(theirs) / np.median(ours):.2f}; same lists {same:.2%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--factors", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--users", type=int, default=synthetic.USERS)
    options = parser.parse_args()
    threads = available_threads()
    print(machine.describe(threads), f"load {machine.load_average()}", sep="\n")
    matrix = synthetic.movielens_like()
    matrix.data[:] = 5.0
    for factors in options.factors:
        compare(matrix, factors, min(options.users, matrix.shape[0]), threads)


if __name__ == "__main__":
    main()
