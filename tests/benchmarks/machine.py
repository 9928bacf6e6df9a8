"""Description of the machine for the output of benchmarks, time measurement, and the matrix-product rate."""

import importlib.metadata
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

PACKAGES = ("numpy", "scipy", "numba", "implicit", "irspack", "polars", "pandas")


def describe(threads: int) -> str:
    """Return processor, threads and versions of the packages, in two lines."""
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return f"{_cpu()}, {threads} threads, Python {platform.python_version()}\n{versions}"


def sgemm_rate(threads: int, size: int = 2048) -> float:
    """Return the best float32 matrix-product rate of `threads` BLAS threads, in GFLOP/s."""
    a = np.ones((size, size), np.float32)
    b, out = a.copy(), np.empty_like(a)
    with threadpool_limits(threads, "blas"):
        return 2 * size**3 / min(seconds_of(lambda: np.matmul(a, b, out=out)) for _ in range(8)) / 1e9


def seconds_of(work: Callable[[], object]) -> float:
    """Return the wall time of one call of `work`, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def middle(values: list[float]) -> str:
    """Return median, minimum and maximum of `values` in seconds, as text."""
    return f"{statistics.median(values):6.2f} s ({min(values):.2f}-{max(values):.2f})"


def load_average() -> str:
    """Return the one-minute load average, or `unknown` where the system has none."""
    path = Path("/proc/loadavg")
    return path.read_text().split()[0] if path.exists() else "unknown"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        names = [
            line.split(":")[1].strip()
            for line in path.read_text().splitlines()
            if line.startswith("model name")
        ]
        return names[0] if names else platform.processor()
    return platform.processor()
