"""Writes that survive a loss of power: data and names reach the disk before the next step.

A file is durable after `sync_file`. Its name is durable after `sync_folder` of its folder. The same holds for a new
folder and for a renamed or linked file.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

_FULL_SYNC = getattr(fcntl, "F_FULLFSYNC", None)
"""On macOS, fsync leaves data in the cache of the disk. This command writes it out."""


def sync_file(path: Path) -> None:
    """Write the data of the file at `path` to the disk."""
    _sync(path)


def sync_folder(path: Path) -> None:
    """Write the names in the folder at `path` to the disk."""
    _sync(path)


def sync_tree(folder: Path) -> None:
    """Write all files and names below `folder` to the disk, and the names in `folder` last."""
    for path in sorted(folder.rglob("*"), reverse=True):
        _sync(path)
    _sync(folder)


def make_folder(path: Path) -> None:
    """Make the folder `path` with all missing parents, and write their names to the disk."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if _FULL_SYNC is not None:
            # Network drives do not support the command. fsync then does what they can, and reports real errors.
            with suppress(OSError):
                fcntl.fcntl(descriptor, _FULL_SYNC)
                return
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
