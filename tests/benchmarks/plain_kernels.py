"""What the hand-written vector operations of the kernels gain over plain numba loops.

    python tests/benchmarks/plain_kernels.py [--rounds 5]

Each variant is a copy of the package in which the bodies of some functions are plain loops. Copies and the package run
in turns, each in its own process, on synthetic data. Printed are the median ratios of their times.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine

from als_cli.als.threads import available_threads

ROOT = Path(__file__).resolve().parents[2]

LONG_ROWS = {
    "_products_of_four": """
    a, b, c, d = at
    u = v = w = z = np.float32(0.0)
    n = direction.shape[0]
    fa, fb = system.fixed[a : a + n], system.fixed[b : b + n]
    fc, fd = system.fixed[c : c + n], system.fixed[d : d + n]
    for k in range(n):
        p = direction[k]
        u += fa[k] * p
        v += fb[k] * p
        w += fc[k] * p
        z += fd[k] * p
    return u, v, w, z
""",
    "_add_four": """
    a, b, c, d = at
    n = sums.shape[0]
    fa, fb = system.fixed[a : a + n], system.fixed[b : b + n]
    fc, fd = system.fixed[c : c + n], system.fixed[d : d + n]
    u, v, w, z = weights
    for k in range(n):
        sums[k] += u * fa[k] + v * fb[k] + w * fc[k] + z * fd[k]
""",
    "_add_four_and_squares": """
    oa, ob, oc, od = at
    n = vectors.x.shape[0]
    fa, fb = system.fixed[oa : oa + n], system.fixed[ob : ob + n]
    fc, fd = system.fixed[oc : oc + n], system.fixed[od : od + n]
    ra, rb, rc, rd = weights
    wa, wb, wc, wd = square_weights
    residual, inverse = vectors.residual, vectors.inverse
    for k in range(n):
        a, b, c, d = fa[k], fb[k], fc[k], fd[k]
        residual[k] += ra * a + rb * b + rc * c + rd * d
        inverse[k] += wa * a * a + wb * b * b + wc * c * c + wd * d * d
""",
}
DENSE_ROWS = {
    "_add_products": """
    width = system.spectrum.shape[0]
    stride = width | 16
    for j in range(count):
        row = scratch.block[j * stride : j * stride + width]
        for r in range(width):
            scaled = scratch.weights[j] * row[r]
            out = scratch.matrix[r * stride : r * stride + width]
            for c in range(r & ~15, width):
                out[c] += scaled * row[c]
"""
}
CHOLESKY = {
    "factorize": """
    for k in range(size):
        inverse = np.float32(1.0) / np.sqrt(matrix[k * stride + k])
        inverses[k] = inverse
        pivot = matrix[k * stride : k * stride + size]
        for j in range(k, size):
            pivot[j] *= inverse
        for i in range(k + 1, size):
            factor = pivot[i]
            row = matrix[i * stride : i * stride + size]
            for j in range(i, size):
                row[j] -= factor * pivot[j]
        for j in range(k & ~15, k + 1):
            pivot[j] = np.float32(0.0)
"""
}
TOP_N = {
    "_tile": """
    base = panel * size * PANEL
    for i in range(GROUP * PANEL):
        scratch.products[i] = np.float32(0.0)
    for k in range(size):
        y = panels[base + k * PANEL : base + (k + 1) * PANEL]
        for i in range(GROUP):
            w = users[k * GROUP + i]
            products = scratch.products[i * PANEL : (i + 1) * PANEL]
            for lane in range(PANEL):
                products[lane] += w * y[lane]
    for i in range(GROUP):
        bits = 0
        for lane in range(PANEL):
            if not scratch.products[i * PANEL + lane] < scratch.bounds[i]:
                bits |= 1 << lane
        scratch.found[i] = bits
"""
}

TRAINING = """
import synthetic
from als_cli.config.train import TrainConfig
from als_cli.tuning.parameters import recipe_for
matrix = synthetic.movielens_like(share={share})
for factors in {factors}:
    recipe, seconds = recipe_for(matrix, TrainConfig(factors=factors, iterations=3, solver="{solver}"), {threads}), []
    recipe.fit(matrix, lambda iteration: seconds.append(iteration.seconds))
    print(factors, min(seconds[1:]))
