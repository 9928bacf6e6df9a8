"""The commands in this process, which saves the start of Python and the imports."""

import json
import logging
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.testing import CliRunner

from als_cli.cli import app


def done(*arguments: object) -> dict[str, Any]:
    """Run the command `als` with ``--json``, and return its report. The exit code must be 0."""
    return _document(0, *arguments)


def failed(code: int, *arguments: object) -> dict[str, Any]:
    """Run the command `als` with ``--json``, and return its error. The exit code must be `code`."""
    return _document(code, *arguments)["error"]


def _document(code: int, *arguments: object) -> dict[str, Any]:
    with _restored_process():
        ended = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert ended.exit_code == code, ended.stderr
    return json.loads(ended.stdout)


@contextmanager
def _restored_process() -> Iterator[None]:
    """Undo what a command changes in its process: log handlers, the handler of SIGTERM, the environment."""
    logger = logging.getLogger("als_cli")
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    show_warning, on_sigterm = warnings.showwarning, signal.getsignal(signal.SIGTERM)
    environment = dict(os.environ)
    try:
        yield
    finally:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)
        warnings.showwarning = show_warning
        signal.signal(signal.SIGTERM, on_sigterm)
        os.environ.clear()
        os.environ.update(environment)
