"""The files that a stage reads. They are hashed before they are read, and checked for changes afterwards."""

import hashlib
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from als_cli.errors import AlsError, DataError
from als_cli.storage.manifest import InputFile, file_sha256, published_manifest
from als_cli.tables.scan import TableFile, find_files, has_pipe, reading

Identity = tuple[str, int, int, int]
"""Path, size in bytes, modification time in ns, inode. Equal for an unchanged file."""
_KNOWN_HASHES: dict[Identity, str] = {}
"""Hashes of this process. `run` computes the key before it ingests, and so hashes each file once."""


class Inputs:
    """The files that one stage reads.

    Parameters
    ----------
    hashes
        SHA-256 of files that were hashed earlier; new hashes are added. By default every file is hashed.
    """

    def __init__(self, hashes: MutableMapping[Identity, str] | None = None) -> None:
        self._hashes = {} if hashes is None else hashes
        self._found: list[tuple[TableFile, InputFile]] = []

    def find(
        self, path: str, *, stdin: BinaryIO | None = None, spool: Path | None = None
    ) -> tuple[TableFile, ...]:
        """Return the files of :func:`find_files`, and record the size, time and hash of each.

        Raises
        ------
        DataError
            There is no matching file, or a file may not be read.
        """
        files = find_files(path, stdin=stdin, spool=spool)
        self._found += [(file, _described(file, self._hashes)) for file in files]
        return files

    def confirm(self) -> tuple[InputFile, ...]:
        """Return all files found so far, after a check that none has changed.

        Raises
        ------
        DataError
            A file changed after it was recorded.
        """
        for file, recorded in self._found:
            if not file.streamed and _identity_now(file) != identity_of(recorded):
                raise DataError(
                    f"{file.shown} changed while it was read",
                    hint="nothing was published; run the command again when the file is complete",
                )
        return tuple(recorded for _, recorded in self._found)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Raise a DataError if a file changes before the block ends, even if the block fails for this reason."""
        try:
            yield
        except AlsError:
            self.confirm()
            raise
        self.confirm()


def describe_inputs(
    paths: Iterable[str], hashes: MutableMapping[Identity, str] | None = None
) -> tuple[InputFile, ...] | None:
    """Return all files that `paths` (files or globs) match; None if one is a pipe, which can be read only once.

    Raises
    ------
    DataError
        There is no matching file, or a file may not be read.
    """
    paths = tuple(paths)
    if any(has_pipe(path) for path in paths):
        return None
    inputs = Inputs(hashes)
    for path in paths:
        inputs.find(path)
    return inputs.confirm()


def known_hashes(place: Path, kind: str) -> dict[Identity, str]:
    """Return the hashes of files that this process, or the run that published the artifact in `place`, has read."""
    published = published_manifest(place, kind)
    if published is not None:
        _KNOWN_HASHES.update({identity_of(file): file.sha256 for file in published.inputs if file.inode})
    return _KNOWN_HASHES


def identity_of(file: InputFile) -> Identity:
    """Return the identity that `file` had when it was recorded."""
    return file.path, file.bytes, file.modified_ns, file.inode


def _identity_now(file: TableFile) -> Identity | None:
    try:
        status = Path(file.name).stat()
    except OSError:
        return None
    return file.name, status.st_size, status.st_mtime_ns, status.st_ino


def _described(file: TableFile, hashes: MutableMapping[Identity, str]) -> InputFile:
    if isinstance(file.content, bytes):
        digest = hashlib.sha256(file.content).hexdigest()
        return InputFile(path=file.name, bytes=len(file.content), sha256=digest)
    with reading(file.shown):
        if file.streamed:
            size = file.content.stat().st_size
            return InputFile(path=file.name, bytes=size, sha256=file_sha256(file.content))
        status = file.content.stat()
        identity = (file.name, status.st_size, status.st_mtime_ns, status.st_ino)
        if identity not in hashes:
            hashes[identity] = file_sha256(file.content)
    path, size, modified_ns, inode = identity
    return InputFile(path=path, bytes=size, sha256=hashes[identity], modified_ns=modified_ns, inode=inode)
