"""The command `als`, run in the process of the tests. This takes a tenth of the time of a new process."""

import contextlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from als_cli.cli import main

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def als_here(
    *arguments: object, cwd: Path | None = None, stdin: str = "", at_terminal: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the command `als` in this process, and return it like a finished process.

    With `at_terminal`, its output is the text that a terminal without colours shows, all of it in stdout.

    Use it where a test checks files, reports, messages and exit codes. Use `tests.shop.als`, which starts a process, for
    start-up, threads, signals, memory and file descriptors.
    """
    command = ["als", *map(str, arguments)]
    with _streams(stdin, at_terminal) as (stdout, stderr), _own_state(), contextlib.chdir(cwd or "."):
        sys.argv = command
        with pytest.raises(SystemExit) as ended:
            main()
    return subprocess.CompletedProcess(command, int(ended.value.code or 0), _text(stdout), _text(stderr))


def done(*arguments: object) -> dict[str, Any]:
    """Run the command `als` with ``--json``, and return its report. The exit code must be 0."""
    return _document(0, *arguments)


def failed(code: int, *arguments: object) -> dict[str, Any]:
    """Run the command `als` with ``--json``, and return its error. The exit code must be `code`."""
    return _document(code, *arguments)["error"]


def _document(code: int, *arguments: object) -> dict[str, Any]:
    ended = als_here(*arguments, "--json")
    assert ended.returncode == code, ended.stderr
    return json.loads(ended.stdout)


@contextlib.contextmanager
def _streams(stdin: str, at_terminal: bool) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    """Replace the standard streams by streams in memory. Yield stdout and stderr, or a terminal and an empty stream."""
    replaced = sys.stdin, sys.stdout, sys.stderr
    streams = [io.TextIOWrapper(io.BytesIO(text), encoding="utf-8") for text in (stdin.encode(), b"", b"")]
    sys.stdin, stdout, stderr = streams
    sys.stdout, sys.stderr = stdout, stderr
    if at_terminal:
        stdout = sys.stdout = sys.stderr = _Terminal(io.BytesIO(), encoding="utf-8")
    try:
        yield stdout, stderr
    finally:
        sys.stdin, sys.stdout, sys.stderr = replaced


@contextlib.contextmanager
def _own_state() -> Iterator[None]:
    """Run the block without `ALS_` variables. Then restore the state that a command changes in its process."""
    logger = logging.getLogger("als_cli")
    level, propagate, handlers = logger.level, logger.propagate, logger.handlers
    environment, arguments = dict(os.environ), sys.argv
    handlers_of_signals = {number: signal.getsignal(number) for number in SIGNALS}
    logger.handlers = []
    for name in environment:
        if name.startswith("ALS_"):
            del os.environ[name]
    os.environ.setdefault("COLUMNS", "80")  # not the width of the terminal that runs the tests
    try:
        with warnings.catch_warnings():  # restores warnings.showwarning
            yield
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.setLevel(level)
        logger.propagate, logger.handlers = propagate, handlers
        for number, on_signal in handlers_of_signals.items():
            signal.signal(number, on_signal)
        sys.argv = arguments
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ |= {name: value for name, value in environment.items() if name not in os.environ}


class _Terminal(io.TextIOWrapper):
    """A stream in memory that is a terminal for the command."""

    def isatty(self) -> bool:
        return True


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
