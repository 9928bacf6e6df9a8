"""Make finished artifacts visible, all at once or not at all.

A folder artifact lives in ``<place>/versions/<id>/``; ``<place>/current`` is a symbolic link that one rename moves
from the old version to the new one, so that a reader sees either, never a mixture. A single file is written beside
its target and renamed over it. Whatever fails before the rename leaves the old artifact untouched.

A version is removed only if its name and its manifest show that als wrote it.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from als_cli.errors import ConfigError, ResourceError, refusals_at
from als_cli.storage.ownership import MANIFEST, own_manifest

CURRENT = "current"
_VERSIONS = "versions"
_STAGING_PREFIX = ".staging-"
_VERSION_ID = re.compile(r"\d{8}T\d{12}-[0-9a-f]{6}")


@contextmanager
def staged_folder(place: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; publish it as the current version of `place` when the block ends well.

    On any exception, Ctrl-C included, the folder is removed and `place` stays as it was. The version that was
    current before stays on disk, so that its readers can finish.

    Raises
    ------
    ConfigError
        `place` holds versions or a link `current` that als did not make.
    ResourceError
        The place cannot be written.
    """
    with refusals_at(place):
        check_place(place)
        versions = place / _VERSIONS
        versions.mkdir(parents=True, exist_ok=True)
        _remove_stale_staging(versions)
        staging = versions / f"{_STAGING_PREFIX}{_new_version_id()}"
        staging.mkdir()
        try:
            yield staging
            _sync_tree(staging)
            previous = current_version(place)
            _publish(place, staging)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        _remove_old_versions(place, previous)


def check_place(place: Path) -> None:
    """Return when everything in `place` that publishing may replace or remove was made by als.

    Raises
    ------
    ConfigError
        Something in `place` was not made by als.
    """
    versions, link = place / _VERSIONS, place / CURRENT
    entries = sorted(versions.iterdir()) if versions.is_dir() else []
    foreign = [p for p in entries if not p.name.startswith(".") and not _VERSION_ID.fullmatch(p.name)]
    if os.path.lexists(link) and not (link.is_symlink() and link.resolve().parent == versions.resolve()):
        foreign.append(link)
    if foreign:
        raise ConfigError(
            f"{foreign[0]} was not made by als, so nothing is published beside it",
            hint="move it away, or choose another path",
        )


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write; rename it to `target` when the block ends well, else remove it."""
    with refusals_at(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise ResourceError(
                f"{target} is a folder, a file is to be written there", hint="choose another path"
            )
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
        try:
            yield partial
            _sync(partial)
            partial.replace(target)
            _sync(target.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def current_version(place: Path) -> Path | None:
    """Return the folder of the current version of `place` with links resolved, None when nothing is published."""
    link = place / CURRENT
    return link.resolve() if link.exists() else None


def _new_version_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"


def _publish(place: Path, staging: Path) -> None:
    """Give the finished folder its name, then move the link; a version that the link does not reach is removed."""
    version = staging.with_name(staging.name.removeprefix(_STAGING_PREFIX))
    try:
        staging.rename(version)
        _sync(version.parent)  # the link must not reach the disk before the name that it points to
        _point_current_at(place, version)
    except BaseException:
        if current_version(place) != version.resolve():
            shutil.rmtree(version, ignore_errors=True)
        raise


def _point_current_at(place: Path, version: Path) -> None:
    link = place / f".{CURRENT}-{secrets.token_hex(4)}"
    try:
        link.symlink_to(Path(_VERSIONS) / version.name)
        link.replace(place / CURRENT)
    except BaseException:
        link.unlink(missing_ok=True)
        raise
    _sync(place)


def _remove_old_versions(place: Path, previous: Path | None) -> None:
    """Remove our versions other than the current one and the `previous` one.

    A version that was never current, left by a run that was killed before it moved the link, is removed as well.
    """
    kept = {current_version(place), previous}
    for version in (place / _VERSIONS).iterdir():
        if version.resolve() not in kept and _is_own_version(version):
            shutil.rmtree(version, ignore_errors=True)


def _is_own_version(folder: Path) -> bool:
    named = _VERSION_ID.fullmatch(folder.name) is not None
    return named and not folder.is_symlink() and own_manifest(folder / MANIFEST) is not None


def _remove_stale_staging(versions: Path) -> None:
    # Only a run that was killed leaves one behind: the workspace lock admits one writer at a time.
    for stale in versions.glob(f"{_STAGING_PREFIX}*"):
        if _VERSION_ID.fullmatch(stale.name.removeprefix(_STAGING_PREFIX)) and not stale.is_symlink():
            shutil.rmtree(stale, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
