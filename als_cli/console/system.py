"""The check that als runs on this operating system. It comes before any import that fails on another one."""

import sys

from als_cli.errors import ResourceError


def check_system() -> None:
    """Return when als runs on this operating system.

    Raises
    ------
    ResourceError
        This is Windows.
    """
    if sys.platform == "win32":
        raise ResourceError(
            "als does not run on Windows, which lacks the file locks and signals that als needs",
            hint="use Linux or macOS, for example in the Windows Subsystem for Linux (WSL 2) or in a container",
        )
