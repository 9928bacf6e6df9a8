"""Atomic publishing of a single file, with small files about it beside it.

The versions are kept as in :mod:`als_cli.storage.publish`. A version contains the file, the files beside it and their
manifest. Each is published by a hard link to the version, which is renamed over the old file. The file itself comes
last. Between the renames, the new manifest describes a file that is not there yet. So the manifest is believed only if
the hash that it gives is that of the file.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from als_cli.errors import refusals_at
from als_cli.storage.durable import make_folder, sync_file, sync_folder
from als_cli.storage.ownership import MANIFEST
from als_cli.storage.publish import (
    check_no_folder,
    complete,
    forget_rollback,
    mark_published,
    new_link,
    record_before,
    remove_old_versions,
    staged_version,
    versions_by_age,
)

_NO_HARD_LINKS = (errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


def manifest_beside(target: Path) -> Path:
    """Return the path of the manifest that is published with `target`."""
    return target.with_name(f"{target.name}.{MANIFEST}")


@contextmanager
def staged_file_version(target: Path, keep: int) -> Iterator[Path]:
    """Yield an empty folder. Publish its file with the name of `target` when the block ends without an exception.

    The folder also gets a manifest, and other files, whose names begin with the name of `target`. They are published
    beside `target`. After an exception, `target` stays unchanged. The last `keep` published versions stay on disk.

    Raises
    ------
    ResourceError
        `target` cannot be written, or is a folder.
    """
    with refusals_at(target):
        make_folder(target.parent)
        check_no_folder(target)
        with staged_version(target) as staging:
            yield staging
            record_before(staging, current_file_version(target))
            version = complete(staging)
        mark_published(current_file_version(target))
        publish_files(target, version)
        mark_published(version)
        forget_rollback(target)
        remove_old_versions(target, version, keep)


def publish_files(target: Path, version: Path) -> None:
    """Publish the files of `version` at `target` and beside it. `target` itself is replaced last, by one rename."""
    beside = sorted(path.name for path in version.iterdir() if path.name.startswith(f"{target.name}."))
    _replace(target, version / MANIFEST, manifest_beside(target))
    for name in beside:
        _replace(target, version / name, target.with_name(name))
    # All that describes the file is on the disk before the file.
    sync_folder(target.parent)
    _replace(target, version / target.name, target)
    sync_folder(target.parent)


def current_file_version(target: Path) -> Path | None:
    """Return the version whose file is at `target`, None if there is none."""
    try:
        for version in versions_by_age(target):
            if (version / target.name).samefile(target):
                return version
        # Without hard links the file is a copy.
        published = manifest_beside(target).read_bytes()
        same = (one for one in versions_by_age(target) if (one / MANIFEST).read_bytes() == published)
        return next(same, None)
    except OSError:
        return None


def _replace(published: Path, source: Path, target: Path) -> None:
    """Make `target` another name of the file `source` of a version of `published`, by one rename.

    If the file system has no hard links, `target` is a copy.
    """
    link = new_link(published)
    try:
        try:
            os.link(source, link)
        except OSError as refused:
            if refused.errno not in _NO_HARD_LINKS:
                raise
            shutil.copyfile(source, link)
            sync_file(link)
        link.replace(target)
    finally:
        link.unlink(missing_ok=True)
