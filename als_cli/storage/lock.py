"""The workspace lock: one writer at a time."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from als_cli.errors import LockedError, refusals_at

LOCK = ".lock"


@contextmanager
def workspace_lock(workspace: Path) -> Iterator[None]:
    """Hold the lock of `workspace`. The operating system releases it when the process ends for any reason.

    Raises
    ------
    LockedError
        Another run holds the lock. The message names its process and host.
    """
    with refusals_at(workspace):
        workspace.mkdir(parents=True, exist_ok=True)
        stream = (workspace / LOCK).open("a+", encoding="utf-8")
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "unknown process"
            raise LockedError(
                f"another run is using {workspace} ({holder})",
                hint="wait until it ends, or use another workspace",
            ) from None
        stream.seek(0)
        stream.truncate()
        stream.write(f"process {os.getpid()} on {socket.gethostname()}")
        stream.flush()
        yield
