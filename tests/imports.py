"""The modules that a command imports and the kernels that it loads, each with the thread, recorded in a new process."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_PROGRAM = """
import atexit, json, sys, threading

threads, kernels = {}, {}

def on_event(event, arguments):
    name = str(arguments[0]).rpartition("/") if event == "open" else ("", "", "")
    if "/kernels-" in name[0] and name[2].startswith("als_cli."):
        kernels.setdefault(name[2], threading.current_thread().name)

class Recorder:
    def find_spec(self, name, path=None, target=None):
        threads.setdefault(name, threading.current_thread().name)

def write(target):
    with open(target, "w") as stream:
        json.dump({name: thread for name, thread in threads.items() if name in sys.modules} | kernels, stream)

atexit.register(write, sys.argv.pop(1))  # runs after all threads have ended
sys.addaudithook(on_event)
sys.meta_path.insert(0, Recorder())
from als_cli.cli import main
main()
"""


def imports_of(*arguments: object, **environment: str) -> dict[str, str]:
    """Return the modules that `als` with these arguments imported and the kernels that it opened, each with the thread."""
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
