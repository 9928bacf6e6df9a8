"""The file of the HTML report: its path, and its atomic replacement."""

import time
from pathlib import Path

from als_cli.config.root import Config
from als_cli.storage.lock import output_lock
from als_cli.storage.publish import staged_file

MARK = '<meta name="generator" content="als-cli report">'
"""Text in the first bytes of each report, by which als-cli recognizes its own reports."""
_HEAD_BYTES = 4096
_WAIT_SECONDS = 30.0


def report_path(config: Config) -> Path:
    """Return the path of the report: `report.path`, or a file in the workspace."""
    return Path(config.report.path or Path(config.workspace) / "report.html")


def is_own_report(path: Path) -> bool:
    """Return whether als-cli wrote the file at `path`."""
    try:
        with path.open("rb") as stream:
            return MARK.encode() in stream.read(_HEAD_BYTES)
    except OSError:
        return False


def write_report(path: Path, page: bytes) -> None:
    """Replace the file at `path` by `page` in one step. Another run that writes it is waited for.

    Raises
    ------
    LockedError
        Another run still writes the report after 30 seconds.
    ResourceError
        The file cannot be written.
    """
    with output_lock(path, time.monotonic() + _WAIT_SECONDS), staged_file(path) as partial:
        partial.write_bytes(page)
