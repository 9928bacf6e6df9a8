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
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
"""Control characters, separators of lines, and overrides of the direction of text."""


def one_line(text: str) -> str:
    """Return `text` with escapes instead of control characters: a name in a file or a path may contain them."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return `number` and `noun` for a message: 1 row, 2,000 rows. `plural` is for nouns that do not end with an s then."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


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
        self.message = one_line(message)
        self.hint = None if hint is None else one_line(hint)
        self.problems = tuple(map(one_line, problems))


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
    """Another run holds the lock of the workspace or of the output (exit code 6)."""

    exit_code = ExitCode.LOCKED


class ResourceError(AlsError):
    """Out of disk, memory or permission, or a database cannot be used (exit code 7)."""

    exit_code = ExitCode.RESOURCE


class TrainingError(DataError):
    """Training gave factors that are not finite (exit code 3)."""


_DISK_FULL = ("no space left on the disk of {where}", "free space and run again; what was published stays")
_NOT_PERMITTED = ("not permitted: {where}", "choose another place or change its permissions")
_IN_THE_WAY = ("cannot create {place}: something is in the way at {where}", "move it, or choose another path")
_OPEN_FILES = ("too many open files at {where}", "raise the limit (ulimit -n), or read fewer files")
_TOO_LARGE = ("a file at {where} is larger than this process may write", "raise the limit (ulimit -f)")
_NO_MEMORY = ("out of memory at {place}", "free memory, raise its limit (ulimit -v), or lower --threads")
_UNUSABLE = ("{system}: {where}", "check the disk and the path")
_REFUSALS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _DISK_FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _NOT_PERMITTED),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOTEMPTY, errno.EBUSY), _IN_THE_WAY),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), _OPEN_FILES),
    errno.ENOMEM: _NO_MEMORY,
    errno.EFBIG: _TOO_LARGE,
    **dict.fromkeys((errno.EIO, errno.ENAMETOOLONG, errno.ELOOP), _UNUSABLE),
}
"""Message and hint for each errno value that means disk, memory or permission."""
_MEMORY_WORDS = re.compile(
    r"failed to map segment|cannot allocate memory|can't start new thread|failed to launch worker thread"
    r"|could not find/load shared object file 'libllvmlite",
    re.IGNORECASE,
)
"""Messages of libraries that could not be loaded, or could not start a thread, within the limit of the memory."""


def refusal_of(error: BaseException, place: object) -> ResourceError | None:
    """Return what a failure at `place` means if the system refused disk, memory or permission, else None.

    Libraries that wrap the system's error keep its number in their text (``os error 28``).
    """
    if isinstance(error, MemoryError) or _MEMORY_WORDS.search(str(error)):
        hint = "free memory, raise its limit (ulimit -v), or lower train.factors or recommend.block_users"
        return ResourceError(f"out of memory at {place}", hint=hint)
    wrapped = re.search(r"\(os error (\d+)\)", str(error))
    number = getattr(error, "errno", None) or (int(wrapped[1]) if wrapped else 0)
    if number not in _REFUSALS:
        return None
    message, hint = _REFUSALS[number]
    # A rename or a link has two names. The second one is the new name.
    where = getattr(error, "filename2", None) or getattr(error, "filename", None) or place
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
        refusal = refusal_of(failure, place) or _failed_write_of(failure, place)
        if refusal is None:
            raise
        raise refusal from failure


def _failed_write_of(failure: BaseException, place: object) -> ResourceError | None:
    """Return what a failure of polars to write Parquet means. Its message does not have the number of the error."""
    if "Invalid thrift: transport error" not in str(failure):
        return None
    hint = "free space or check the disk, and run again; what was published stays"
    return ResourceError(f"a file at {place} cannot be written: the disk is full or broken", hint=hint)


@contextmanager
def streaming(name: str) -> Iterator[None]:
    """Turn errors of the operating system while the stream `name` is used into a ResourceError; let other errors pass.

    A reader that has closed its pipe (BrokenPipeError) is no error of this kind.
    """
    try:
        yield
    except OSError as failure:
        if failure.filename is not None or failure.errno not in (errno.EBADF, *_REFUSALS):
            raise
        said = "it is closed" if failure.errno == errno.EBADF else os.strerror(failure.errno)
        message = f"{name} cannot be used: {said}"
        raise ResourceError(message, hint="redirect it to another file or pipe") from failure
