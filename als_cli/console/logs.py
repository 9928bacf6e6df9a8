"""Log lines on stderr, as text or as one JSON object per line, and in an optional file."""

import json
import logging
import re
import sys
import warnings
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from als_cli import NOTICE
from als_cli.console.folding import fold
from als_cli.errors import ResourceError, one_line

ROOT = "als_cli"
_CONTROL = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""The control characters that JSON does not escape."""


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = one_line(record.getMessage())
        if record.levelno >= logging.WARNING:
            text = f"{record.levelname.lower()}: {text}"
        if not record.exc_info:
            return text
        return "\n".join([text, *map(one_line, self.formatException(record.exc_info).split("\n"))])


class _TerminalFormatter(_TextFormatter):
    def format(self, record: logging.LogRecord) -> str:
        # A traceback keeps its lines.
        return super().format(record) if record.exc_info else fold(super().format(record))


class _DatedFormatter(_TextFormatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{_instant(record)} {super().format(record)}"


class JsonFormatter(logging.Formatter):
    """Formats each record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON object of `record`, with its attribute `fields`."""
        line = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        text = json.dumps(line, ensure_ascii=False)
        return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to the current sys.stderr. A progress bar replaces sys.stderr to keep its own lines separate."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - a name of logging
        """Ignore a stderr that is full or has no reader: it does not change the outcome of a command."""


class _LogFileHandler(logging.FileHandler):
    """Appends to the log file. A line that cannot be written ends the command."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - a name of logging
        """Raise a ResourceError for the error that is being handled. Later lines are not written."""
        failure = sys.exc_info()[1]
        logging.getLogger(ROOT).removeHandler(self)
        with suppress(OSError):
            self.close()
        if not isinstance(failure, OSError):
            super().handleError(record)
            return
        raise _unwritable(Path(self.baseFilename), failure) from failure


def configure_logging(*, verbose: bool, quiet: bool, log_format: str, log_file: Path | None) -> None:
    """Send log records of the package to stderr, and all records to `log_file`.

    stderr gets all records with `verbose`, and only errors with `quiet`. Otherwise it gets warnings, and notices if it
    is a terminal.

    Raises
    ------
    ResourceError
        The log file cannot be opened.
    """
    logger = logging.getLogger(ROOT)
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    logger.setLevel(logging.INFO)
    logger.propagate = False
    on_stderr = _StderrHandler()
    on_stderr.setLevel(_stderr_level(verbose=verbose, quiet=quiet))
    on_stderr.setFormatter(JsonFormatter() if log_format == "json" else _TerminalFormatter())
    logger.addHandler(on_stderr)
    if log_file is not None:
        logger.addHandler(_file_handler(log_file, log_format))
    warnings.showwarning = _log_warning


def close_log_file() -> None:
    """Close the log file."""
    logger = logging.getLogger(ROOT)
    for handler in list(logger.handlers):
        if isinstance(handler, logging.FileHandler):
            logger.removeHandler(handler)
            handler.close()


def _stderr_level(*, verbose: bool, quiet: bool) -> int:
    if quiet:
        return logging.ERROR
    if verbose:
        return logging.INFO
    return NOTICE if sys.stderr.isatty() else logging.WARNING


def _file_handler(log_file: Path, log_format: str) -> logging.Handler:
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFileHandler(log_file, encoding="utf-8", errors="backslashreplace")
    except OSError as refused:
        raise _unwritable(log_file, refused) from refused
    handler.setFormatter(JsonFormatter() if log_format == "json" else _DatedFormatter())
    return handler


def _unwritable(log_file: Path, refused: OSError) -> ResourceError:
    return ResourceError(
        f"--log-file {log_file} cannot be written: {refused.strerror}", hint="choose another file"
    )


def _log_warning(message: Warning | str, category: type[Warning], *_where: object, **_more: object) -> None:
    # Warnings of libraries are for programmers. A log record of level INFO does not cause an e-mail from cron.
    logging.getLogger(f"{ROOT}.libraries").info("%s: %s", category.__name__, message)


def _instant(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
