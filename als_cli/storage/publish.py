"""Atomic publishing: readers see the old version or the new one, whole.

The versions of a published name are folders in a hidden folder beside it, ``.NAME.versions/<id>/``. A version is written
in a staging folder there, and gets its id when it is complete and on the disk. The name itself is a symbolic link to
(a folder in) a version. One rename replaces the link. A failure before this rename leaves the old version published.

A small file can also be written beside its target and renamed over it (:func:`staged_file`).

Each step is on the disk before the next one begins, so the same holds after a loss of power. The caller holds a lock,
so what other runs left behind is from runs that were killed.
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
from als_cli.storage.durable import make_folder, sync_file, sync_folder, sync_tree
from als_cli.storage.ownership import MANIFEST, own_manifest

ARTIFACTS_KEPT = 2
"""Number of versions of an artifact that stay on disk."""
ROLLED_BACK = "rolled-back.json"
"""Record of a rollback in the folder of the versions. The next publication removes it."""
_PUBLISHED = ".published"
"""Empty file in a version that is or was published. A version without it is of a run that was killed."""
_BEFORE = ".before"
"""File in a version with the id of the version that was published before it; empty if there was none."""
_STAGING_PREFIX = ".staging-"
_LINK_PREFIX = ".link-"
_VERSION_ID = re.compile(r"\d{8}T\d{12}-[0-9a-f]{6}")
_LEFTOVER = re.compile(
    rf"{re.escape(_STAGING_PREFIX)}{_VERSION_ID.pattern}|{re.escape(_LINK_PREFIX)}[0-9a-f]{{8}}"
)


@contextmanager
def staged_folder(target: Path, *, linked: str = "", keep: int = ARTIFACTS_KEPT) -> Iterator[Path]:
    """Yield an empty folder. Publish it as the new version of `target` when the block ends without an exception.

    `target` becomes a link to the version, or to its folder `linked`. On any exception, including Ctrl-C, the folder is
    removed and `target` stays unchanged. The last `keep` published versions stay on disk, so that their readers can
    finish.

    Raises
    ------
    ConfigError
        als did not make what is at `target`.
    ResourceError
        `target` cannot be written.
    """
    with refusals_at(target):
        check_replaceable_by_link(target)
        with staged_version(target) as staging:
            yield staging
            record_before(staging, current_version(target))
            version = complete(staging)
            mark_published(current_version(target))
            with kept_only_if_published(target, version):
                point_at(target, version, linked)
        mark_published(version)
        forget_rollback(target)
        remove_old_versions(target, version, keep)


def versions_of(target: Path) -> Path:
    """Return the hidden folder with the versions of `target`."""
    return target.with_name(f".{target.name}.versions")


def new_link(target: Path) -> Path:
    """Return the path of a new link that will be renamed to `target`. If the run is killed, the next run removes it."""
    return versions_of(target) / f"{_LINK_PREFIX}{secrets.token_hex(4)}"


def current_version(target: Path) -> Path | None:
    """Return the folder of the version that the link `target` points to, None if nothing is published there.

    Readers that open several files of a version use this folder, so that they stay in one version.
    """
    return _linked_version(target) if target.is_dir() else None


def versions_by_age(target: Path) -> list[Path]:
    """Return the folders of the complete versions of `target` that als wrote, the newest first."""
    folder = versions_of(target)
    entries = folder.iterdir() if folder.is_dir() else ()
    return sorted(filter(_is_own_version, entries), key=lambda version: version.name, reverse=True)


def by_succession(target: Path, current: Path) -> list[Path]:
    """Return the other complete versions of `target`: first those that `current` follows, the nearest first.

    Versions that a rollback left come after them, the newest first.
    """
    others = {version.name: version for version in versions_by_age(target) if version != current}
    followed, one = list[Path](), current
    while (before := others.pop(version_before(one) or "", None)) is not None:
        followed.append(before)
        one = before
    return [*followed, *others.values()]


def version_before(version: Path) -> str | None:
    """Return the id of the version that was published before `version`; empty if there was none, None if it is unknown."""
    try:
        return (version / _BEFORE).read_text(encoding="ascii")
    except (OSError, ValueError):
        return None


def record_before(staging: Path, current: Path | None) -> None:
    """Record in the version `staging` that it follows the version `current`."""
    (staging / _BEFORE).write_text("" if current is None else current.name, encoding="ascii")


def was_published(version: Path) -> bool:
    """Return whether `version` is or was published."""
    return (version / _PUBLISHED).exists()


def check_replaceable_by_link(target: Path) -> None:
    """Return when publishing at `target` replaces nothing that als did not make. An empty folder may be replaced.

    Raises
    ------
    ConfigError
        als did not make what is at `target`.
    """
    if not os.path.lexists(target) or _linked_version(target) is not None:
        return
    if target.is_dir() and not target.is_symlink() and not any(target.iterdir()):
        return
    raise ConfigError(
        f"{target} was not made by als, so als does not publish there",
        hint="move it away, or choose another path",
    )


@contextmanager
def staged_version(target: Path) -> Iterator[Path]:
    """Yield an empty folder in the versions of `target`, whose path ends in the id. It is removed after an exception.

    Remains of killed runs are removed first.
    """
    versions = versions_of(target)
    make_folder(versions)
    _remove_leftovers(versions)
    staging = versions / f"{_STAGING_PREFIX}{_new_version_id()}"
    staging.mkdir()
    try:
        yield staging
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def version_of_staging(staging: Path) -> Path:
    """Return the path that the version in `staging` will have when it is complete."""
    return staging.with_name(staging.name.removeprefix(_STAGING_PREFIX))


def complete(staging: Path) -> Path:
    """Write `staging` to the disk, give it its final name there, and return the version."""
    sync_tree(staging)
    version = version_of_staging(staging)
    try:
        staging.rename(version)
        # The name that is published must not be on the disk before the name that it points to.
        sync_folder(version.parent)
    except BaseException:
        shutil.rmtree(version, ignore_errors=True)
        raise
    return version


@contextmanager
def kept_only_if_published(target: Path, version: Path) -> Iterator[None]:
    """Remove `version` if the block fails before it is published at the link `target`."""
    try:
        yield
    except BaseException:
        if current_version(target) != version:
            shutil.rmtree(version, ignore_errors=True)
        raise


def point_at(target: Path, version: Path, linked: str = "") -> None:
    """Make `target` a link to `version`, or to its folder `linked`, by one rename."""
    make_folder(target.parent)
    link = new_link(target)
    # The link is used in the folder of the target. So it is relative to this folder, not to its present one.
    link.symlink_to(Path(versions_of(target).name) / version.name / linked)
    try:
        if target.is_dir() and not target.is_symlink():
            target.rmdir()  # an empty folder; a rename cannot replace a folder by a link
        link.replace(target)
    except BaseException:
        link.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def mark_published(version: Path | None) -> None:
    """Record in `version` that it is or was published."""
    if version is not None and not was_published(version):
        (version / _PUBLISHED).touch()
        sync_folder(version)


def forget_rollback(target: Path) -> None:
    """Remove the record of a rollback at `target`, if there is one."""
    (versions_of(target) / ROLLED_BACK).unlink(missing_ok=True)


def remove_old_versions(target: Path, current: Path, keep: int) -> None:
    """Remove versions of `target` except `current` and the published ones before it, `keep` versions in all.

    Versions that a rollback left are removed first. Versions that were never published are of runs that were killed.
    They are removed too.
    """
    others = by_succession(target, current)
    published = [version for version in others if was_published(version)]
    for version in others:
        if version not in published[: keep - 1]:
            shutil.rmtree(version, ignore_errors=True)


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """Yield a path next to `target`. Rename it to `target` when the block ends, or remove it after an exception."""
    with refusals_at(target):
        make_folder(target.parent)
        check_no_folder(target)
        for left in target.parent.glob(".*.partial"):
            if re.fullmatch(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.partial", left.name):
                left.unlink(missing_ok=True)  # of a run that was killed
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
        try:
            yield partial
            sync_file(partial)
            partial.replace(target)
            sync_folder(target.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def check_no_folder(target: Path) -> None:
    """Return when `target` is no folder.

    Raises
    ------
    ResourceError
        `target` is a folder.
    """
    if target.is_dir():
        raise ResourceError(f"{target} is a folder, but als writes a file there", hint="choose another path")


def _linked_version(target: Path) -> Path | None:
    """Return the version that the link `target` names, whether it exists or not; None if it is no link to a version."""
    if not target.is_symlink():
        return None
    parts = target.readlink().parts
    if len(parts) < 2 or parts[0] != versions_of(target).name or not _VERSION_ID.fullmatch(parts[1]):
        return None
    return versions_of(target.parent.resolve() / target.name) / parts[1]


def _new_version_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"


def _is_own_version(folder: Path) -> bool:
    named = _VERSION_ID.fullmatch(folder.name) is not None
    return named and not folder.is_symlink() and own_manifest(folder / MANIFEST) is not None


def _remove_leftovers(versions: Path) -> None:
    for left in versions.iterdir():
        if not _LEFTOVER.fullmatch(left.name):
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
