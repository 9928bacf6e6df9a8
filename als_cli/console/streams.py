"""The standard streams: closed ones, full ones, and readers that have left."""

import os
import sys
from contextlib import suppress

_NAMES = ("stdin", "stdout", "stderr")
_MINIMUM_COLUMNS = 20


def open_closed_streams() -> None:
    """Give each standard stream that the caller has closed a descriptor, so that no other file gets its number.

    stdin cannot be read and stdout cannot be written: both fail with EBADF when they are used. stderr is discarded.
    """
    for number, name in enumerate(_NAMES):
        try:
            os.fstat(number)
        except OSError:
            _open(number, name)


def ignore_narrow_columns() -> None:
    """Remove the variable COLUMNS if no table fits into so few columns. The width is then that of the terminal, or 80."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) < _MINIMUM_COLUMNS:
        del os.environ["COLUMNS"]


def write_error_line(text: str) -> None:
    """Write a line on stderr. A stderr that is full or closed does not change the outcome of a command."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def forget_stdout() -> None:
    """Discard all that is written to stdout from now on.

    Without this, the interpreter reports an error when it flushes at exit a stdout that is full or has no reader.
    """
    with suppress(OSError, ValueError):
        number = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def _open(number: int, name: str) -> None:
    wrong_way = {"stdin": os.O_WRONLY, "stdout": os.O_RDONLY, "stderr": os.O_WRONLY}[name]
    descriptor = os.open(os.devnull, wrong_way)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)
    mode = "r" if name == "stdin" else "w"
    setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))
