"""The error tree and the exit codes; imports nothing of ours.

Every expected failure is an :class:`AlsError`: one message that names the file, key, column or row, one hint that
offers a way out, and the exit code that cron and ETL can act on. Anything else that escapes is a bug (exit 1).
"""

from collections.abc import Sequence
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
