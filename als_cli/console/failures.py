"""Failures of a command: each gives one message and a documented exit code."""

import json
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from als_cli.console.folding import fold
from als_cli.console.logs import ROOT, JsonFormatter
from als_cli.console.signals import EndedBySignal, raise_on_signals
from als_cli.console.streams import forget_stdout, write_error_line
from als_cli.errors import AlsError, ExitCode, ResourceError, refusal_of, streaming

log = logging.getLogger(__name__)

_BROKEN_PIPE = 141
"""128 + SIGPIPE. Windows, which als refuses after this import, does not have the signal."""


@contextmanager
def exit_codes(*, verbose: bool = False, as_json: bool = False) -> Iterator[None]:
    """Run the block. If it fails, print one message on stderr and exit with the documented exit code.

    With `as_json`, the message is also printed on stdout, as a JSON object.
    """
    raise_on_signals()
    try:
        yield
        _flush_stdout()
    except AlsError as expected:
        raise _end(expected, as_json=as_json) from None
    except KeyboardInterrupt:
        raise _end(_stop(signal.SIGINT), as_json=as_json) from None
    except EndedBySignal as ended:
        raise _end(_stop(ended.number), as_json=as_json) from None
    except BrokenPipeError:
        raise _reader_left() from None
    except SystemExit as left:
        raise _reader_left() if _is_broken_pipe(left) else left from None
    except BaseException as failure:  # noqa: BLE001 - every other failure is a bug, or the system refused a resource
        raise _unexpected(failure, verbose=verbose, as_json=as_json) from None


def _unexpected(failure: BaseException, *, verbose: bool, as_json: bool) -> SystemExit:
    refusal = refusal_of(failure, "the workspace")
    left = _end(refusal or _bug(failure), as_json=as_json)
    if refusal is None:
        level = logging.ERROR if verbose else logging.INFO
        with suppress(ResourceError):  # the log file is full too
            log.log(level, "unexpected %s", type(failure).__name__, exc_info=failure)
    return left


def _flush_stdout() -> None:
    with streaming("stdout"):
        sys.stdout.flush()


def _is_broken_pipe(left: SystemExit) -> bool:
    # rich, which prints tables and help, turns a BrokenPipeError into an exit with code 1.
    return left.code == 1 and isinstance(left.__context__, BrokenPipeError)


def _reader_left() -> SystemExit:
    forget_stdout()
    return SystemExit(_BROKEN_PIPE)


def _stop(number: int) -> AlsError:
    """Return the end of a command that signal `number` stopped."""
    code = ExitCode(128 + number)
    stop = AlsError(f"{code.name.lower().replace('_', ' ')}; unfinished work was removed")
    stop.exit_code = code
    return stop


def _bug(error: BaseException) -> AlsError:
    hint = "this is a bug in als-cli; run again with -v for the traceback and report it"
    return AlsError(f"unexpected {type(error).__name__}: {error}", hint=hint)


def _end(error: AlsError, *, as_json: bool) -> SystemExit:
    """Print `error` on stderr and, with `as_json`, on stdout. Return the exit of the process."""
    code = error.exit_code
    fields = {"hint": error.hint, "problems": list(error.problems), "exit_code": int(code)}
    with suppress(ResourceError):  # the log file is full too
        if _logs_json():
            log.error(error.message, extra={"fields": fields})
        else:
            _print(error)
    if as_json:
        head = {"kind": code.name.lower(), "exit_code": int(code), "message": error.message}
        _write_document(json.dumps({"error": head | fields}, indent=2))
    try:
        sys.stdout.flush()
    except OSError:
        forget_stdout()
    return SystemExit(int(code))


def _print(error: AlsError) -> None:
    is_stop = error.exit_code > 128
    _line(error.message if is_stop else f"error: {error.message}")
    for problem in error.problems:
        _line(f"  - {problem}")
    if error.hint:
        _line(f"hint: {error.hint}")
    _log_to_files(" ".join([error.message, *error.problems]))


def _write_document(document: str) -> None:
    try:
        sys.stdout.write(document + "\n")
        sys.stdout.flush()
    except OSError:
        forget_stdout()  # the message is on stderr; the exit code does not change


def _line(text: str) -> None:
    write_error_line(fold(text))


def _logs_json() -> bool:
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger(ROOT).handlers)


def _log_to_files(text: str) -> None:
    for handler in logging.getLogger(ROOT).handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(logging.LogRecord(ROOT, logging.ERROR, "", 0, text, None, None))
