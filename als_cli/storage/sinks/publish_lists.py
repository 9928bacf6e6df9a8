"""Publishing of lists: a folder of part files, one file, or stdout.

Lists, shortfall and manifest become visible together or not at all: `finish` writes the manifest, and they are published
when the block ends without an exception. Stdout has neither shortfall nor manifest.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import polars as pl

from als_cli.errors import ArtifactError
from als_cli.storage.manifest import (
    Manifest,
    file_sha256,
    read_manifest_at,
    whole_manifest,
    write_manifest,
)
from als_cli.storage.publish import staged_folder
from als_cli.storage.publish_file import manifest_beside, staged_file_version
from als_cli.storage.sinks.list_files import (
    KIND,
    changes_names,
    check_replaceable,
    link_beside,
    remove_other_changes,
    shortfall_name,
)
from als_cli.storage.sinks.tables import TableWriter, table_writer
from als_cli.storage.sinks.target import SUFFIX_OF_FORMAT, Target

_KEY_CHARACTERS = 12
"""Number of characters of the key in the name of a part file."""


Review = Callable[[Path], dict[str, Any]]
"""A function of the folder of a version whose lists are complete. It returns entries for the metrics of the manifest.

It may write more files into the folder. If it raises an error, nothing is published.
"""


def no_review(_version: Path) -> dict[str, Any]:
    """Return no entries."""
    return {}


class ListSink(Protocol):
    """Writes lists block by block."""

    def write(self, lists: pl.DataFrame, shortfall: pl.DataFrame, users: int) -> None:
        """Append the lists of a block of `users` users, and the shortfall rows of lists that are not full."""
        ...

    def finish(self, key: str, config: dict[str, Any], **fields: Any) -> None:
        """Close the tables and write the manifest (fields as in `write_manifest`). Call this method once, last."""
        ...


@contextmanager
def open_sink(
    target: Target,
    schema: pl.Schema,
    shortfall: pl.Schema,
    stdout: BinaryIO,
    review: Review = no_review,
) -> Iterator[ListSink]:
    """Yield a sink to `target` for lists of `schema`. Publish the lists when the block ends without an exception.

    `review` is called before, with the folder of the version. Lists on stdout are not reviewed.

    Raises
    ------
    ConfigError
        A file or folder that als did not write would be replaced.
    ResourceError
        `target` cannot be written. This error occurs before the first list is made.
    """
    check_replaceable(target)
    path = Path(target.path)
    if target.kind == "stdout":
        yield _StreamSink(table_writer(target.format, stdout, schema, seekable=False))
    elif target.kind == "file":
        with staged_file_version(path, target.keep) as version, ExitStack() as streams:
            yield _FileSink(version, target, schema, shortfall, streams, review)
        remove_other_changes(target)
    else:
        with staged_folder(path, linked=path.name, keep=target.keep) as version:
            with ExitStack() as streams:
                yield _FolderSink(version, target, schema, shortfall, streams, review)
            link_beside(target)
        remove_other_changes(target)


def published_lists(target: Target) -> Manifest | None:
    """Return the manifest of the lists at `target`; None if there are none, they are broken, or `target` is stdout."""
    path = Path(target.path)
    if target.kind == "folder":
        return whole_manifest(path, KIND)
    if target.kind == "stdout":
        return None
    try:
        manifest = read_manifest_at(manifest_beside(path), KIND)
        # A consumer may have taken the changes away.
        needed = [one for one in manifest.outputs if one.path not in changes_names(path)]
        is_whole = all(file_sha256(path.with_name(one.path)) == one.sha256 for one in needed)
    except (ArtifactError, OSError, ValueError):  # ValueError: a path that is no name
        return None
    return manifest if is_whole else None


class _StreamSink:
    def __init__(self, table: TableWriter) -> None:
        self._table = table

    def write(self, lists: pl.DataFrame, shortfall: pl.DataFrame, users: int) -> None:  # noqa: ARG002 - the interface
        self._table.write(lists)

    def finish(self, key: str, config: dict[str, Any], **fields: Any) -> None:  # noqa: ARG002 - the interface
        self._table.close()


class _Table:
    """A table file that is being written."""

    def __init__(self, path: Path, format_name: str, schema: pl.Schema, streams: ExitStack) -> None:
        self._stream = streams.enter_context(path.open("wb"))
        self._writer = table_writer(format_name, self._stream, schema)
        self._open = True
        streams.callback(self._abandon)

    def write(self, frame: pl.DataFrame) -> None:
        self._writer.write(frame)

    def close(self) -> None:
        self._open = False
        self._writer.close()
        self._stream.close()

    def _abandon(self) -> None:
        # After a failure the file is removed, but the writer must be closed while its stream is open.
        if self._open:
            with suppress(OSError):
                self._writer.close()


class _VersionSink:
    """Writes the shortfall table and the manifest of a version."""

    def __init__(
        self, version: Path, target: Target, shortfall: pl.Schema, streams: ExitStack, review: Review
    ) -> None:
        self._version, self._target, self._streams, self._review = version, target, streams, review
        self._shortfall = _Table(version / shortfall_name(Path(target.path)), "parquet", shortfall, streams)

    def _finish(self, key: str, config: dict[str, Any], fields: dict[str, Any]) -> None:
        self._shortfall.close()
        fields["metrics"] = {**fields.get("metrics", {}), **self._review(self._version)}
        write_manifest(self._version, kind=KIND, key=key, config=config, **fields)


class _FolderSink(_VersionSink):
    def __init__(
        self,
        version: Path,
        target: Target,
        schema: pl.Schema,
        shortfall: pl.Schema,
        streams: ExitStack,
        review: Review,
    ) -> None:
        super().__init__(version, target, shortfall, streams, review)
        # Readers of the published folder must find the lists only.
        self._folder, self._schema = version / Path(target.path).name, schema
        self._folder.mkdir()
        self._parts = 0
        self._part = self._next_part()

    def write(self, lists: pl.DataFrame, shortfall: pl.DataFrame, users: int) -> None:
        if self._users_in_part and self._users_in_part + users > self._target.users_per_part:
            self._part.close()
            self._part = self._next_part()
        self._part.write(lists)
        self._shortfall.write(shortfall)
        self._users_in_part += users

    def finish(self, key: str, config: dict[str, Any], **fields: Any) -> None:
        self._part.close()
        # A reader that has listed the old names must not find other lists under them.
        for part in self._folder.iterdir():
            part.rename(part.with_name(f"{part.stem}-{key[:_KEY_CHARACTERS]}{part.suffix}"))
        self._finish(key, config, fields)

    def _next_part(self) -> _Table:
        name = f"part-{self._parts:05d}{SUFFIX_OF_FORMAT[self._target.format]}"
        self._parts += 1
        self._users_in_part = 0
        return _Table(self._folder / name, self._target.format, self._schema, self._streams)


class _FileSink(_VersionSink):
    def __init__(
        self,
        version: Path,
        target: Target,
        schema: pl.Schema,
        shortfall: pl.Schema,
        streams: ExitStack,
        review: Review,
    ) -> None:
        super().__init__(version, target, shortfall, streams, review)
        self._lists = _Table(version / Path(target.path).name, target.format, schema, streams)

    def write(self, lists: pl.DataFrame, shortfall: pl.DataFrame, users: int) -> None:  # noqa: ARG002 - the interface
        self._lists.write(lists)
        self._shortfall.write(shortfall)

    def finish(self, key: str, config: dict[str, Any], **fields: Any) -> None:
        self._lists.close()
        self._finish(key, config, fields)
