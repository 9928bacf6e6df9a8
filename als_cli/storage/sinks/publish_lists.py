"""Publishing of lists: a folder of part files, one file with shortfall and manifest next to it, or stdout.

Lists, shortfall and manifest become visible together or not at all: `finish` writes the manifest, and the files are
renamed when the block ends without an exception. Stdout has neither shortfall nor manifest.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import polars as pl

from als_cli.storage.manifest import (
    Manifest,
    OutputFile,
    file_sha256,
    published_manifest,
    write_manifest,
    write_manifest_of,
)
from als_cli.storage.publish import staged_file, staged_folder
from als_cli.storage.sinks.list_files import (
    KIND,
    SHORTFALL,
    check_replaceable,
    earlier_outputs,
    manifest_beside,
    own_names,
    shortfall_beside,
)
from als_cli.storage.sinks.tables import TableWriter, table_writer
from als_cli.storage.sinks.target import SUFFIX_OF_FORMAT, Target


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
    target: Target, schema: pl.Schema, shortfall: pl.Schema, stdout: BinaryIO
) -> Iterator[ListSink]:
    """Yield a sink to `target` for lists of `schema`. Publish the lists when the block ends without an exception.

    Raises
    ------
    ConfigError
        A file or folder that als did not write would be replaced.
    ResourceError
        `target` cannot be written. This error occurs before the first list is made.
    """
    check_replaceable(target)
    if target.kind == "stdout":
        yield _StreamSink(table_writer(target.format, stdout, schema, seekable=False))
    elif target.kind == "file":
        with _file_sink(target, schema, shortfall) as sink:
            yield sink
    else:
        with staged_folder(Path(target.path)) as folder, ExitStack() as streams:
            yield _FolderSink(folder, target, schema, shortfall, streams)


def published_lists(target: Target) -> Manifest | None:
    """Return the manifest of the lists at `target`; None if there are none, they are broken, or `target` is stdout."""
    path = Path(target.path)
    if target.kind == "folder":
        return published_manifest(path, KIND)
    if target.kind == "stdout":
        return None
    try:
        manifest = Manifest.model_validate_json(manifest_beside(path).read_bytes())
        names = {output.path for output in manifest.outputs}
        is_complete = path.name in names and all(
            path.with_name(output.path).stat().st_size == output.bytes for output in manifest.outputs
        )
    except (OSError, ValueError):
        return None
    return manifest if is_complete else None


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


class _FolderSink:
    def __init__(
        self, folder: Path, target: Target, schema: pl.Schema, shortfall: pl.Schema, streams: ExitStack
    ) -> None:
        self._folder, self._target, self._schema, self._streams = folder, target, schema, streams
        # In a separate folder, so that `current/*.parquet` matches the lists only.
        (folder / "shortfall").mkdir()
        self._shortfall = _Table(folder / "shortfall" / SHORTFALL, "parquet", shortfall, streams)
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
        self._shortfall.close()
        write_manifest(self._folder, kind=KIND, key=key, config=config, **fields)

    def _next_part(self) -> _Table:
        name = f"part-{self._parts:05d}{SUFFIX_OF_FORMAT[self._target.format]}"
        self._parts += 1
        self._users_in_part = 0
        return _Table(self._folder / name, self._target.format, self._schema, self._streams)


@contextmanager
def _file_sink(target: Target, schema: pl.Schema, shortfall: pl.Schema) -> Iterator[ListSink]:
    path = Path(target.path)
    with ExitStack() as files:
        # Files are renamed in reverse order: the shortfall first, the manifest last.
        manifest = files.enter_context(staged_file(manifest_beside(path)))
        lists = files.enter_context(staged_file(path))
        missing = files.enter_context(staged_file(shortfall_beside(path)))
        streams = files.enter_context(ExitStack())
        yield _FileSink(
            path,
            _Table(lists, target.format, schema, streams),
            _Table(missing, "parquet", shortfall, streams),
            {path.name: lists, shortfall_beside(path).name: missing},
            manifest,
        )
        _announce(path)


def _announce(path: Path) -> None:
    """Write a manifest without key, by which the next run recognizes the files of a run that is killed while renaming.

    Its file sizes are -1, so that the lists do not count as complete.
    """
    names = {path.name, shortfall_beside(path).name}
    if names <= own_names(path):
        return
    outputs = tuple(OutputFile(path=name, bytes=-1, sha256="") for name in sorted(names))
    with staged_file(manifest_beside(path)) as partial:
        write_manifest_of(
            outputs, partial, kind=KIND, key="", config={}, earlier_outputs=earlier_outputs(path)
        )


class _FileSink:
    def __init__(
        self, path: Path, lists: _Table, shortfall: _Table, partials: dict[str, Path], manifest: Path
    ) -> None:
        self._path, self._lists, self._shortfall = path, lists, shortfall
        self._partials, self._manifest = partials, manifest

    def write(self, lists: pl.DataFrame, shortfall: pl.DataFrame, users: int) -> None:  # noqa: ARG002 - the interface
        self._lists.write(lists)
        self._shortfall.write(shortfall)

    def finish(self, key: str, config: dict[str, Any], **fields: Any) -> None:
        self._lists.close()
        self._shortfall.close()
        outputs = tuple(
            OutputFile(path=name, bytes=partial.stat().st_size, sha256=file_sha256(partial))
            for name, partial in sorted(self._partials.items())
        )
        write_manifest_of(
            outputs,
            self._manifest,
            kind=KIND,
            key=key,
            config=config,
            earlier_outputs=earlier_outputs(self._path),
            **fields,
        )
