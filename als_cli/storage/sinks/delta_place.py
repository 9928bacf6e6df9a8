"""The versions of lists in a Delta table."""

from dataclasses import dataclass
from pathlib import Path

from als_cli.errors import AlsError
from als_cli.storage.manifest import Manifest
from als_cli.storage.sinks.delta_table import (
    DeltaCommit,
    commits_of,
    delta_errors,
    has_files,
    is_written,
    open_table,
    properties_of,
    require_deltalake,
    shortfall_table,
    shown_version,
)
from als_cli.storage.versions import StoredVersion


@dataclass(frozen=True)
class DeltaPlace:
    """A Delta table. Its versions are the versions of the table that als-cli wrote."""

    path: Path

    @property
    def label(self) -> str:
        """The path."""
        return str(self.path)

    def stored(self) -> list[StoredVersion]:
        """Return the versions of the lists whose files still exist, the newest first."""
        commits = self._commits(self.path)
        current = shown_version(commits)
        return [
            StoredVersion(
                self,
                str(one.version),
                one.manifest,
                one.version == current,
                0,
                self.label,
                _text(shown_version(commits[number + 1 :])),
            )
            for number, one in enumerate(commits)
            if one.restored is None and has_files(self.path, one.version)
        ]

    def publish_again(self, version: StoredVersion) -> None:
        """Restore `version` of the table and its shortfall, by one commit each.

        Raises
        ------
        ArtifactError
            Files of the version are missing.
        ResourceError
            The table cannot be written.
        """
        if version.is_current:
            return
        beside = shortfall_table(self.path)
        commits = self._commits(beside)
        for commit in commits:
            if commit.key == version.manifest.key and commit.restored is None:
                if commit.version != shown_version(commits):
                    self._restore(beside, commit.version, version.manifest)
                break
        self._restore(self.path, int(version.id), version.manifest)

    def left_keys(self) -> set[str]:
        """Return the keys of all versions that are newer than the present one: a rollback left them."""
        stored = self.stored()
        newer = [version.is_current for version in stored]
        return {version.manifest.key for version in stored[: newer.index(True)]} if True in newer else set()

    def published(self) -> Manifest | None:
        """Return the manifest of the lists in the table; None if there are none, or another program changed them."""
        commits = self._commits(self.path)
        table = open_table(self.path)
        if not commits or table is None or not is_written(table, commits[0].key):
            return None
        return commits[0].manifest

    def _commits(self, path: Path) -> list[DeltaCommit]:
        require_deltalake()
        table = open_table(path)
        return [] if table is None else commits_of(table)

    def _restore(self, path: Path, version: int, manifest: Manifest) -> None:
        table = open_table(path)
        if table is not None:
            with delta_errors(path):
                table.restore(version, commit_properties=properties_of(manifest, restored=version))


def published_in_delta(path: Path) -> Manifest | None:
    """Return the manifest of the lists in the Delta table at `path`; None if there are none or they are broken."""
    try:
        return DeltaPlace(path).published()
    except AlsError:
        return None


def _text(version: int | None) -> str:
    return "" if version is None else str(version)
