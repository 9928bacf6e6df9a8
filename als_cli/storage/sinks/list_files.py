"""The files of published lists, and the check that only files of als are replaced."""

import os
from pathlib import Path, PurePosixPath

from als_cli.errors import ConfigError, refusals_at
from als_cli.storage.durable import sync_folder
from als_cli.storage.manifest import Manifest
from als_cli.storage.ownership import MANIFEST
from als_cli.storage.publish import check_replaceable_by_link, versions_by_age
from als_cli.storage.publish_file import manifest_beside
from als_cli.storage.sinks.delta_table import check_own_table, require_deltalake, shortfall_table
from als_cli.storage.sinks.target import SUFFIX_OF_FORMAT, Target

_SHORTFALL = "shortfall.parquet"


def check_replaceable(target: Target) -> None:
    """Return when als wrote all files that lists at `target` would replace.

    Raises
    ------
    ConfigError
        als did not write one of these files.
    """
    path = Path(target.path)
    if target.kind == "delta":
        require_deltalake()
        for table in (path, shortfall_table(path)):
            check_own_table(table)
        return
    if target.kind == "stdout" or (target.kind == "file" and path.is_dir()):
        return
    if target.kind == "folder":
        check_replaceable_by_link(path)
        written = (*beside(path), *changes_of(target))
        foreign = [name for name in written if os.path.lexists(name) and not _is_link_into(path, name)]
    else:
        written = changes_of(target) if versions_by_age(path) else (*files_of(path), *changes_of(target))
        foreign = [name for name in written if os.path.lexists(name) and not _is_in_a_version(path, name)]
    if foreign:
        raise ConfigError(
            f"{foreign[0]} was not written by als, so it is not replaced",
            hint="move it away, or choose another path with recommend.output.path or --output",
        )


def files_of(path: Path) -> tuple[Path, Path, Path]:
    """Return the paths of the lists at file `path`, their shortfall and their manifest."""
    return path, *beside(path)


def beside(path: Path) -> tuple[Path, Path]:
    """Return the paths of the shortfall table and the manifest of the lists at `path`."""
    return path.with_name(shortfall_name(path)), manifest_beside(path)


def shortfall_name(path: Path) -> str:
    """Return the name of the shortfall table of the lists at `path`."""
    return f"{path.name}.{_SHORTFALL}"


def tables_of(version: Path, manifest: Manifest) -> list[Path]:
    """Return the files of `version` that contain the lists: not the shortfall table, not the changes."""
    # The versions of NAME are in .NAME.versions. In a version, the lists are the file NAME, or files in the folder NAME.
    name = version.parent.name.removeprefix(".").removesuffix(".versions")
    return [version / one.path for one in manifest.outputs if PurePosixPath(one.path).parts[:1] == (name,)]


def changes_names(path: Path) -> tuple[str, ...]:
    """Return the names that a table of changes beside the lists at `path` can have, one per format."""
    return tuple(f"{path.name}.changes{suffix}" for suffix in SUFFIX_OF_FORMAT.values())


def changes_of(target: Target) -> tuple[Path, ...]:
    """Return the path of the table of changes beside the lists at `target`; nothing if it is not written."""
    if target.changes is None:
        return ()
    path = Path(target.path)
    return (path.with_name(f"{path.name}.changes{SUFFIX_OF_FORMAT[target.format]}"),)


def remove_other_changes(target: Target) -> None:
    """Remove tables of changes beside the lists at `target` that belong to earlier versions only."""
    path = Path(target.path)
    for name in map(path.with_name, changes_names(path)):
        is_own = _is_link_into(path, name) if target.kind == "folder" else _is_in_a_version(path, name)
        if name not in changes_of(target) and is_own:
            name.unlink(missing_ok=True)


def link_beside(target: Target) -> None:
    """Make the shortfall table, the manifest and the changes of the folder `target` visible beside it.

    The links lead through the link `path` into the folder of its version. So the rename that publishes a version
    changes all of them at once.
    """
    path = Path(target.path)
    changes = changes_of(target)
    insides = (shortfall_name(path), MANIFEST, *(name.name for name in changes))
    with refusals_at(path):
        for name, inside in zip((*beside(path), *changes), insides, strict=True):
            if not name.is_symlink():
                name.symlink_to(_inside(path, inside))
        sync_folder(path.parent)


def _is_link_into(path: Path, name: Path) -> bool:
    inside = (shortfall_name(path), MANIFEST, *changes_names(path))
    return name.is_symlink() and name.readlink() in [_inside(path, one) for one in inside]


def _is_in_a_version(path: Path, name: Path) -> bool:
    """Return whether a version of the lists at `path` has the file `name`, which is beside `path`."""
    return os.path.lexists(name) and any((version / name.name).is_file() for version in versions_by_age(path))


def _inside(path: Path, name: str) -> Path:
    return Path(path.name) / ".." / name
