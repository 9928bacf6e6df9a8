"""The versions of artifacts and lists, and the return to an earlier one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from als_cli.errors import ArtifactError, ConfigError, refusals_at
from als_cli.storage.manifest import Manifest, file_sha256, read_manifest
from als_cli.storage.publish import (
    ROLLED_BACK,
    current_version,
    mark_published,
    point_at,
    staged_file,
    version_before,
    versions_by_age,
    versions_of,
    was_published,
)
from als_cli.storage.publish_file import current_file_version, publish_files


class VersionedPlace(Protocol):
    """A place where als publishes versions: a path, or a view in a database."""

    @property
    def label(self) -> str:
        """The name of the place in messages."""
        ...

    def stored(self) -> "list[StoredVersion]":
        """Return the versions that are or were published, the newest first. Broken versions are left out."""
        ...

    def publish_again(self, version: "StoredVersion") -> None:
        """Publish `version` after a check that it is whole. The next run must not undo this."""
        ...

    def left_keys(self) -> set[str]:
        """Return the keys of the versions that were left by rollbacks since the last publication."""
        ...


@dataclass(frozen=True)
class StoredVersion:
    """A version that is or was published."""

    place: VersionedPlace
    id: str
    manifest: Manifest
    is_current: bool
    bytes: int
    """Size of all files but the manifest; 0 where it is unknown."""
    path: str
    """Folder of the version, or its table."""
    before: str | None = None
    """Id of the version that was published before it; empty if there was none, None if it is unknown."""


@dataclass(frozen=True)
class Place:
    """A path where als publishes versions."""

    kind: str
    """Kind of the manifest: dataset, choice, model, evaluation, backtest or recommendations."""
    path: Path
    is_file: bool = False
    """Whether a file is published. Otherwise a link to a folder is."""
    linked: str = ""
    """Name of the folder in the version that the link leads to; empty: the version itself."""

    @property
    def label(self) -> str:
        """The path."""
        return str(self.path)

    def stored(self) -> list[StoredVersion]:
        """Return the versions on disk that are or were published, the newest first. Broken versions are left out."""
        current, found = self.current(), []
        for folder in versions_by_age(self.path):
            if folder != current and not was_published(folder):
                continue  # of a run that was killed
            try:
                manifest = read_manifest(folder, self.kind)
            except ArtifactError:
                continue
            size = sum(output.bytes for output in manifest.outputs)
            found.append(
                StoredVersion(
                    self,
                    folder.name,
                    manifest,
                    folder == current,
                    size,
                    str(folder),
                    version_before(folder),
                )
            )
        return found

    def publish_again(self, version: StoredVersion) -> None:
        """Publish `version` after a check of its files, and record that the next run must not undo this.

        Raises
        ------
        ArtifactError
            A file of `version` differs from its manifest.
        ResourceError
            The place cannot be written.
        """
        folder = Path(version.path)
        for output in version.manifest.outputs:
            if file_sha256(folder / output.path) != output.sha256:
                raise ArtifactError(
                    f"{folder / output.path} differs from its manifest",
                    hint="choose another version; `als versions` lists what is stored",
                )
        with refusals_at(self.path):
            left = self.current()
            if left == folder:
                return
            mark_published(left)
            keys = self.left_keys()
            if left is not None:
                keys |= {read_manifest(left, self.kind).key}
            # The record first: a run between the two steps then finds the old version, whose key is unchanged.
            with staged_file(versions_of(self.path) / ROLLED_BACK) as partial:
                partial.write_text(json.dumps({"keys": sorted(keys)}) + "\n", encoding="utf-8")
            if self.is_file:
                publish_files(self.path, folder)
            else:
                point_at(self.path, folder, self.linked)
            mark_published(folder)

    def left_keys(self) -> set[str]:
        """Return the keys of the versions that were left by rollbacks since the last publication."""
        try:
            return set(json.loads((versions_of(self.path) / ROLLED_BACK).read_bytes())["keys"])
        except (OSError, ValueError, KeyError, TypeError):
            return set()

    def current(self) -> Path | None:
        """Return the published version, None if there is none."""
        return current_file_version(self.path) if self.is_file else current_version(self.path)


def earlier_version(place: VersionedPlace) -> StoredVersion:
    """Return the version of `place` that was published before the published one.

    If it is no longer stored, it is the newest of the older versions.

    Raises
    ------
    ArtifactError
        There is none.
    """
    stored = place.stored()
    found = version_before_current(stored)
    if found is None:
        raise ArtifactError(
            f"there is no earlier version of {place.label}", hint="`als versions` lists what is stored"
        )
    return found


def version_before_current(stored: Sequence[StoredVersion]) -> StoredVersion | None:
    """Return the version of `stored`, the newest first, that the published one follows; None if there is none."""
    current = next((number for number, version in enumerate(stored) if version.is_current), None)
    if current is None:
        return None
    before, older = stored[current].before, stored[current + 1 :]
    named = (version for version in older if version.id == before)
    return next(named, older[0] if older and before != "" else None)


def version_named(places: Sequence[VersionedPlace], version_id: str) -> StoredVersion:
    """Return the version `version_id` of one of `places`.

    Raises
    ------
    ConfigError
        No place has this version.
    """
    for place in places:
        for version in place.stored():
            if version.id == version_id:
                return version
    raise ConfigError(f"there is no version {version_id}", hint="`als versions` lists what is stored")
