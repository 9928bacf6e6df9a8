"""Published lists, read from every output that keeps them: files, Delta tables and databases."""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from als_cli.errors import ArtifactError
from als_cli.evaluation.list_tables import list_table
from als_cli.storage.databases.list_rows import copy_lists, reading_rights
from als_cli.storage.sinks.delta_lists import is_delta_table, no_lists_in_delta, scan_delta_lists
from als_cli.storage.sinks.delta_place import DeltaPlace
from als_cli.storage.sinks.lists_place import DatabasePlace, files_place, lists_place
from als_cli.storage.sinks.target import Target
from als_cli.storage.stored_lists import StoredLists, lists_at, lists_in_file, lists_of_version
from als_cli.storage.versions import StoredVersion, VersionedPlace, version_before_current, version_named

_PREFIX = ".lists-"
_OLD_SECONDS = 86_400
_VERSION_IN_DATABASE = re.compile(r"\d{8}t\d{6}_[0-9a-f]{6}")


@contextmanager
def lists_spool(folder: Path) -> Iterator[Path]:
    """Yield the path of a folder in `folder` for copies of lists, which is removed afterwards. Readers make it.

    Several commands can read lists at the same time, so only folders of killed runs that are older than a day are removed.
    """
    for left in folder.glob(f"{_PREFIX}*"):
        if left.stat().st_mtime < time.time() - _OLD_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    spool = folder / f"{_PREFIX}{token_hex(4)}"
    try:
        yield spool
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def newest_lists(target: Target, spool: Path) -> tuple[StoredLists, ...]:
    """Return the published lists at `target` and the version before them, if it is kept; empty if there are none.

    Lists in a database are copied into `spool`.

    Raises
    ------
    ArtifactError
        The lists are broken, or another program changed them.
    ConfigError
        A package for this output is not installed.
    DataError
        The lists cannot be read.
    ResourceError
        The database or the Delta table cannot be read, or `spool` cannot be written.
    """
    place = lists_place(target)
    stored = [] if place is None else _stored(place)
    current = next((version for version in stored if version.is_current), None)
    return tuple(lists_of(one, spool) for one in (current, version_before_current(stored)) if one is not None)


def lists_named(text: str, target: Target, spool: Path) -> StoredLists:
    """Return the lists that `text` names: a path, the view of `target`, or the id of a version of `target`.

    A path is a file, a folder or a Delta table. A path that exists precedes a view and a version. Errors are those of
    :func:`newest_lists`. Also:

    Raises
    ------
    ConfigError
        `target` has no version with this id.
    DataError
        There are no lists at the path.
    """
    path = Path(text)
    if is_delta_table(path):
        return lists_of(_published_in(DeltaPlace(path)), spool)
    place = lists_place(target)
    if place is not None and not path.exists():
        if isinstance(place, DatabasePlace) and text == place.label:
            return lists_of(_published_in(place), spool)
        if _is_version_of(text, place):
            with reading_rights(place.label):
                version = version_named([place], text)
            return lists_of(version, spool)
    return lists_at(text, files_place(target))


def lists_of(version: StoredVersion, spool: Path) -> StoredLists:
    """Return the lists of `version` of any place. Errors are those of :func:`newest_lists`."""
    place = version.place
    if isinstance(place, DeltaPlace):
        name = f"{place.path} version {version.id}"
        return StoredLists(
            str(place.path),
            version.id,
            version.manifest,
            list_table(name, scan_delta_lists(place.path, version)),
        )
    if isinstance(place, DatabasePlace):
        file = spool / f"{version.id}.parquet"
        with reading_rights(place.label), place.view() as view:
            if view is None:
                raise _no_lists(place)
            name = f"{view.database.address.shown} {version.path}"
            if not file.exists():
                copy_lists(view, version.id, file)
        return StoredLists(name, version.id, version.manifest, lists_in_file(name, file))
    return lists_of_version(Path(version.path), version.manifest)


def _stored(place: VersionedPlace) -> list[StoredVersion]:
    with reading_rights(place.label):
        return place.stored()


def _published_in(place: DeltaPlace | DatabasePlace) -> StoredVersion:
    found = next((version for version in _stored(place) if version.is_current), None)
    if found is None:
        raise no_lists_in_delta(place.path) if isinstance(place, DeltaPlace) else _no_lists(place)
    return found


def _is_version_of(text: str, place: VersionedPlace) -> bool:
    if isinstance(place, DeltaPlace):
        return text.isascii() and text.isdigit()
    return isinstance(place, DatabasePlace) and _VERSION_IN_DATABASE.fullmatch(text) is not None


def _no_lists(place: DatabasePlace) -> ArtifactError:
    return ArtifactError(
        f"there are no published lists in view {place.label}", hint="run `als recommend` first"
    )
