"""A Delta table with lists: its commits by als-cli, and their manifests.

Each commit of als-cli has an application transaction with the id `als-cli` and a number made from the key of the lists.
So the newest commit tells whether a run has written its lists already. The manifest of the lists is in the same commit.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import polars as pl
import pyarrow as pa
from pydantic import ValidationError

from als_cli.errors import ArtifactError, ConfigError, ResourceError, refusals_at
from als_cli.storage.manifest import FORMAT_VERSION, Manifest
from als_cli.storage.sinks.target import KIND

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

_APPLICATION = "als-cli"
_KEY, _MANIFEST, _RESTORED = "als_key", "als_manifest", "als_restored_version"
_MAINTENANCE = ("OPTIMIZE", "VACUUM START", "VACUUM END")
"""Operations that do not change the rows of a table."""


_UNNAMED_HOURS = 168


@dataclass(frozen=True)
class DeltaCommit:
    """A commit of als-cli."""

    version: int
    """Version of the Delta table."""
    key: str
    manifest: Manifest
    restored: int | None
    """The version that a rollback restored."""


def shortfall_table(path: Path) -> Path:
    """Return the path of the Delta table with the shortfall of the lists at `path`."""
    return path.with_name(f"{path.name}.shortfall")


def require_deltalake() -> None:
    """Return when deltalake is installed.

    Raises
    ------
    ConfigError
        It is not installed.
    """
    try:
        import deltalake  # noqa: F401 - only its presence counts
    except ImportError:
        raise ConfigError(
            "recommend.output.format delta needs deltalake, which is not installed",
            hint="pip install 'als-cli[delta]'",
        ) from None


def open_table(path: Path) -> "DeltaTable | None":
    """Return the newest version of the Delta table at `path`, None if there is none.

    Raises
    ------
    ResourceError
        It cannot be read.
    """
    from deltalake import DeltaTable

    with delta_errors(path):
        return DeltaTable(str(path)) if DeltaTable.is_deltatable(str(path)) else None


def table_at(path: Path, version: int | None = None) -> "DeltaTable":
    """Return `version` of the Delta table at `path`; None: the newest one.

    Raises
    ------
    ResourceError
        It cannot be read.
    """
    from deltalake import DeltaTable

    with delta_errors(path):
        return DeltaTable(str(path), version=version)


def check_own_table(path: Path) -> None:
    """Return when `path` does not exist, is an empty folder, or is a Delta table that als-cli has written.

    Raises
    ------
    ConfigError
        als-cli did not make what is there.
    """
    if not os.path.lexists(path) or (path.is_dir() and not any(path.iterdir())):
        return
    table = open_table(path)
    if table is None or path.is_symlink() or table.transaction_version(_APPLICATION) is None:
        raise ConfigError(
            f"{path} was not made by als, so als does not publish there",
            hint="move it away, or choose another path",
        )


def check_types(path: Path, schema: pl.Schema) -> None:
    """Return when rows of `schema` can be merged into the table at `path`: no column changes its type.

    Raises
    ------
    ConfigError
        A column has another type in the table.
    """
    table = open_table(path)
    if table is None:
        return
    old = pl.DataFrame(pl.from_arrow(pa.schema(table.schema().to_arrow()).empty_table())).schema
    for name, dtype in schema.items():
        if old.get(name, dtype) != dtype:
            raise ConfigError(
                f"{path}: column {name} has type {old[name]} in the table, but {dtype} in the new lists",
                hint="choose another path, or set recommend.output.mode to overwrite",
            )


def is_written(table: "DeltaTable", key: str) -> bool:
    """Return whether `table` has exactly the lists of `key`: its last change of rows is the commit of these lists."""
    newest = next((entry for entry in table.history() if entry["operation"] not in _MAINTENANCE), None)
    is_same = newest is not None and newest.get(_KEY) == key
    return is_same and table.transaction_version(_APPLICATION) == _number(key)


def properties_of(manifest: Manifest, restored: int | None = None) -> "CommitProperties":
    """Return the properties of a commit of lists with `manifest`; `restored` is the version of a rollback."""
    from deltalake import CommitProperties, Transaction

    fields = {_KEY: manifest.key, _MANIFEST: manifest.model_dump_json()}
    if restored is not None:
        fields[_RESTORED] = str(restored)
    return CommitProperties(
        custom_metadata=fields, app_transactions=[Transaction(_APPLICATION, _number(manifest.key))]
    )


def commits_of(table: "DeltaTable") -> list[DeltaCommit]:
    """Return the commits of lists in `table`, the newest first. Commits with broken manifests are left out."""
    found = []
    for entry in table.history():
        try:
            manifest = Manifest.model_validate_json(entry.get(_MANIFEST, ""))
        except ValidationError:
            continue
        if manifest.kind == KIND and manifest.format_version == FORMAT_VERSION:
            restored = entry.get(_RESTORED)
            found.append(
                DeltaCommit(
                    entry["version"], manifest.key, manifest, None if restored is None else int(restored)
                )
            )
    return found


def shown_version(commits: Sequence[DeltaCommit]) -> int | None:
    """Return the version whose lists the table has after `commits`, the newest first; None without any."""
    if not commits:
        return None
    return commits[0].version if commits[0].restored is None else commits[0].restored


def _by_succession(commits: Sequence[DeltaCommit]) -> list[int]:
    """Return the versions with lists: the present one, those that it follows, and then those that a rollback left."""
    written = {one.version: number for number, one in enumerate(commits) if one.restored is None}
    followed, one = list[int](), shown_version(commits)
    while one is not None and one in written:
        followed.append(one)
        one = shown_version(commits[written[one] + 1 :])
    return [*followed, *(version for version in written if version not in followed)]


def has_files(path: Path, version: int) -> bool:
    """Return whether all files of `version` of the table at `path` still exist."""
    from deltalake import DeltaTable

    try:
        with delta_errors(path):
            return all(_path_of(uri).exists() for uri in DeltaTable(str(path), version=version).file_uris())
    except ResourceError:
        return False


@contextmanager
def delta_errors(path: Path) -> Iterator[None]:
    """Turn errors of deltalake while the table at `path` is used into errors of als-cli."""
    from deltalake.exceptions import CommitFailedError, DeltaError, SchemaMismatchError

    with refusals_at(path):
        try:
            yield
        except CommitFailedError as other:
            raise ResourceError(
                f"{path}: another program changed the table during this run: {_first_line(other)}",
                hint="run again; the lists in the table are unchanged by this run",
            ) from other
        except SchemaMismatchError as other:
            raise ConfigError(
                f"{path}: the lists have other columns than the table: {_first_line(other)}",
                hint="choose another path, or set recommend.output.mode to overwrite",
            ) from other
        except (DeltaError, OSError) as failure:
            if isinstance(failure, OSError) and failure.errno is not None:
                raise
            raise _described(path, failure) from failure


def _described(path: Path, failure: Exception) -> Exception:
    text = str(failure)
    for mark, error in (
        ("No space left", 28),
        ("Permission denied", 13),
        ("os error 28", 28),
        ("os error 13", 13),
    ):
        if mark in text:
            return OSError(error, os.strerror(error), str(path))
    if "missing file" in text:
        return ArtifactError(f"{path}: {_first_line(failure)}", hint="choose another version")
    return ResourceError(f"{path}: {_first_line(failure)}", hint="check the table and the disk")


def _first_line(failure: Exception) -> str:
    return (str(failure).strip().splitlines() or [type(failure).__name__])[0]


def _number(key: str) -> int:
    """Return the number of the application transaction of lists with `key`."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:15], 16)


def _path_of(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path)) if uri.startswith("file:") else Path(uri)


def vacuum(path: Path, keep: int) -> None:
    """Remove the files that none of the last `keep` versions of the lists needs, and files of killed runs.

    Files that no commit names may belong to a writer that has not committed yet. They are removed after a week.
    """
    for hours, unnamed in ((0, False), (_UNNAMED_HOURS, True)):
        table = open_table(path)
        if table is None:
            return
        kept = sorted({*_by_succession(commits_of(table))[:keep], table.version()})
        with delta_errors(path):
            vacuum_now = partial(
                table.vacuum, hours, enforce_retention_duration=False, full=unnamed, keep_versions=kept
            )
            # Each vacuum makes two commits, also without any file.
            if any((path / name).exists() for name in vacuum_now(dry_run=True)):
                vacuum_now(dry_run=False)
