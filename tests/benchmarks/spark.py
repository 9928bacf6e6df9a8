"""Seconds per training iteration of Spark MLlib's implicit ALS and of engine `native` on this machine.

    python tests/benchmarks/spark.py [--factors 64] [--share 0.25]

Needs pyspark and Java. Spark does not report the time of an iteration. The script measures a fit with 1 + N iterations
and a fit with one iteration, and divides the difference by N. So reading and partitioning the pairs do not count.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import synthetic

from als_cli.als.engine import AlsSettings
from als_cli.als.native import NativeEngine, warm_up
from als_cli.als.threads import available_threads

MORE_ITERATIONS = 2
RIDGE = 0.01


def native_seconds(matrix: csr_matrix, factors: int, threads: int) -> float:
    """Return the median seconds of an iteration of engine `native`, with the computation of the loss."""
    seconds: list[float] = []
    settings = AlsSettings(factors, RIDGE, 5, False, 1, threads)
    NativeEngine().fit(matrix, settings, lambda iteration: seconds.append(iteration.seconds))
    return statistics.median(seconds)


def spark_seconds(matrix: csr_matrix, factors: int, threads: int) -> float:
    """Return the seconds of one additional iteration of MLlib's ALS."""
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master(f"local[{threads}]")
        .config("spark.driver.memory", "10g")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    pairs = matrix.tocoo()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.parquet"
        _write_pairs(path, pairs.row, pairs.col, pairs.data)
        table = session.read.parquet(str(path)).cache()
        table.count()

        def fit(iterations: int) -> float:
            started = time.perf_counter()
            ALS(
                rank=factors, maxIter=iterations, regParam=RIDGE, alpha=4.0, implicitPrefs=True, seed=1,
                userCol="user", itemCol="item", ratingCol="r", numUserBlocks=threads, numItemBlocks=threads,
            ).fit(table)  # fmt: skip
            return time.perf_counter() - started

        one = fit(1)
        more = fit(1 + MORE_ITERATIONS)
        session.stop()
        return (more - one) / MORE_ITERATIONS


def _write_pairs(path: Path, users: np.ndarray, items: np.ndarray, strengths: np.ndarray) -> None:
    import polars as pl

    pl.DataFrame({"user": users, "item": items, "r": strengths}).write_parquet(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--share", type=float, default=0.25)
    options = parser.parse_args()
    threads = available_threads()
    print(machine.describe(threads), f"load {machine.load_average()}", sep="\n")
    warm_up()
    matrix = synthetic.movielens_like(share=options.share)
    print(
        f"{matrix.shape[0]:,} users, {matrix.shape[1]:,} items, {matrix.nnz:,} pairs, f = {options.factors}"
    )
    spark = spark_seconds(matrix, options.factors, threads)
    own = native_seconds(matrix, options.factors, threads)
    print(
        f"  native      {own:6.2f} s per iteration\n  Spark MLlib {spark:6.2f} s per iteration  x{spark / own:.1f}"
    )


if __name__ == "__main__":
    main()