"""
RANKING = """
import time
import numpy as np
from als_cli.ranking.native_top_n import item_index, top_n_of
rng = np.random.default_rng(0)
lengths = rng.pareto(1.5, 27_000).astype(np.float32)[:, None] + np.float32(0.2)
for factors in (64, 128):
    users = rng.standard_normal((20_000, factors), dtype=np.float32)
    index = item_index(rng.standard_normal((27_000, factors), dtype=np.float32) * lengths)
    top_n_of(index, users[:300], 20, threads={threads})
    started = time.perf_counter()
    top_n_of(index, users, 20, threads={threads})
    print(factors, time.perf_counter() - started)
"""
LONG = {"share": 0.5, "factors": (64, 128, 256), "solver": "auto"}
EXACT = {"share": 0.25, "factors": (128,), "solver": "exact"}


def plain_copy(folder: Path, bodies: dict[str, dict[str, str]]) -> Path:
    """Return `folder` with a copy of the package in which the functions in `bodies`, by module, have these bodies."""
    shutil.copytree(ROOT / "als_cli", folder / "als_cli", ignore=shutil.ignore_patterns("__pycache__"))
    for module, functions in bodies.items():
        path = folder / "als_cli" / module
        source = path.read_text(encoding="utf-8")
        for name, body in functions.items():
            head = rf'(@\w+\ndef {name}\(.*?\) -> [^\n]*:\n    """.*?"""\n)'
            source, found = re.subn(
                head + r".*?(?=\n\n\n@|\n\n\ndef |\Z)",
                lambda match, body=body: match[1] + body.strip("\n"),
                source,
                flags=re.DOTALL,
            )
            if found != 1:
                raise SystemExit(f"{module}: {found} functions are called {name}")
        path.write_text(source, encoding="utf-8")
    return folder


def seconds_of(package: Path, program: str, cache: Path) -> dict[str, float]:
    """Return the seconds that `program` prints by number of factors, run with the `package`."""
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).resolve().parent),
        "NUMBA_CACHE_DIR": str(cache),
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=package,  # comes before PYTHONPATH
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        factors: float(seconds) for factors, seconds in (line.split() for line in done.stdout.splitlines())
    }


def compare(name: str, bodies: dict[str, dict[str, str]], program: str, rounds: int) -> None:
    """Print how many times as long the plain version takes, the median of `rounds`."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        plain = plain_copy(folder / "plain", bodies)
        ratios: dict[str, list[float]] = {}
        for _ in range(rounds):
            fast, slow = (
                seconds_of(package, program, folder / f"cache-{package.name}") for package in (ROOT, plain)
            )
            for factors, seconds in fast.items():
                ratios.setdefault(factors, []).append(slow[factors] / seconds)
    for factors, found in ratios.items():
        print(
            f"{name}, f = {factors}: {statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    threads = available_threads()
    print(machine.describe(threads), f"load {machine.load_average()}", sep="\n")
    prefetch = _without_prefetch()
    kernels = "als/kernels"
    compare(
        "vectors (long rows)",
        {f"{kernels}/long_rows.py": LONG_ROWS},
        TRAINING.format(**LONG, threads=threads),
        rounds,
    )
    compare(
        "prefetch (long rows)",
        {f"{kernels}/long_rows.py": prefetch},
        TRAINING.format(**LONG, threads=threads),
        rounds,
    )
    exact = {f"{kernels}/dense_rows.py": DENSE_ROWS, f"{kernels}/cholesky.py": CHOLESKY}
    compare("tiles (exact rows)", exact, TRAINING.format(**EXACT, threads=threads), rounds)
    compare("vectors (top-N)", {"ranking/kernel_top_n.py": TOP_N}, RANKING.format(threads=threads), rounds)


def _without_prefetch() -> dict[str, str]:
    """Return the body of `_products_of_four` without its calls of `prefetch`."""
    source = (ROOT / "als_cli/als/kernels/long_rows.py").read_text(encoding="utf-8")
    body = re.search(r'def _products_of_four\(.*?"""\n(.*?)\n\n\n', source, re.DOTALL)
    if body is None:
        raise SystemExit("als/kernels/long_rows.py has no function _products_of_four")
    return {
        "_products_of_four": "".join(line for line in body[1].splitlines(True) if "prefetch(" not in line)
    }


if __name__ == "__main__":
    main()
