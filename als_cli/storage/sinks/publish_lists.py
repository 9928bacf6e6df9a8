"""Publishing of lists: a folder of part files, one file, or stdout.

Lists, shortfall and manifest become visible together or not at all: `finish` writes the manifest, and they are published
when the block ends without an exception. Stdout has neither shortfall nor manifest.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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
from als_cli.storage.sinks.database_sink import database_sink
from als_cli.storage.sinks.delta_place import published_in_delta
from als_cli.storage.sinks.delta_sink import delta_sink
from als_cli.storage.sinks.list_files import (
    changes_names,
    check_replaceable,
    link_beside,
    remove_other_changes,
    shortfall_name,
)
from als_cli.storage.sinks.lists_place import published_in_database
from als_cli.storage.sinks.open_table import OpenTable
from als_cli.storage.sinks.part_files import PartFiles
from als_cli.storage.sinks.tables import TableWriter, table_writer
from als_cli.storage.sinks.target import KIND, Target

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
    if target.output.database is not None:
        with database_sink(target, target.output.database, schema, shortfall) as to_database:
            yield to_database
        return
    if target.kind == "delta":
        with delta_sink(target, schema, shortfall) as to_delta:
            yield to_delta
        return
    check_replaceable(target)
    path = Path(target.path)
    if target.kind == "stdout":
        yield _StreamSink(
            table_writer(target.format, stdout, schema, seekable=False, options=target.table_options)
        )
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
    if target.output.database is not None:
        return published_in_database(target.output.database)
    if target.kind == "delta":
        return published_in_delta(path)
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


class _VersionSink:
    """Writes the shortfall table and the manifest of a version."""

    def __init__(
        self, version: Path, target: Target, shortfall: pl.Schema, streams: ExitStack, review: Review
    ) -> None:
        self._version, self._target, self._streams, self._review = version, target, streams, review
        self._shortfall = OpenTable(
            version / shortfall_name(Path(target.path)), "parquet", shortfall, streams, target.table_options
        )

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
        self._parts = PartFiles(version / Path(target.path).name, target, schema, streams)

    def write(self, lists: pl.DataFrame, shortfall: pl.DataFrame, users: int) -> None:
        self._parts.write(lists, users)
        self._shortfall.write(shortfall)

    def finish(self, key: str, config: dict[str, Any], **fields: Any) -> None:
        self._parts.finish(key)
        self._finish(key, config, fields)


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
        self._lists = OpenTable(
            version / Path(target.path).name, target.format, schema, streams, target.table_options
        )

    def write(self, lists: pl.DataFrame, shortfall: pl.DataFrame, users: int) -> None:  # noqa: ARG002 - the interface
        self._lists.write(lists)
        self._shortfall.write(shortfall)

    def finish(self, key: str, config: dict[str, Any], **fields: Any) -> None:
        self._lists.close()
        self._finish(key, config, fields)
