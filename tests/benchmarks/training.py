"""Seconds and loss of each training iteration: native, implicit and, if installed, irspack, in the same run.

    python tests/benchmarks/training.py [--factors 64 128 256] [--exact] [--data synthetic|gowalla] [--share 1.0]

Engines take turns in one run, so that other load on the machine affects all of them. All minimise the loss of Hu,
Koren, Volinsky 2008 with the same confidence and ridge. One function computes the loss of the peers after every
iteration. Engine `native` reports its own loss, and its last loss is checked against that function.
"""

import argparse
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import synthetic

from als_cli.als.engine import AlsSettings
from als_cli.als.native import NativeEngine, warm_up
from als_cli.als.threads import Workers, available_threads

CONFIDENCE, RIDGE = 5.0, 2.0

Iteration = tuple[float, float]
"""Seconds and loss of an iteration."""


def hu_loss(confidence: csr_matrix, users: np.ndarray, items: np.ndarray) -> float:
    """Return the loss of Hu et al. divided by U I; sums are in float64."""
    total = RIDGE * (np.square(users, dtype=np.float64).sum() + np.square(items, dtype=np.float64).sum())
    total += float(np.sum((users.T @ users).astype(np.float64) * (items.T @ items)))
    rows = np.repeat(np.arange(confidence.shape[0]), np.diff(confidence.indptr))
    for start in range(0, confidence.nnz, 1 << 19):
        part = slice(start, start + (1 << 19))
        scores = np.einsum("pf,pf->p", users[rows[part]], items[confidence.indices[part]]).astype(np.float64)
        c = confidence.data[part].astype(np.float64)
        total += float((c * (1 - scores) ** 2 - scores**2).sum())
    return total / np.prod(confidence.shape, dtype=np.float64)


def native(
    confidence: csr_matrix, factors: int, iterations: int, threads: int, *, exact: bool
) -> list[Iteration]:
    settings = AlsSettings(factors, RIDGE, iterations, exact, 1, threads)
    done: list[Iteration] = []
    found = NativeEngine().fit(
        confidence, settings, lambda iteration: done.append((iteration.seconds, iteration.loss))
    )
    checked = hu_loss(confidence, found.users, found.items)
    if abs(checked - done[-1][1]) > 1e-4 * checked:
        raise SystemExit(f"native reports loss {done[-1][1]}, its factors have {checked}")
    return done


def implicit(confidence: csr_matrix, factors: int, iterations: int, threads: int) -> list[Iteration]:
    from implicit.cpu.als import AlternatingLeastSquares

    done: list[Iteration] = []
    with Workers(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AlternatingLeastSquares(
            factors, RIDGE, alpha=1.0, iterations=iterations, num_threads=threads, random_state=1
        )

        def record(_number: int, seconds: float, *_: object) -> None:
            done.append((seconds, hu_loss(confidence, model.user_factors, model.item_factors)))

        model.fit(confidence, show_progress=False, callback=record)
    return done


def irspack(confidence: csr_matrix, factors: int, iterations: int, threads: int) -> list[Iteration]:
    from irspack.recommenders.ials import IALSTrainer, LossType, SolverType

    trainer = IALSTrainer(
        confidence, factors, 1.0, RIDGE, 0.0, 0.1, SolverType.CG, 3, 64, LossType.ORIGINAL, 1, threads, 3, 1
    )
    done: list[Iteration] = []
    for _ in range(iterations):
        started = time.perf_counter()
        trainer.run_epoch()
        seconds = time.perf_counter() - started
        core = trainer.core_trainer
        done.append((seconds, hu_loss(confidence, np.asarray(core.user), np.asarray(core.item))))
    return done


def contenders(
    factors: int, iterations: int, threads: int, *, exact: bool
) -> dict[str, Callable[[csr_matrix], list[Iteration]]]:
    """Return the runs to measure, by name: from a confidence matrix to seconds and loss of each iteration."""
    runs: dict[str, Callable[[csr_matrix], list[Iteration]]] = {
        "native": lambda m: native(m, factors, iterations, threads, exact=False),
        "implicit CG-3": lambda m: implicit(m, factors, iterations, threads),
    }
    if exact:
        runs["native exact"] = lambda m: native(m, factors, iterations, threads, exact=True)
    try:
        import irspack  # noqa: F401
    except ImportError:
        return runs
    return runs | {"irspack CG-3": lambda m: globals()["irspack"](m, factors, iterations, threads)}


def main() -> None:
    options = _options()
    threads = available_threads()
    print(machine.describe(threads), f"load {machine.load_average()}", sep="\n")
    warm_up()
    matrix = (
        synthetic.movielens_like(share=options.share) if options.data == "synthetic" else synthetic.gowalla()
    )
    if matrix is None:
        raise SystemExit("gowalla is not there: shared/data beside the checkout is absent")
    matrix.data[:] = CONFIDENCE
    print(f"{options.data}: {matrix.shape[0]:,} users, {matrix.shape[1]:,} items, {matrix.nnz:,} pairs")
    for factors in options.factors:
        _compare(matrix, factors, options, threads)
    print(
        f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, of all engines together"
    )


def _compare(matrix: csr_matrix, factors: int, options: argparse.Namespace, threads: int) -> None:
    iterations: dict[str, list[Iteration]] = {}
    for _ in range(options.rounds):
        for name, run in contenders(factors, options.iterations, threads, exact=options.exact).items():
            iterations.setdefault(name, []).extend(run(matrix))
    own = float(np.median([seconds for seconds, _ in iterations["native"]]))
    print(f"\nf = {factors}, per iteration:")
    for name, measured in iterations.items():
        seconds = [one for one, _ in measured]
        losses = " ".join(f"{loss:.6f}" for _, loss in measured[: options.iterations])
        print(
            f"  {name:14} {machine.middle(seconds)}  x{float(np.median(seconds)) / own:5.2f}  loss {losses}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--factors", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--data", choices=["synthetic", "gowalla"], default="synthetic")
    parser.add_argument("--share", type=float, default=1.0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
