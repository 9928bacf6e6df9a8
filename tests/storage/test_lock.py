"""One writer per workspace. A killed process does not hold the lock."""

import os
import signal
import subprocess
import sys

import pytest

from als_cli.errors import LockedError
from als_cli.storage.lock import workspace_lock

HOLDER = """
import sys, time
from pathlib import Path
from als_cli.storage.lock import workspace_lock
with workspace_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_fails_and_the_message_names_the_holder(holder, tmp_path):
    with pytest.raises(LockedError, match=rf"another run is using .* \(process {holder.pid} on "):
        workspace_lock(tmp_path).__enter__()


def test_a_killed_holder_leaves_no_lock(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with workspace_lock(tmp_path):
        pass


def test_the_lock_can_be_taken_again_after_its_release(tmp_path):
    for _ in range(2):
        with workspace_lock(tmp_path / "new"):
            pass
