"""Compilation of kernels, and the cache of their machine code.

The cache is in ``$NUMBA_CACHE_DIR`` if it is set, else in ``$XDG_CACHE_HOME/als-cli`` (``~/.cache/als-cli`` by
default). A read-only installation can therefore write it. The folder's name contains a hash of the kernels' source, the
versions and the CPU, because numba does not notice a change in an inlined function of another file.
"""

import functools
import hashlib
import inspect
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite  # type: ignore[import-untyped]
import numba
from llvmlite import binding
from numba import types

from als_cli import NOTICE
from als_cli.als.kernels.numba_internals import COMPILER_OPTIONS, cache_directory

log = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])


def read_only(dtype: types.Type, dimensions: int = 1) -> types.Array:
    """Return the numba type of a C-contiguous input array, which may be read-only (memory-mapped)."""
    return types.Array(dtype, dimensions, "C", readonly=True)


def writable(dtype: types.Type, dimensions: int = 1) -> types.Array:
    """Return the numba type of a C-contiguous, writable array."""
    return types.Array(dtype, dimensions, "C")


def kernel(result: types.Type, *arguments: types.Type) -> Callable[[Function], Function]:
    """Return a decorator that compiles a function at import, for this signature only. The kernel releases the GIL."""

    def compiled(function: Function) -> Function:
        folder = cache_folder()
        if folder is None or not any(folder.rglob(f"{Path(inspect.getfile(function)).stem}.*.nbi")):
            _announce()
        with cache_directory(folder):
            compile_it = numba.njit(result(*arguments), cache=folder is not None, **COMPILER_OPTIONS)
            return cast("Function", compile_it(function))

    return compiled


def inlined(function: Function) -> Function:
    """Return `function` as a helper that kernels call; it is compiled with each kernel."""
    return cast("Function", numba.njit(**COMPILER_OPTIONS)(function))


def pasted(function: Function) -> Function:
    """Return `function` as a helper that numba inserts into the source of its caller before compilation.

    Use it for helpers that call helpers. An `inlined` helper is optimized by itself and again with every caller, level
    by level, which takes longer to compile.
    """
    return cast("Function", numba.njit(inline="always", **COMPILER_OPTIONS)(function))


@functools.cache
def cache_folder() -> Path | None:
    """Return the cache folder of this machine's kernels, created if missing; None, with a warning, if not writable."""
    folder = _cache_root() / f"kernels-{_fingerprint()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        log.warning(
            "compiled kernels cannot be kept (%s): every run compiles them again; set NUMBA_CACHE_DIR", error
        )
        return None
    return folder


@functools.cache
def _announce() -> None:
    log.log(NOTICE, "compiling the fast kernels for this machine: some seconds, kept for the next runs")


def _cache_root() -> Path:
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return Path(base) / "als-cli"
    try:
        return Path.home() / ".cache" / "als-cli"
    except RuntimeError:  # no home folder, for instance for a service account
        return Path(tempfile.gettempdir()) / "als-cli"


def _fingerprint() -> str:
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[2]
    for source in sorted([*package.glob("als/kernels/*.py"), *package.glob("ranking/kernel_*.py")]):
        digest.update(source.read_bytes())
    cpu = f"{binding.get_host_cpu_name()} {sorted(binding.get_host_cpu_features().items())}"
    digest.update(
        f"{numba.__version__} {llvmlite.__version__} {cpu} {os.environ.get('NUMBA_CPU_NAME')}".encode()
    )
    return digest.hexdigest()[:16]
