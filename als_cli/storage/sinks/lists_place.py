"""The versions of published lists, by the kind of the output."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from als_cli.config.database import DatabaseConfig
from als_cli.errors import AlsError, ArtifactError, ConfigError
from als_cli.storage.databases.address import address_of
from als_cli.storage.databases.database import driver_of, open_database
from als_cli.storage.databases.published_view import PublishedView, RecordedVersion
from als_cli.storage.manifest import FORMAT_VERSION, Manifest, read_manifest
from als_cli.storage.sinks.database_sink import lock_of
from als_cli.storage.sinks.delta_place import DeltaPlace
from als_cli.storage.sinks.target import KIND, Target
from als_cli.storage.versions import Place, StoredVersion, VersionedPlace

RECOMMEND = "recommend"
"""The command of lists whose manifest names no other one."""


def lists_place(target: Target) -> VersionedPlace | None:
    """Return the place where lists at `target` have versions; None for stdout."""
    if target.output.database is not None:
        return DatabasePlace(target.output.database)
    return DeltaPlace(Path(target.path)) if target.kind == "delta" else files_place(target)


def files_place(target: Target) -> Place | None:
    """Return the place where lists in a file or a folder have versions; None for other outputs."""
    if target.kind not in ("file", "folder"):
        return None
    path = Path(target.path)
    return Place(
        KIND, path, is_file=target.kind == "file", linked=path.name if target.kind == "folder" else ""
    )


def check_command_of_lists(target: Target, of: str) -> None:
    """Return when the published lists at `target` are of the same command as new lists, or there are none.

    `of` is `recommend`, `similar items`, `similar users` or `audience`.

    Raises
    ------
    ConfigError
        They are of another command. Its readers and rules such as `not_shown` would find the wrong lists.
    """
    place = lists_place(target)
    manifest = None if place is None else _current_manifest(place)
    before = of if manifest is None else manifest.metrics.get("of", RECOMMEND)
    if before != of:
        raise ConfigError(
            f"{target.path} has lists of `als {before}`, which lists of `als {of}` would replace",
            hint="choose another path or table for these lists",
        )


def _current_manifest(place: VersionedPlace) -> Manifest | None:
    """Return the manifest of the published version; None if there is none or it is broken."""
    if isinstance(place, Place):
        current = place.current()
        try:
            return None if current is None else read_manifest(current, place.kind)
        except ArtifactError:
            return None
    return next((version.manifest for version in place.stored() if version.is_current), None)


@dataclass(frozen=True)
class DatabasePlace:
    """A view in a database. The version that it shows is the published one."""

    config: DatabaseConfig

    @property
    def label(self) -> str:
        """The name of the view."""
        return self.config.table

    @contextmanager
    def view(self) -> Iterator[PublishedView | None]:
        """Yield the view in an open database; None if there is no file of the database.

        Raises
        ------
        ConfigError
            The extra with the driver is not installed.
        ResourceError
            The database cannot be reached.
        """
        address = address_of(self.config)
        if address.file is not None and not address.file.exists():
            yield None
            return
        with open_database(address) as database:
            yield PublishedView(database, self.config)

    def stored(self) -> list[StoredVersion]:
        """Return the versions in the database, the newest first. Empty if there is no file of the database."""
        with self.view() as view:
            return [] if view is None else self._versions(view)

    def publish_again(self, version: StoredVersion) -> None:
        """Point the views to the tables of `version`.

        Raises
        ------
        ArtifactError
            Rows of the version are missing.
        ResourceError
            The database cannot be reached, or refuses.
        """
        with self.view() as view:
            if view is None or version.is_current:
                return
            recorded = next((one for one in view.versions() if one.id == version.id), None)
            if recorded is None or view.count(version.id) != recorded.rows:
                raise ArtifactError(
                    f"the rows of version {version.id} in {view.database.address.shown} were changed",
                    hint="choose another version; `als versions` lists what is stored",
                )
            with lock_of(view.database, view), view.switched_to(version.id):
                pass

    def left_keys(self) -> set[str]:
        """Return the keys of all versions that are newer than the shown one: a rollback left them."""
        keys: set[str] = set()
        for version in self.stored():
            if version.is_current:
                return keys
            keys.add(version.manifest.key)
        return set()

    def check_replaceable(self) -> None:
        """Return when the database can be reached and als-cli made all views that lists would replace.

        Raises
        ------
        ConfigError
            als-cli did not make one of them.
        ResourceError
            The database cannot be reached.
        """
        driver_of(address_of(self.config))  # a file that does not exist yet is not opened
        with self.view() as view:
            if view is not None:
                view.check_replaceable()

    def published(self) -> Manifest | None:
        """Return the manifest of the version that the view shows; None if there is none, or rows are missing."""
        with self.view() as view:
            current = None if view is None else view.current()
            if view is None or current is None:
                return None
            (recorded,) = (version for version in view.versions() if version.id == current)
            return _manifest_of(recorded) if view.count(current) == recorded.rows else None

    def _versions(self, view: PublishedView) -> list[StoredVersion]:
        current, found = view.current(), []
        for recorded in view.versions():
            manifest = _manifest_of(recorded)
            if manifest is not None:
                table = ".".join(filter(None, (view.schema, view.tables_of(recorded.id)[0])))
                is_current = recorded.id == current
                found.append(
                    StoredVersion(self, recorded.id, manifest, is_current, 0, table, recorded.previous)
                )
        return found


def published_in_database(config: DatabaseConfig) -> Manifest | None:
    """Return the manifest of the lists that the view in `config` shows; None if there are none, or no database."""
    try:
        return DatabasePlace(config).published()
    except AlsError:
        return None


def _manifest_of(version: RecordedVersion) -> Manifest | None:
    try:
        manifest = Manifest.model_validate_json(version.manifest)
    except ValidationError:
        return None
    is_own = manifest.kind == KIND and manifest.format_version == FORMAT_VERSION
    return manifest if is_own else None
