"""The files that a stage read, for its manifest and its key."""

import hashlib
from pathlib import Path

from als_cli.events.tables import TableFile, find_files, reading
from als_cli.storage.manifest import InputFile, file_sha256


def describe_inputs(path: str) -> tuple[InputFile, ...]:
    """Return size, hash and time of every file that `path` (a file or a glob) stands for, sorted by path.

    Raises
    ------
    DataError
        There is no such file, or it may not be read.
    """
    return tuple(_describe(file) for file in find_files(path))


def _describe(file: TableFile) -> InputFile:
    if isinstance(file.content, Path):
        with reading(file.shown):
            status = file.content.stat()
            return InputFile(
                path=file.name,
                bytes=status.st_size,
                sha256=file_sha256(file.content),
                modified_ns=status.st_mtime_ns,
            )
    digest = hashlib.sha256(file.content).hexdigest()
    return InputFile(path=file.name, bytes=len(file.content), sha256=digest)
