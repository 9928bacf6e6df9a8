"""The error classes and the exit codes; imports no other module of the package.

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
    """An expected failure: a message, an optional hint, and the single problems if there are several.

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
    """The command line or the config file is not usable (exit code 2)."""

    exit_code = ExitCode.USAGE


class DataError(AlsError):
    """The input data is not usable (exit code 3)."""

    exit_code = ExitCode.DATA


class ArtifactError(AlsError):
    """A dataset, model or other artifact is missing, broken or of another format version (exit code 4)."""

    exit_code = ExitCode.ARTIFACT


class OtherVersionError(ArtifactError):
    """An artifact is complete, but it has another format version (exit code 4)."""


class GateError(AlsError):
    """The quality gate was not met (exit code 5)."""

    exit_code = ExitCode.GATE


class LockedError(AlsError):
    """Another run holds the lock of the workspace (exit code 6)."""

    exit_code = ExitCode.LOCKED


class ResourceError(AlsError):
    """Out of disk, memory or permission (exit code 7)."""

    exit_code = ExitCode.RESOURCE


class TrainingError(DataError):
    """Training gave factors that are not finite (exit code 3)."""


_DISK_FULL = ("no space left on the disk of {where}", "free space and run again; what was published stays")
_NOT_PERMITTED = ("not permitted: {where}", "choose another place or change its permissions")
_IN_THE_WAY = ("cannot create {place}: something is in the way at {where}", "move it, or choose another path")
_OPEN_FILES = ("too many open files at {where}", "raise the limit (ulimit -n), or read fewer files")
_UNUSABLE = ("{system}: {where}", "check the disk and the path")
_REFUSALS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _DISK_FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _NOT_PERMITTED),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOTEMPTY, errno.EBUSY), _IN_THE_WAY),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), _OPEN_FILES),
    **dict.fromkeys((errno.EIO, errno.ENAMETOOLONG, errno.ELOOP), _UNUSABLE),
}
"""Message and hint for each errno value that means disk, memory or permission."""


def refusal_of(error: BaseException, place: object) -> ResourceError | None:
    """Return what a failure at `place` means if the system refused disk, memory or permission, else None.

    Libraries that wrap the system's error keep its number in their text (``os error 28``).
    """
    if isinstance(error, MemoryError):
        hint = "free memory, or lower train.factors or recommend.block_users"
        return ResourceError(f"out of memory at {place}", hint=hint)
    wrapped = re.search(r"\(os error (\d+)\)", str(error))
    number = getattr(error, "errno", None) or (int(wrapped[1]) if wrapped else 0)
    if number not in _REFUSALS:
        return None
    message, hint = _REFUSALS[number]
    where = getattr(error, "filename", None) or place
    return ResourceError(message.format(where=where, place=place, system=os.strerror(number)), hint=hint)


@contextmanager
def refusals_at(place: object) -> Iterator[None]:
    """Turn errors of the operating system while `place` is written into a ResourceError; let other errors pass."""
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
