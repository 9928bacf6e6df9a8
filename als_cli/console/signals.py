"""Signals that end a command: Ctrl-C, SIGTERM and SIGHUP.

A signal that the parent process ignores, for example SIGHUP under nohup, stays ignored.
"""

import os
import signal
from types import FrameType

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class EndedBySignal(BaseException):
    """SIGTERM or SIGHUP was received. As an exception, it lets the stages remove their staging folders.

    Parameters
    ----------
    number
        The number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def exit_on_signals() -> None:
    """Let signals end the process at once with code 128 + number, while there is no unfinished work to remove."""
    for number in _not_ignored():
        signal.signal(number, _exit)


def raise_on_signals() -> None:
    """Let Ctrl-C raise KeyboardInterrupt, and SIGTERM and SIGHUP raise EndedBySignal."""
    for number in _not_ignored():
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else _raise)


def _not_ignored() -> list[signal.Signals]:
    return [number for number in _ENDING if signal.getsignal(number) != signal.SIG_IGN]


def _exit(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


def _raise(number: int, _frame: FrameType | None) -> None:
    # A second signal must not stop the removal of unfinished work. Ctrl-C and SIGKILL still do.
    for repeated in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(repeated, signal.SIG_IGN)
    raise EndedBySignal(number)
