"""The locks that each command holds while its stage runs."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from als_cli.config.root import Config
from als_cli.storage.lock import output_lock, workspace_lock
from als_cli.storage.sinks.target import target_of

_ONLY_READS_THE_WORKSPACE = ("recommend",)
"""Commands without the lock of the workspace. They read versions that are published, as `show` does."""


@contextmanager
def run_locks(command: str, config: Config, wait: timedelta = timedelta(0)) -> Iterator[None]:
    """Hold the locks of `command`: the workspace that it writes to, and its output. Wait for them for `wait` in all.

    Raises
    ------
    LockedError
        Another run still holds a lock.
    ResourceError
        A lock file cannot be written, or its file system has no locks.
    """
    deadline = time.monotonic() + wait.total_seconds()
    output = _output_of(command, config)
    with ExitStack() as locks:
        # The order is the same for all runs. So two runs never wait for each other.
        if command not in _ONLY_READS_THE_WORKSPACE:
            locks.enter_context(workspace_lock(Path(config.workspace), deadline))
        if output is not None:
            locks.enter_context(output_lock(output, deadline))
        yield


def _output_of(command: str, config: Config) -> Path | None:
    """Return the folder or file outside the workspace that `command` writes; None if it writes none, or to stdout."""
    if command == "tune":
        return None if config.tune.output is None else Path(config.tune.output)
    if command not in ("recommend", "run", "rollback"):
        return None
    target = target_of(config.recommend.output)
    return None if target.kind == "stdout" else Path(target.path)
