"""Microseconds per row of n pairs, for each of the three row solvers, on one thread.

    python tests/benchmarks/switch_point.py [--factors 64 128 256 1024]

Columns: exact through a system as large as the row (short), two conjugate-gradient steps (cg), exact through the f x f
system (dense). `als_cli.als.schedule.longest_short_row` uses the lengths at which the columns cross.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from als_cli.als.kernels.row_system import Solution, row_system
from als_cli.als.kernels.rows import solve_dense_rows, solve_long_rows, solve_short_rows

OTHER_SIDE = 27_000


def microseconds(factors: int, pairs: int) -> list[float]:
    """Return the microseconds of one row with `pairs` pairs: short, cg, dense."""
    rng = np.random.default_rng(pairs)
    count = int(np.clip(4e8 // (pairs**2 * factors), 20, 2000))
    columns = np.sort(rng.integers(OTHER_SIDE, size=(count, pairs)), axis=1).reshape(-1)
    matrix = csr_matrix(
        (np.ones(count * pairs, np.float32), columns, np.arange(count + 1) * pairs), (count, OTHER_SIDE)
    )
    fixed = rng.standard_normal((OTHER_SIDE, factors), dtype=np.float32) * np.float32(0.1)
    system = row_system(
        matrix, fixed, np.linspace(2, 0.1, factors, dtype=np.float32), np.full(count, 0.5, np.float32), 0.0
    )
    solution = Solution(np.zeros((count, factors), np.float32), np.empty(0))
    rows = np.arange(count, dtype=np.int32)
    runs: list[Callable[[], None]] = [
        lambda: solve_short_rows(rows, system, solution),
        lambda: solve_long_rows(rows, system, 2, solution),
        lambda: solve_dense_rows(rows[: max(4, count // 20)], system, solution),
    ]
    sizes = [count, count, len(rows[: max(4, count // 20)])]
    return [1e6 * min(_seconds(run) for _ in range(5)) / size for run, size in zip(runs, sizes, strict=True)]


def _seconds(run: Callable[[], None]) -> float:
    started = time.thread_time()
    run()
    return time.thread_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--factors", type=int, nargs="+", default=[64, 128, 256, 1024])
    for factors in parser.parse_args().factors:
        print(f"f = {factors}\n     n    short       cg    dense")
        for pairs in (2, 4, 8, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256):
            short, long, dense = microseconds(factors, pairs)
            print(f"{pairs:6} {short:8.2f} {long:8.2f} {dense:8.2f}")


if __name__ == "__main__":
    main()
