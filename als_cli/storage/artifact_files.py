"""The files of an artifact, checked before they are read: their paths and sizes always, their checksums once."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from als_cli.errors import ArtifactError
from als_cli.storage.checksums import file_crc32, is_verifying
from als_cli.storage.repair import COMMANDS, broken, one_line

_VERIFIED: set[tuple[int, int, int, int, str]] = set()
"""Device, inode, size, modification time and checksum of the files that this process has verified."""


class StoredFile(Protocol):
    """A file in the manifest of an artifact."""

    @property
    def path(self) -> str:
        """Path relative to the folder of the artifact."""

    @property
    def bytes(self) -> int:
        """Size in bytes."""

    @property
    def crc32(self) -> str:
        """Checksum of :func:`als_cli.storage.checksums.file_crc32`."""


def check_sizes(folder: Path, kind: str, files: Iterable[StoredFile]) -> None:
    """Return when all `files` of the artifact in `folder` are there and have their size.

    Raises
    ------
    ArtifactError
        A file is missing or has another size, or its path leads out of `folder`.
    """
    root = folder.resolve()
    for file in files:
        path = _path_inside(folder, root, kind, file.path)
        try:
            size = path.stat().st_size if path.is_file() else None
        except OSError:
            size = None
        if size != file.bytes:
            state = "missing" if size is None else f"{size} bytes long instead of {file.bytes}"
            raise ArtifactError(
                f"{path} is {state}: artifact {kind} is broken", hint=f"run `als {COMMANDS[kind]}` again"
            )


def verified_path(folder: Path, kind: str, files: Sequence[StoredFile], name: str) -> Path:
    """Return the path of the file `name` of the artifact in `folder`, after a check of its checksum.

    Raises
    ------
    ArtifactError
        The manifest does not name the file, or the file has another checksum.
    """
    path = folder / name
    named = next((file for file in files if file.path == name), None)
    if named is None:
        raise broken(path, kind, "the manifest does not name this file")
    _verify(path, kind, named.crc32)
    return path


def verify_all(folder: Path, kind: str, files: Iterable[StoredFile]) -> None:
    """Return when all `files` of the artifact in `folder` have their checksum.

    Raises
    ------
    ArtifactError
        A file has another checksum.
    """
    for file in files:
        _verify(folder / file.path, kind, file.crc32)


def _verify(path: Path, kind: str, expected: str) -> None:
    if not is_verifying():
        return
    try:
        status = path.stat()
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, expected)
        if identity in _VERIFIED:
            return
        found = file_crc32(path)
    except OSError as unreadable:
        raise broken(path, kind, unreadable) from unreadable
    if found != expected:
        raise broken(path, kind, "its checksum differs from the manifest")
    _VERIFIED.add(identity)


def _path_inside(folder: Path, root: Path, kind: str, name: str) -> Path:
    """Return the path of the file `name`, which must be below `folder` even after links are followed."""
    parts = PurePosixPath(name).parts
    try:
        path = folder / name
        if parts and ".." not in parts and path.resolve().is_relative_to(root):
            return path
    except (OSError, ValueError, RuntimeError):
        pass  # a name with a null character, or a circle of links
    raise broken(folder / "manifest.json", kind, f"the path {one_line(name)!r} leads out of its folder")
