"""The locks that each command holds while its stage runs."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from als_cli.config.root import Config
from als_cli.storage.databases.address import address_of
from als_cli.storage.lock import database_lock, output_lock, workspace_lock
from als_cli.storage.sinks.target import target_of

_ONLY_READS_THE_WORKSPACE = ("recommend", "embeddings", "similar", "audience", "report")
"""Commands without the lock of the workspace. They read versions that are published, as `show` does."""


_WRITE_LISTS = ("recommend", "run", "rollback", "similar", "audience")
"""Commands that publish lists at `recommend.output`."""


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
        database = _database_of(command, config)
        if database is not None:
            locks.enter_context(database_lock(*database, deadline))
        yield


def _output_of(command: str, config: Config) -> Path | None:
    """Return the folder or file outside the workspace that `command` writes; None if it writes none, or to stdout."""
    if command == "tune":
        return None if config.tune.output is None else Path(config.tune.output)
    if command == "embeddings":
        return Path(config.embeddings.path)
    if command not in _WRITE_LISTS:
        return None
    target = target_of(config.recommend.output)
    return None if target.kind in ("stdout", "database") else Path(target.path)


def _database_of(command: str, config: Config) -> tuple[Path, str] | None:
    """Return the lock file and the name of the view that `command` writes to; None if it writes no database.

    The lock file is beside the file of the database, or in the workspace for a database without a file.
    """
    database = config.recommend.output.database
    if database is None or command not in _WRITE_LISTS:
        return None
    address, shown = address_of(database), target_of(config.recommend.output).path
    if address.file is not None:
        return address.file.with_name(f".{address.file.name}.{database.table}.lock"), shown
    name = hashlib.sha256(f"{address.shown} {database.table}".encode()).hexdigest()[:12]
    return Path(config.workspace) / f".database-{name}.lock", shown
