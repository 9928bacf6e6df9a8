"""The locks of workspaces and outputs: one writer at a time.

A lock is an `flock` on a hidden file. The kernel releases it when the process ends for any reason, so no stale lock
remains. The file also describes the holder, for the message to other runs.

Lock files are never removed. A run that waits has the file open. If the holder removed the file, the waiting run would
lock a file without a name, and a third run would make a new file and lock that one: two holders of one lock.
"""

import errno
import fcntl
import logging
import os
import shlex
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from als_cli import NOTICE
from als_cli.errors import LockedError, ResourceError, refusals_at
from als_cli.storage.durable import make_folder

log = logging.getLogger(__name__)

LOCK = ".lock"
"""Name of the lock file of a workspace."""
_POLL_SECONDS = 0.1
_LINE_BYTES = 4096
_COMMAND_CHARACTERS = 300
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS)
_LOCAL_LOCKS = {"nolock", "local_lock=all", "local_lock=flock"}
"""Mount options of NFS with which a lock does not reach other machines."""
_MOUNTS = Path("/proc/self/mountinfo")


class Holder(BaseModel):
    """The run that holds a lock: one JSON line in the lock file."""

    model_config = ConfigDict(frozen=True)
    host: str
    pid: int
    started: datetime
    """Time at which the run got the lock."""
    command: str

    def __str__(self) -> str:
        # A lock file of another user may contain control characters.
        host, command = (
            "".join(character if character.isprintable() else "?" for character in text)
            for text in (self.host, self.command)
        )
        return f"process {self.pid} on {host}, started {self.started:%Y-%m-%d %H:%M:%S} UTC: {command}"


@contextmanager
def workspace_lock(workspace: Path, deadline: float | None = None) -> Iterator[None]:
    """Hold the lock of `workspace`. Wait for it until `time.monotonic()` is `deadline`; None: do not wait.

    Raises
    ------
    LockedError
        Another run holds the lock. The message names its host, process, start and command.
    ResourceError
        The workspace cannot be written, or its file system has no locks.
    """
    with _held(workspace / LOCK, workspace, "use another workspace", deadline):
        yield


@contextmanager
def output_lock(target: Path, deadline: float | None = None) -> Iterator[None]:
    """Hold the lock of the folder or file `target`, as :func:`workspace_lock` does for a workspace.

    The lock file is beside `target`. So all paths that lead to the same folder and name use the same lock.
    """
    with _held(target.with_name(f".{target.name}.lock"), target, "write to another path", deadline):
        yield


@contextmanager
def database_lock(file: Path, view: str, deadline: float | None = None) -> Iterator[None]:
    """Hold the lock `file` of `view` in a database, as :func:`workspace_lock` does for a workspace."""
    with _held(file, view, "write to another view", deadline):
        yield


@contextmanager
def _held(path: Path, locked: Path | str, alternative: str, deadline: float | None) -> Iterator[None]:
    with refusals_at(locked):
        descriptor = _acquire(path, locked, alternative, deadline)
    try:
        yield
    finally:
        os.close(descriptor)


def _acquire(path: Path, locked: Path | str, alternative: str, deadline: float | None) -> int:
    """Return the open lock file at `path`, locked by this process."""
    has_announced = False
    while True:
        descriptor = _open(path)
        try:
            is_locked = _lock(descriptor, path)
            if is_locked and _is_at(descriptor, path):
                _write_holder(descriptor)
                return descriptor
            other = f"another run is using {locked} ({_read_holder(descriptor)})"
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if is_locked:
            continue  # the file was removed or replaced after it was opened
        remaining = 0.0 if deadline is None else deadline - time.monotonic()
        if remaining <= 0:
            raise LockedError(other, hint=f"wait until it ends (--wait 10m waits for it), or {alternative}")
        if not has_announced:
            log.log(NOTICE, "waiting: %s", other)
            has_announced = True
        time.sleep(min(_POLL_SECONDS, remaining))


def _open(path: Path) -> int:
    make_folder(path.parent)
    # A link would let another user choose the file that this run truncates. A named pipe would block.
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as refused:
        if refused.errno not in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise
        raise _not_a_lock_file(path) from refused
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_a_lock_file(path)
    return descriptor


def _not_a_lock_file(path: Path) -> ResourceError:
    return ResourceError(
        f"{path} is not a regular file, but als locks a file there", hint="remove it, or choose another path"
    )


def _lock(descriptor: int, path: Path) -> bool:
    """Lock the open file without waiting, and return whether this process holds the lock now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as refused:
        if refused.errno not in _NO_LOCKS:
            raise
        raise _no_locks(path, os.strerror(refused.errno)) from refused
    options = _local_lock_options(os.fstat(descriptor).st_dev, _MOUNTS)
    if options:
        raise _no_locks(path, f"NFS mounted with {options}")
    return True


def _no_locks(path: Path, reason: str) -> ResourceError:
    return ResourceError(
        f"the file system of {path.parent} does not support locks: {reason}",
        hint="use a local disk for the workspace and the output, or mount the file system with locks",
    )


def _local_lock_options(device: int, mounts: Path) -> str:
    """Return the options that keep locks of the NFS mount with number `device` on this machine; empty if there are none.

    Linux lists its mounts in the file `mounts`. Other systems do not have it.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:
        mount, _, source = line.partition(" - ")
        if mount.split()[2:3] != [number]:
            continue
        kind, *_, options = source.split() or [""]
        if kind.startswith("nfs"):
            return ",".join(sorted(_LOCAL_LOCKS & set(options.split(","))))
    return ""


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether the open file still has the name `path`."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _write_holder(descriptor: int) -> None:
    program, *arguments = sys.argv or [""]
    name = Path(program).name
    command = shlex.join(["als" if name == "__main__.py" else name, *arguments])
    if len(command) > _COMMAND_CHARACTERS:
        command = f"{command[:_COMMAND_CHARACTERS]}…"
    holder = Holder(
        host=socket.gethostname(),
        pid=os.getpid(),
        started=datetime.now(UTC).replace(microsecond=0),
        command=command.encode(errors="replace").decode(),  # arguments need not be UTF-8
    )
    line = f"{holder.model_dump_json()}\n".encode()
    # The old text is cut off last, so a reader never finds an empty file.
    os.pwrite(descriptor, line, 0)
    os.ftruncate(descriptor, len(line))


def _read_holder(descriptor: int) -> Holder | str:
    line = os.pread(descriptor, _LINE_BYTES, 0).partition(b"\n")[0]
    try:
        return Holder.model_validate_json(line)
    except ValidationError:
        return "unknown process"
