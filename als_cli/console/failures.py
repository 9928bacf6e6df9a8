"""Failures of a command: each gives one message and a documented exit code."""

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from als_cli.console.folding import fold
from als_cli.console.logs import ROOT, JsonFormatter
from als_cli.errors import AlsError, ExitCode, refusal_of

log = logging.getLogger(__name__)

_BROKEN_PIPE = 128 + signal.SIGPIPE


class Terminated(BaseException):
    """SIGTERM was received. As an exception, it lets the stages remove their staging folders."""


@dataclass(frozen=True)
class _Ending:
    """The exit code of a failure, and its message."""

    code: ExitCode
    message: str
    hint: str | None = None
    problems: tuple[str, ...] = ()
    is_error: bool = True
    """False if a signal ended the command."""

    def fields(self) -> dict[str, Any]:
        """Return the JSON fields that follow the message."""
        return {"hint": self.hint, "problems": list(self.problems), "exit_code": int(self.code)}

    def document(self) -> str:
        """Return the JSON object for stdout with ``--json``."""
        head = {"kind": self.code.name.lower(), "exit_code": int(self.code), "message": self.message}
        return json.dumps({"error": head | self.fields()}, indent=2)


@contextmanager
def exit_codes(*, verbose: bool = False, as_json: bool = False) -> Iterator[None]:
    """Run the block. If it fails, print one message on stderr and exit with the documented exit code.

    With `as_json`, the message is also printed on stdout, as a JSON object.
    """
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    except AlsError as expected:
        raise _end(_expected_ending(expected), as_json=as_json) from None
    except (KeyboardInterrupt, Terminated) as stop:
        code = ExitCode.TERMINATED if isinstance(stop, Terminated) else ExitCode.INTERRUPTED
        ending = _Ending(code, f"{code.name.lower()}; unfinished work was removed", is_error=False)
        raise _end(ending, as_json=as_json) from None
    except BrokenPipeError:
        _forget_stdout()
        raise SystemExit(_BROKEN_PIPE) from None
    except Exception as failure:  # every other failure is a bug, unless the system refused a resource
        refusal = refusal_of(failure, "the workspace")
        ending = _bug_ending(failure) if refusal is None else _expected_ending(refusal)
        left = _end(ending, as_json=as_json)
        if refusal is None:
            level = logging.ERROR if verbose else logging.INFO
            log.log(level, "unexpected %s", type(failure).__name__, exc_info=failure)
        raise left from None


def _expected_ending(error: AlsError) -> _Ending:
    return _Ending(ExitCode(error.exit_code), error.message, error.hint, error.problems)


def _bug_ending(bug: BaseException) -> _Ending:
    hint = "this is a bug in als-cli; run again with -v for the traceback and report it"
    return _Ending(ExitCode.BUG, f"unexpected {type(bug).__name__}: {bug}", hint)


def _raise_terminated(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _end(ending: _Ending, *, as_json: bool) -> SystemExit:
    """Print `ending` on stderr and, with `as_json`, on stdout. Return the exit of the process."""
    _say(ending)
    if as_json:
        _write_document(ending.document())
    return SystemExit(int(ending.code))


def _say(ending: _Ending) -> None:
    if _logs_json():
        log.error(ending.message, extra={"fields": ending.fields()})
        return
    _line(f"error: {ending.message}" if ending.is_error else ending.message)
    for problem in ending.problems:
        _line(f"  - {problem}")
    if ending.hint:
        _line(f"hint: {ending.hint}")
    _log_to_files(" ".join([ending.message, *ending.problems]))


def _write_document(document: str) -> None:
    if sys.stdout is None:  # closed by the caller
        return
    try:
        sys.stdout.write(document + "\n")
        sys.stdout.flush()
    except OSError:
        _forget_stdout()  # the message is on stderr; the exit code does not change


def _line(text: str) -> None:
    sys.stderr.write(fold(text) + "\n")
    sys.stderr.flush()


def _logs_json() -> bool:
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger(ROOT).handlers)


def _log_to_files(text: str) -> None:
    for handler in logging.getLogger(ROOT).handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(logging.LogRecord(ROOT, logging.ERROR, "", 0, text, None, None))


def _forget_stdout() -> None:
    # The reader of stdout has closed it. Without this, the interpreter reports an error when it flushes stdout at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
