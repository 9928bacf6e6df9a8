"""als refuses Windows in one line, and needs nothing that only Linux has. Both systems are simulated."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from als_cli.storage import durable, manifest
from tests.shop import write_shop

ROOT = Path(__file__).parents[2]
WINDOWS = """
import signal, sys
import rich.console, typer  # these libraries import other modules on Windows

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource", "grp", "pwd", "termios", "polars"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
for name in ("fcntl", "resource", "termios"):
    sys.modules.pop(name, None)
for name in ("SIGPIPE", "SIGHUP", "SIGQUIT", "SIGKILL"):
    delattr(signal, name)
sys.platform = "win32"
from als_cli.cli import main
main()
"""
NOT_LINUX = """
import builtins, os, pathlib, sys
del os.sched_getaffinity

def without(real):
    def call(path, *arguments, **options):
        if str(path).startswith(("/proc", "/sys")):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return real(path, *arguments, **options)
    return call

for owner, name in ((builtins, "open"), (os, "open"), (os, "stat"), (pathlib.Path, "open"), (pathlib.Path, "read_text")):
    setattr(owner, name, without(getattr(owner, name)))
from als_cli.cli import main
main()
"""


def run(program, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALS_")}
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True, text=True, timeout=120, env=environment | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [(), ("--version",), ("train", "--help"), ("run", "-c", "shop.yaml")])
def test_windows_is_refused_in_one_line(arguments):
    ended = run(WINDOWS, *arguments)
    assert ended.returncode == 7, ended.stderr
    assert ended.stdout == ""
    error, hint = ended.stderr.splitlines()
    assert error.startswith("error: als does not run on Windows")
    assert "WSL" in hint


def test_windows_is_refused_as_json():
    ended = run(WINDOWS, "run", "-c", "shop.yaml", "--json")
    assert ended.returncode == 7
    assert json.loads(ended.stdout)["error"]["kind"] == "resource"


def test_als_runs_without_the_files_and_calls_that_only_linux_has(tmp_path):
    config = write_shop(tmp_path)
    ended = run(NOT_LINUX, "run", "-c", config, "--json")
    assert ended.returncode == 0, ended.stderr
    assert [stage["status"] for stage in json.loads(ended.stdout)["stages"]] == ["done"] * 4
    written = json.loads((tmp_path / "lists.manifest.json").read_bytes())
    assert 50 << 20 < written["peak_memory_bytes"] < 50 << 30


@pytest.mark.parametrize(("system", "unit"), [("darwin", 1), ("linux", 1024)])
def test_peak_memory_is_in_bytes(monkeypatch, system, unit):
    def missing(path, **_options):
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(manifest.sys, "platform", system)
    monkeypatch.setattr(resource, "getrusage", lambda _who: resource.struct_rusage((0, 0, 123, *[0] * 13)))
    assert manifest.peak_memory_bytes() == 123 * unit


def test_a_disk_without_the_full_sync_of_macos_is_synced_all_the_same(monkeypatch, tmp_path):
    synced = []
    monkeypatch.setattr(durable, "_FULL_SYNC", -1)  # no command of fcntl: fails with EINVAL
    monkeypatch.setattr(os, "fsync", synced.append)
    durable.sync_folder(tmp_path)
    assert len(synced) == 1
