"""Atomic publishing of finished artifacts.

A folder artifact is stored in ``<place>/versions/<id>/``. ``<place>/current`` is a symbolic link. One rename moves it
from the old version to the new version, so that readers see one of the two, never a mixture. A single file is written
next to its target and renamed over it. A failure before the rename leaves the old artifact unchanged.

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
    """Yield an empty folder, and publish it as the current version of `place` when the block ends without an exception.

    On any exception, including Ctrl-C, the folder is removed and `place` stays unchanged. The previous version stays on
    disk, so that its readers can finish.

    Raises
    ------
    ConfigError
        `place` contains versions or a link `current` that als did not make.
    ResourceError
        `place` cannot be written.
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
    """Return when als made all that publishing may replace or remove in `place`.

    Raises
    ------
    ConfigError
        als did not make a version or the link `current` in `place`.
    """
    versions, link = place / _VERSIONS, place / CURRENT
    entries = sorted(versions.iterdir()) if versions.is_dir() else []
    foreign = [p for p in entries if not p.name.startswith(".") and not _VERSION_ID.fullmatch(p.name)]
    if os.path.lexists(link) and not (link.is_symlink() and link.resolve().parent == versions.resolve()):
        foreign.append(link)
    if foreign:
        raise ConfigError(
            f"{foreign[0]} was not made by als, so als does not publish in {place}",
            hint="move it away, or choose another path",
        )


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """Yield a path next to `target`. Rename it to `target` when the block ends, or remove it after an exception."""
    with refusals_at(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise ResourceError(
                f"{target} is a folder, but als writes a file there", hint="choose another path"
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
    """Return the folder of the current version in `place` with links resolved, None if nothing is published."""
    link = place / CURRENT
    return link.resolve() if link.exists() else None


def _new_version_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"


def _publish(place: Path, staging: Path) -> None:
    """Rename the finished folder to its final name, then move the link. On failure, remove the version."""
    version = staging.with_name(staging.name.removeprefix(_STAGING_PREFIX))
    try:
        staging.rename(version)
        _sync(version.parent)  # the link must not be on disk before the name that it points to
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
    """Remove the versions of als, except the current version and the `previous` version.

    This also removes versions of runs that were killed before they moved the link.
    """
    kept = {current_version(place), previous}
    for version in (place / _VERSIONS).iterdir():
        if version.resolve() not in kept and _is_own_version(version):
            shutil.rmtree(version, ignore_errors=True)


def _is_own_version(folder: Path) -> bool:
    named = _VERSION_ID.fullmatch(folder.name) is not None
    return named and not folder.is_symlink() and own_manifest(folder / MANIFEST) is not None


def _remove_stale_staging(versions: Path) -> None:
    # Only killed runs leave staging folders behind: the workspace lock allows one writer at a time.
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
