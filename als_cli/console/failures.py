"""Failures of a command: each gives one message and a documented exit code."""

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from als_cli.console.folding import fold
from als_cli.console.logs import ROOT, JsonFormatter
from als_cli.errors import AlsError, ExitCode, refusal_of

log = logging.getLogger(__name__)

_BROKEN_PIPE = 141
"""128 + SIGPIPE. Windows, which als refuses after this import, does not have the signal."""


class Terminated(BaseException):
    """SIGTERM was received. As an exception, it lets the stages remove their staging folders."""


@contextmanager
def exit_codes(*, verbose: bool = False, as_json: bool = False) -> Iterator[None]:
    """Run the block. If it fails, print one message on stderr and exit with the documented exit code.

    With `as_json`, the message is also printed on stdout, as a JSON object.
    """
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    except AlsError as expected:
        raise _end(expected, as_json=as_json) from None
    except KeyboardInterrupt:
        raise _end(_stop(ExitCode.INTERRUPTED), as_json=as_json) from None
    except Terminated:
        raise _end(_stop(ExitCode.TERMINATED), as_json=as_json) from None
    except BrokenPipeError:
        _forget_stdout()
        raise SystemExit(_BROKEN_PIPE) from None
    except Exception as failure:  # every other failure is a bug, unless the system refused a resource
        refusal = refusal_of(failure, "the workspace")
        left = _end(refusal or _bug(failure), as_json=as_json)
        if refusal is None:
            level = logging.ERROR if verbose else logging.INFO
            log.log(level, "unexpected %s", type(failure).__name__, exc_info=failure)
        raise left from None


def _stop(code: ExitCode) -> AlsError:
    """Return the end of a command that a signal stopped."""
    stop = AlsError(f"{code.name.lower()}; unfinished work was removed")
    stop.exit_code = code
    return stop


def _bug(error: BaseException) -> AlsError:
    hint = "this is a bug in als-cli; run again with -v for the traceback and report it"
    return AlsError(f"unexpected {type(error).__name__}: {error}", hint=hint)


def _raise_terminated(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _end(error: AlsError, *, as_json: bool) -> SystemExit:
    """Print `error` on stderr and, with `as_json`, on stdout. Return the exit of the process."""
    code = error.exit_code
    fields = {"hint": error.hint, "problems": list(error.problems), "exit_code": int(code)}
    if _logs_json():
        log.error(error.message, extra={"fields": fields})
    else:
        _print(error)
    if as_json:
        head = {"kind": code.name.lower(), "exit_code": int(code), "message": error.message}
        _write_document(json.dumps({"error": head | fields}, indent=2))
    return SystemExit(int(code))


def _print(error: AlsError) -> None:
    is_stop = error.exit_code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED)
    _line(error.message if is_stop else f"error: {error.message}")
    for problem in error.problems:
        _line(f"  - {problem}")
    if error.hint:
        _line(f"hint: {error.hint}")
    _log_to_files(" ".join([error.message, *error.problems]))


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
