"""Every way a command can end, turned into a message and an exit code."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from als_cli.errors import AlsError, ExitCode, refusal_of

log = logging.getLogger(__name__)

_BROKEN_PIPE = 128 + signal.SIGPIPE


class Terminated(BaseException):
    """SIGTERM arrived; unwinds the stack so that staging folders are removed."""


@contextmanager
def exit_codes(*, verbose: bool = False) -> Iterator[None]:
    """Run the block; leave the process with the documented exit code when it fails, after one clear message."""
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    except AlsError as expected:
        _say(expected)
        raise SystemExit(int(expected.exit_code)) from None
    except KeyboardInterrupt:
        _line("interrupted; unfinished work was removed")
        raise SystemExit(ExitCode.INTERRUPTED) from None
    except Terminated:
        _line("terminated; unfinished work was removed")
        raise SystemExit(ExitCode.TERMINATED) from None
    except BrokenPipeError:
        _forget_stdout()
        raise SystemExit(_BROKEN_PIPE) from None
    except Exception as failure:  # noqa: BLE001 - the last line of defence: exit 1 means a bug
        refusal = refusal_of(failure, "the place it worked on")
        if refusal is None:
            raise SystemExit(_bug_exit(failure, verbose=verbose)) from None
        _say(refusal)
        raise SystemExit(ExitCode.RESOURCE) from None


def _raise_terminated(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _say(error: AlsError) -> None:
    if _logs_json():
        log.error(
            error.message,
            extra={
                "fields": {
                    "hint": error.hint,
                    "problems": list(error.problems),
                    "exit_code": int(error.exit_code),
                }
            },
        )
        return
    _line(f"error: {error.message}")
    for problem in error.problems:
        _line(f"  - {problem}")
    if error.hint:
        _line(f"hint: {error.hint}")
    _log_to_files(f"{error.message} {' '.join(error.problems)}")


def _bug_exit(bug: BaseException, *, verbose: bool) -> int:
    _line(f"error: unexpected {type(bug).__name__}: {bug}")
    _line("hint: this is a bug in als-cli; run again with -v for the traceback and report it")
    log.log(logging.ERROR if verbose else logging.INFO, "unexpected %s", type(bug).__name__, exc_info=bug)
    return ExitCode.BUG


def _line(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _handlers() -> list[logging.Handler]:
    return logging.getLogger("als_cli").handlers


def _logs_json() -> bool:
    return any(type(handler.formatter).__name__ == "_JsonFormatter" for handler in _handlers())


def _log_to_files(text: str) -> None:
    for handler in _handlers():
        if isinstance(handler, logging.FileHandler):
            handler.handle(logging.LogRecord("als_cli", logging.ERROR, "", 0, text, None, None))


def _forget_stdout() -> None:
    # The reader has gone: let the interpreter flush into nothing at exit instead of complaining.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
