"""The modules that a command imports and the importing threads, recorded in a new process."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_PROGRAM = """
import atexit, json, sys, threading

threads = {}

class Recorder:
    def find_spec(self, name, path=None, target=None):
        threads.setdefault(name, threading.current_thread().name)

def write(target):
    with open(target, "w") as stream:
        json.dump({name: thread for name, thread in threads.items() if name in sys.modules}, stream)

atexit.register(write, sys.argv.pop(1))  # runs after all threads have ended
sys.meta_path.insert(0, Recorder())
from als_cli.cli import main
main()
"""


def imports_of(*arguments: object, **environment: str) -> dict[str, str]:
    """Return the modules that `als` with these arguments imported, each with the name of the importing thread."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("ALS_")}
    variables |= {"PYTHONPATH": str(Path(__file__).parents[1])} | environment
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder, "imports.json")
        ended = subprocess.run(
            [sys.executable, "-c", _PROGRAM, found, *map(str, arguments)],
            capture_output=True, text=True, timeout=120, check=False, env=variables,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return json.loads(found.read_text())
