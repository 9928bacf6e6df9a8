"""Compiled kernels are cached in a folder of the user. Training also works without a cache."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numba
import numpy as np
import pytest

from als_cli.als.kernels.compiling import compiled
from als_cli.als.kernels.machine_code import _root as cache_root
from als_cli.als.kernels.signatures import INT
from tests.ranking.native_lists import native_top_n

PROGRAM = """
import logging, sys
logging.basicConfig(level=logging.INFO, format="%(message)s")
import numpy as np
from scipy.sparse import csr_matrix
from als_cli.als.engine import AlsSettings
from als_cli.als.native import NativeEngine
settings = AlsSettings(4, 1.0, 1, False, 0, 1)
print(NativeEngine().fold_in(np.ones((3, 4), np.float32), csr_matrix(np.eye(3, dtype=np.float32)), settings).sum())
print("numba" in sys.modules)
"""


def run(folder, **environment) -> tuple[list[str], str]:
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "ALS_"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=variables | {"XDG_CACHE_HOME": str(folder), **environment},
        capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip
    return done.stdout.splitlines(), done.stderr


def machine_code(folder) -> dict[Path, int]:
    """Return the files of compiled kernels below `folder`, with their modification times."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_kernels_are_compiled_once_with_a_log_message(tmp_path):
    missing = tmp_path / "not" / "there"
    first, said = run(missing)
    assert "compiling the fast kernels" in said
    assert first[1] == "True"
    kept = machine_code(missing / "als-cli")
    assert [path.name for path in kept] == ["als_cli.als.kernels.short_rows.solve_short_rows"]
    second, said = run(missing)
    assert said == ""
    assert second == [first[0], "False"], "a compiled kernel must not need numba"
    assert machine_code(missing) == kept
    _, said = run(missing, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert "compiling the fast kernels" in said, "another CPU must not run these"


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_damaged_machine_code_is_compiled_again(tmp_path, damage):
    # Without the check, the changed code would run.
    first, _ = run(tmp_path)
    (path,) = machine_code(tmp_path)
    content = path.read_bytes()
    middle = len(content) // 2
    changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    path.write_bytes({"cut": content[:-100], "changed": changed, "empty": b""}[damage])
    second, said = run(tmp_path)
    assert "compiling the fast kernels" in said
    assert second == first
    assert run(tmp_path) == ([first[0], "False"], "")


@pytest.mark.skipif(sys.platform == "win32", reason="/proc is where nobody can write")
def test_training_works_without_a_cache():
    lines, said = run("/proc/nowhere")
    assert "cannot be kept" in said
    assert float(lines[0]) > 0


def test_the_cache_of_a_user_without_home_is_in_a_folder_of_this_user(tmp_path, monkeypatch):
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    folder = cache_root()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        cache_root()


def homeless():
    raise RuntimeError("no home")


def test_kernels_count_no_references(monkeypatch):
    # Counts cost two atomic operations per view of an array, half of a kernel's time. So kernels may not allocate.
    def allocate(size: int) -> None:
        np.empty(size, np.float32)[0] = 1.0

    monkeypatch.setattr(sys.modules[__name__], "allocate", allocate, raising=False)
    with pytest.raises(numba.core.errors.NumbaError):
        compiled(__name__, "allocate", [INT])


def test_kernels_keep_no_reference_to_their_arguments():
    # Kernels must not change the reference counts of their arguments.
    users, items = np.ones((300, 16), np.float32), np.ones((50, 16), np.float32)
    before = sys.getrefcount(users), sys.getrefcount(items)
    for _ in range(3):
        assert native_top_n(users, items, 4).filled.all()
    assert (sys.getrefcount(users), sys.getrefcount(items)) == before
