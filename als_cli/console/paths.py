"""Paths as people copy them: short, and relative to the current folder."""

import re
from pathlib import Path

from als_cli.errors import one_line

_VERSION = re.compile(r"(^|/)\.([^/]+)\.versions/[^/]+(?:/\2$)?")
"""The folder of a version of NAME, or its only file NAME. The link NAME publishes it."""


def short_path(path: str) -> str:
    """Return `path` through the link to the published version, relative to the current folder if it is below it.

    `path` has escapes instead of control characters, as in reports that are shown.
    """
    linked = _VERSION.sub(r"\1\2", path)
    try:
        here = f"{one_line(str(Path.cwd())).rstrip('/')}/"
    except OSError:  # the folder was deleted
        return linked
    return linked.removeprefix(here) or linked
