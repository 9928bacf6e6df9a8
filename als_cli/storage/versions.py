"""The versions of artifacts and lists on disk, and the return to an earlier one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from als_cli.errors import ArtifactError, ConfigError, refusals_at
from als_cli.storage.manifest import Manifest, file_sha256, read_manifest
from als_cli.storage.publish import (
    ROLLED_BACK,
    current_version,
    mark_published,
    point_at,
    staged_file,
    versions_by_age,
    versions_of,
    was_published,
)
from als_cli.storage.publish_file import current_file_version, publish_files


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

    def current(self) -> Path | None:
        """Return the published version, None if there is none."""
        return current_file_version(self.path) if self.is_file else current_version(self.path)

    def publish(self, version: Path) -> None:
        """Publish `version`, which is on disk already."""
        if self.is_file:
            publish_files(self.path, version)
        else:
            point_at(self.path, version, self.linked)


@dataclass(frozen=True)
class StoredVersion:
    """A version on disk that is or was published."""

    place: Place
    folder: Path
    manifest: Manifest
    is_current: bool

    @property
    def id(self) -> str:
        """The name of the version."""
        return self.folder.name

    @property
    def bytes(self) -> int:
        """Size of all files but the manifest."""
        return sum(output.bytes for output in self.manifest.outputs)


def stored_versions(place: Place) -> list[StoredVersion]:
    """Return the versions of `place` that are or were published, the newest first. Broken versions are left out."""
    current, found = place.current(), []
    for folder in versions_by_age(place.path):
        if folder != current and not was_published(folder):
            continue  # of a run that was killed
        try:
            manifest = read_manifest(folder, place.kind)
        except ArtifactError:
            continue
        found.append(StoredVersion(place, folder, manifest, folder == current))
    return found


def earlier_version(place: Place) -> StoredVersion:
    """Return the newest version of `place` that is older than the published one.

    Raises
    ------
    ArtifactError
        There is none.
    """
    stored = stored_versions(place)
    current = next((number for number, version in enumerate(stored) if version.is_current), None)
    if current is None or current + 1 == len(stored):
        raise ArtifactError(
            f"there is no earlier version of {place.path}", hint="`als versions` lists what is stored"
        )
    return stored[current + 1]


def version_named(places: Sequence[Place], version_id: str) -> StoredVersion:
    """Return the version `version_id` of one of `places`.

    Raises
    ------
    ConfigError
        No place has this version.
    """
    for place in places:
        for version in stored_versions(place):
            if version.id == version_id:
                return version
    raise ConfigError(f"there is no version {version_id}", hint="`als versions` lists what is stored")


def roll_back(version: StoredVersion) -> None:
    """Publish `version` again, and record that the next run must not undo this.

    Raises
    ------
    ArtifactError
        A file of `version` differs from its manifest.
    ResourceError
        The place cannot be written.
    """
    place = version.place
    for output in version.manifest.outputs:
        if file_sha256(version.folder / output.path) != output.sha256:
            raise ArtifactError(
                f"{version.folder / output.path} differs from its manifest",
                hint="choose another version; `als versions` lists what is stored",
            )
    with refusals_at(place.path):
        left = place.current()
        if left == version.folder:
            return
        mark_published(left)
        keys = rolled_back_keys(place.path)
        if left is not None:
            keys |= {read_manifest(left, place.kind).key}
        # The record first: a run between the two steps then finds the old version, whose key is unchanged.
        with staged_file(versions_of(place.path) / ROLLED_BACK) as partial:
            partial.write_text(json.dumps({"keys": sorted(keys)}) + "\n", encoding="utf-8")
        place.publish(version.folder)
        mark_published(version.folder)


def rolled_back_keys(target: Path) -> set[str]:
    """Return the keys of the versions of `target` that were left by rollbacks since the last publication."""
    try:
        return set(json.loads((versions_of(target) / ROLLED_BACK).read_bytes())["keys"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()
