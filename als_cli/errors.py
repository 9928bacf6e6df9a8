"""The error tree and the exit codes; imports nothing of ours.

Every expected failure is an :class:`AlsError`: one message that names the file, key, column or row, one hint that
offers a way out, and the exit code that cron and ETL can act on. Anything else that escapes is a bug (exit 1).
"""

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum


class ExitCode(IntEnum):
    """The documented exit codes of every command."""

    DONE = 0
    BUG = 1
    USAGE = 2
    DATA = 3
    ARTIFACT = 4
    GATE = 5
    LOCKED = 6
    RESOURCE = 7
    INTERRUPTED = 130
    TERMINATED = 143


class AlsError(Exception):
    """An expected failure with a message, an optional hint and several problems where there are several.

    Parameters
    ----------
    message
        What is wrong, naming file, key, column or row; starts in lower case, no final stop.
    hint
        What to do about it; names real flags and keys.
    problems
        All problems at once, where the message sums up more than one (config mistakes, data checks).
    """

    exit_code = ExitCode.BUG

    def __init__(self, message: str, *, hint: str | None = None, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)


class ConfigError(AlsError):
    """The command line or the config file cannot be used as it stands (exit 2)."""

    exit_code = ExitCode.USAGE


class DataError(AlsError):
    """The input data cannot be used as it stands (exit 3)."""

    exit_code = ExitCode.DATA


class ArtifactError(AlsError):
    """A dataset, model or other artifact is missing, broken or of another format version (exit 4)."""

    exit_code = ExitCode.ARTIFACT


class GateError(AlsError):
    """The quality gate was not met (exit 5)."""

    exit_code = ExitCode.GATE


class LockedError(AlsError):
    """Another run holds the lock of the workspace (exit 6)."""

    exit_code = ExitCode.LOCKED


class ResourceError(AlsError):
    """Out of disk, memory or permission (exit 7)."""

    exit_code = ExitCode.RESOURCE


class TrainingError(DataError):
    """Training gave factors that are not finite (exit 3)."""


def refusal_of(error: BaseException, place: object) -> ResourceError | None:
    """Return what a failure at `place` means if the system refused disk, memory or permission, else None.

    Libraries that wrap the system's error keep its number in their text (``os error 28``).
    """
    if isinstance(error, MemoryError):
        hint = "free memory, or lower train.factors or recommend.block_users"
        return ResourceError(f"out of memory at {place}", hint=hint)
    wrapped = re.search(r"\(os error (\d+)\)", str(error))
    number = getattr(error, "errno", None) or (int(wrapped[1]) if wrapped else None)
    where = getattr(error, "filename", None) or place
    if number in (errno.ENOSPC, errno.EDQUOT):
        return ResourceError(
            f"no space left on the disk of {where}", hint="free space and run again; what was published stays"
        )
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ResourceError(f"not permitted: {where}", hint="choose another place or change its permissions")
    if number in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return ResourceError(
            f"cannot create {place}: something is in the way at {where}",
            hint="move it, or choose another path",
        )
    if number in (errno.EIO, errno.ENAMETOOLONG, errno.ELOOP):
        return ResourceError(f"{os.strerror(number)}: {where}", hint="check the disk and the path")
    if number in (errno.EMFILE, errno.ENFILE):
        return ResourceError(
            f"too many open files at {where}", hint="raise the limit (ulimit -n), or read fewer files"
        )
    return None


@contextmanager
def refusals_at(place: object) -> Iterator[None]:
    """Turn the system's refusals while `place` is written into a ResourceError; all else passes through."""
    try:
        yield
    except AlsError:
        raise
    except FileNotFoundError as refused:
        message = f"cannot create {place}: there is no {refused.filename or 'such folder'}"
        raise ResourceError(message, hint="choose another place") from refused
    except Exception as failure:
        refusal = refusal_of(failure, place)
        if refusal is None:
            raise
        raise refusal from failure
