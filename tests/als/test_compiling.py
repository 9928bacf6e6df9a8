"""Compiled kernels are cached in a folder of the user. Training also works without a cache."""

import os
import subprocess
import sys

import numba
import numpy as np
import pytest
from numba import types

from als_cli.als.kernels.compiling import kernel
from tests.ranking.native_lists import native_top_n

PROGRAM = """
import logging, sys
logging.basicConfig(level=logging.INFO, format="%(message)s")
from als_cli.als.kernels import compiling
from als_cli.als.kernels import short_rows
print(compiling.cache_folder())
import numpy as np
from scipy.sparse import csr_matrix
from als_cli.als.engine import AlsSettings
from als_cli.als.native import NativeEngine
settings = AlsSettings(4, 1.0, 1, False, 0, 1)
print(NativeEngine().fold_in(np.ones((3, 4), np.float32), csr_matrix(np.eye(3, dtype=np.float32)), settings).sum())
"""


def run(folder, **environment) -> tuple[list[str], str]:
    variables = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=variables | {"XDG_CACHE_HOME": str(folder), **environment},
        capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip
    return done.stdout.splitlines(), done.stderr


def machine_code(folder) -> dict[str, int]:
    """Return the files of compiled kernels below `folder`, with their modification times."""
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*.nb[ci]")}


def test_kernels_are_compiled_once_with_a_log_message(tmp_path):
    missing = tmp_path / "not" / "there"
    first, said = run(missing)
    assert "compiling the fast kernels" in said
    assert first[0].startswith(str(missing / "als-cli"))
    kept = machine_code(missing)
    assert kept
    second, said = run(missing)
    assert "compiling" not in said
    assert machine_code(missing) == kept
    assert second == first
    _, said = run(missing, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert "compiling the fast kernels" in said, "another CPU must not run these"


@pytest.mark.skipif(sys.platform == "win32", reason="/proc is where nobody can write")
def test_training_works_without_a_cache():
    lines, said = run("/proc/nowhere")
    assert "cannot be kept" in said
    assert lines[0] == "None"
    assert float(lines[1]) > 0


def test_kernels_count_no_references():
    # Counts cost two atomic operations per view of an array, half of a kernel's time. So kernels may not allocate.
    def allocate(size: int) -> float:
        return np.empty(size, np.float32)[0]

    with pytest.raises(numba.core.errors.NumbaError):
        kernel(types.float32, types.intp)(allocate)(3)


def test_kernels_keep_no_reference_to_their_arguments():
    # Kernels must not change the reference counts of their arguments.
    users, items = np.ones((300, 16), np.float32), np.ones((50, 16), np.float32)
    before = sys.getrefcount(users), sys.getrefcount(items)
    for _ in range(3):
        assert native_top_n(users, items, 4).filled.all()
    assert (sys.getrefcount(users), sys.getrefcount(items)) == before
