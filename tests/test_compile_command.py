"""`als compile` fills the cache of kernels, as an image does for the machines that run it."""

import os
import subprocess
import sys

KERNELS = 9


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    ended = als("compile", NUMBA_CACHE_DIR=str(tmp_path / "file"))
    assert ended.returncode == 7
    assert "cannot be kept" in ended.stderr
    assert "NUMBA_CACHE_DIR" in ended.stderr


def als(*arguments, **environment):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return subprocess.run(
        [sys.executable, "-m", "als_cli", *map(str, arguments)],
        env=variables | environment, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip


def test_all_kernels_are_compiled_for_a_family_of_cpus(tmp_path):
    family = {
        "NUMBA_CPU_NAME": "x86-64-v2" if sys.platform == "linux" else "generic",
        "NUMBA_CPU_FEATURES": "",
    }
    family["NUMBA_CACHE_DIR"] = str(tmp_path)
    missing = als("compile", "--check", **family)
    assert missing.returncode == 7
    assert "is not compiled for this machine" in missing.stderr
    assert not list(tmp_path.iterdir())
    assert als("compile", **family).returncode == 0
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == KERNELS
    assert als("compile", "--check", **family).returncode == 0
    assert als("compile", "--check", NUMBA_CACHE_DIR=str(tmp_path)).returncode == 7, (
        "this CPU has its own code"
    )
