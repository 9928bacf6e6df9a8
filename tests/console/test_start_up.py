"""The entry point starts fast, and leaves libraries as they are."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def printed(program):
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


def test_scipy_is_imported_without_unused_modules_of_numpy():
    found = printed("""
import sys
from als_cli.console.start_up import import_scipy, start_fast
start_fast()
import_scipy()
print("scipy.sparse" in sys.modules, *(f"numpy.{name}" in sys.modules for name in ("f2py", "testing", "ma")))
""")
    assert found == ["True", "False", "False", "False"]


def test_the_modules_of_numpy_can_be_used_afterwards():
    found = printed("""
import numpy as np
from als_cli.console import start_up
start_up.start_fast()
start_up.import_scipy()
for name in start_up._UNUSED:
    assert name in dir(np) or name == "core", name
    assert getattr(np, name).__name__ == f"numpy.{name}", name
np.testing.assert_array_equal(np.ma.array([1, 2], mask=[0, 1]).filled(0), [1, 0])
from scipy.sparse import csr_matrix
from scipy.stats import norm
print(csr_matrix([[0, 2]]).sum(), norm.cdf(0))
""")
    assert found == ["2", "0.5"]


def test_a_library_user_gets_numpy_and_scipy_unchanged():
    found = printed("""
import sys
from als_cli.console.start_up import import_scipy
import_scipy()
print("scipy" in sys.modules)
""")
    assert found == ["False"]


def test_the_garbage_collector_is_on_after_the_imports():
    found = printed("""
import gc
from als_cli.console.start_up import collect_garbage, start_fast
start_fast()
print(gc.isenabled())
collect_garbage()
print(gc.isenabled(), gc.get_freeze_count() > 0)
""")
    assert found == ["False", "True", "True"]
