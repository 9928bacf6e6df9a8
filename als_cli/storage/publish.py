"""Make finished artifacts visible, all at once or not at all.

A folder artifact lives in ``<place>/versions/<id>/``; ``<place>/current`` is a symbolic link that one rename moves
from the old version to the new one, so that a reader sees either, never a mixture. A single file is written beside
its target and renamed over it. Whatever fails before the rename leaves the old artifact untouched.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from als_cli.errors import ArtifactError, ResourceError, refusals_at

CURRENT = "current"
_STAGING_PREFIX = ".staging-"


@contextmanager
def staged_folder(place: Path, *, keep: int = 2) -> Iterator[Path]:
    """Yield an empty folder to fill; publish it as the current version of `place` when the block ends well.

    On any exception, Ctrl-C included, the folder is removed and `place` stays as it was. The newest `keep` versions
    stay on disk (readers of the old version can finish).
    """
    with refusals_at(place):
        versions = place / "versions"
        versions.mkdir(parents=True, exist_ok=True)
        if (place / CURRENT).exists() and not (place / CURRENT).is_symlink():
            raise ArtifactError(
                f"{place / CURRENT} is not a link made by als", hint="move it away or choose another path"
            )
        _remove_stale_staging(versions)
        staging = versions / f"{_STAGING_PREFIX}{_new_version_id()}"
        staging.mkdir()
        try:
            yield staging
            _sync_tree(staging)
            version = versions / staging.name.removeprefix(_STAGING_PREFIX)
            staging.rename(version)
            _point_current_at(place, version)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        _drop_old_versions(place, keep)


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


def _point_current_at(place: Path, version: Path) -> None:
    link = place / f".{CURRENT}-{secrets.token_hex(4)}"
    link.symlink_to(Path("versions") / version.name)
    link.replace(place / CURRENT)
    _sync(place)


def _drop_old_versions(place: Path, keep: int) -> None:
    current = current_version(place)
    finished = sorted(p for p in (place / "versions").iterdir() if not p.name.startswith("."))
    for old in [p for p in finished if p.resolve() != current][: max(0, len(finished) - keep)]:
        shutil.rmtree(old, ignore_errors=True)


def _remove_stale_staging(versions: Path) -> None:
    # Only a run that was killed leaves one behind: the workspace lock admits one writer at a time.
    for stale in versions.glob(f"{_STAGING_PREFIX}*"):
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
