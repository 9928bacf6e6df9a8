"""The files of published lists, and the check that only files of als are replaced."""

import os
from pathlib import Path

from als_cli.errors import ConfigError, refusals_at
from als_cli.storage.durable import sync_folder
from als_cli.storage.ownership import MANIFEST
from als_cli.storage.publish import check_replaceable_by_link, versions_by_age
from als_cli.storage.publish_file import manifest_beside
from als_cli.storage.sinks.delta_table import check_own_table, require_deltalake, shortfall_table
from als_cli.storage.sinks.target import Target

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
        foreign = [name for name in beside(path) if os.path.lexists(name) and not _is_link_into(path, name)]
    else:
        foreign = [] if versions_by_age(path) else [name for name in files_of(path) if os.path.lexists(name)]
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


def link_beside(path: Path) -> None:
    """Make the shortfall table and the manifest of the folder `path` visible beside it.

    The links lead through the link `path` into the folder of its version. So the rename that publishes a version
    changes all of them at once.
    """
    with refusals_at(path):
        for name, inside in zip(beside(path), (shortfall_name(path), MANIFEST), strict=True):
            if not name.is_symlink():
                name.symlink_to(_inside(path, inside))
        sync_folder(path.parent)


def _is_link_into(path: Path, name: Path) -> bool:
    return name.is_symlink() and name.readlink() in (
        _inside(path, shortfall_name(path)),
        _inside(path, MANIFEST),
    )


def _inside(path: Path, name: str) -> Path:
    return Path(path.name) / ".." / name
