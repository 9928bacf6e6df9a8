"""Lists on disk, by the path or by the version that a command names."""

import glob
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from als_cli.config.source import TableFormat
from als_cli.errors import ArtifactError, ConfigError, DataError
from als_cli.evaluation.list_tables import (
    LIST_COLUMNS,
    ROWS_PER_BLOCK,
    TEXT_ROWS_PER_BLOCK,
    ListTable,
    list_table,
)
from als_cli.storage.manifest import Manifest, file_sha256, read_manifest, read_manifest_at
from als_cli.storage.ownership import MANIFEST
from als_cli.storage.publish import current_version
from als_cli.storage.publish_file import current_file_version, manifest_beside
from als_cli.storage.sinks.list_files import changes_names, shortfall_name, tables_of
from als_cli.storage.sinks.part_files import NO_VALUE
from als_cli.storage.sinks.target import KIND, SUFFIX_OF_FORMAT
from als_cli.storage.versions import Place, VersionedPlace, version_named
from als_cli.tables.scan import TableFile, reading, scan_file

_TEXT = (".csv", ".ndjson")
_VERSION_ID = re.compile(r"\d{8}T\d{12}-[0-9a-f]{6}")


@dataclass(frozen=True)
class StoredLists:
    """The lists of one version, or at a path."""

    path: str
    """Folder of the version, or the path as given."""
    version: str | None
    """Id of the version; None if the path is not that of a version."""
    manifest: Manifest | None
    """Manifest of the lists; None if there is none for them."""
    table: ListTable

    @property
    def instant(self) -> datetime | None:
        """The instant that the lists were made for: `events.as_of`, or else the time of their run."""
        return None if self.manifest is None else self.manifest.as_of or self.manifest.created


def lists_at(text: str, place: Place | None) -> StoredLists:
    """Return the lists that `text` names: a file, a folder, or the id of a version of `place`.

    Raises
    ------
    ArtifactError
        The manifest of the lists or one of their files is broken.
    ConfigError
        `place` has no version with this id.
    DataError
        There are no lists at the path, or they cannot be read.
    """
    path = Path(text)
    if not path.exists():
        if _VERSION_ID.fullmatch(text) and place is not None:
            stored = version_named([place], text)
            return lists_of_version(Path(stored.path), stored.manifest)
        hint = "name a file or a folder of lists, or a version that `als versions` lists"
        raise DataError(f"there are no lists at {text}", hint=hint)
    version = current_version(path) if path.is_dir() else current_file_version(path)
    if version is None and (path / MANIFEST).is_file():
        version = path.resolve()
    if version is not None:
        return lists_of_version(version, read_manifest(version, KIND))
    return StoredLists(text, None, _manifest_of_copy(path), _table(text, _files(path), path))


def lists_of_version(version: Path, manifest: Manifest) -> StoredLists:
    """Return the lists in the folder `version`, after a check of their checksums.

    Raises
    ------
    ArtifactError
        A file is missing or differs from the manifest.
    """
    files = [manifest.file(version, str(path.relative_to(version))) for path in tables_of(version, manifest)]
    return StoredLists(str(version), version.name, manifest, _table(str(version), files, version, own=True))


def lists_in(folder: Path, name: str) -> ListTable:
    """Return the lists in the folder of a version that is not published yet; `name` is the name of their path."""
    return _table(str(folder / name), _files(folder / name), folder, own=True)


def lists_in_file(name: str, file: Path) -> ListTable:
    """Return the lists in a Parquet file that als wrote; `name` is the name of the lists."""
    return _table(name, [file], file, own=True)


def _files(path: Path) -> list[Path]:
    """Return the file `path`, or the files of lists in the folder `path`, sorted."""
    if path.is_file():
        return [path]
    suffixes = set(SUFFIX_OF_FORMAT.values())
    found = sorted(
        file
        for file in path.rglob("*")
        if file.suffix in suffixes
        and not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)
    )
    if not found:
        raise DataError(
            f"there are no lists in {path}",
            hint="name a folder with files in the formats of recommend.output",
        )
    beside = {shortfall_name(one) for one in found} | {name for one in found for name in changes_names(one)}
    return [file for file in found if file.name not in beside]


def _table(name: str, files: list[Path], top: Path, *, own: bool = False) -> ListTable:
    """Return the lists in `files`; `own`: als wrote them, so their sizes need no check.

    The folders between `top` and a file can be Hive partitions, whose columns are not in the file.
    """
    if not files:
        raise DataError(f"there are no lists in {name}", hint="run `als recommend` again")
    scans = []
    for file in files:
        if file.suffix == SUFFIX_OF_FORMAT["resp"]:
            raise DataError(
                f"{file} has commands for a cache, which cannot be read again",
                hint="write the lists to Parquet, CSV, NDJSON or Arrow files too",
            )
        with reading(str(file)):
            empty = file.stat().st_size == 0
        if not empty:  # NDJSON without rows
            scan = _scan_own(file) if own else scan_file(TableFile(str(file), file), TableFormat())
            scans.append(scan.with_columns(_partitions(file.relative_to(top))))
    if not scans:
        raise DataError(f"{name} has no lists", hint="compare lists with at least one row")
    is_text = any(file.suffix in _TEXT for file in files)
    with reading(name):
        rows = pl.concat(scans, how="vertical_relaxed")
    return list_table(name, rows, TEXT_ROWS_PER_BLOCK if is_text else ROWS_PER_BLOCK)


def _partitions(file: Path) -> list[pl.Expr]:
    """Return the columns of lists that are in the names of the folders of `file`, such as ``source=als``."""
    values = (part.partition("=") for part in file.parts[:-1])
    return [
        pl.lit(None if text == NO_VALUE else unquote(text), pl.String).alias(unquote(name))
        for name, _, text in values
        if unquote(name) in LIST_COLUMNS
    ]


def _scan_own(file: Path) -> pl.LazyFrame:
    """Return a scan of a file of lists that als wrote. Lists of many users can be much smaller than their content."""
    with reading(str(file)):
        if file.suffix == ".csv":
            return pl.scan_csv(file, infer_schema=False, glob=False)
        if file.suffix == ".ndjson":
            return pl.scan_ndjson(glob.escape(str(file)), infer_schema_length=None)
        return pl.scan_ipc(file, glob=False) if file.suffix == ".arrow" else pl.scan_parquet(file, glob=False)


def _manifest_of_copy(path: Path) -> Manifest | None:
    """Return the manifest beside `path` if it describes the files there: lists that were copied from an output."""
    beside = manifest_beside(path)
    if not beside.is_file():
        return None
    try:
        manifest = read_manifest_at(beside, KIND)
    except ArtifactError:
        return None
    hashes = {one.sha256 for one in manifest.outputs}
    with reading(str(path)):
        is_described = all(file_sha256(file) in hashes for file in _files(path))
    return manifest if is_described else None


def require_place(place: VersionedPlace | None, command: str) -> VersionedPlace:
    """Return `place`.

    Raises
    ------
    ConfigError
        There is none, because the lists are written to stdout.
    """
    if place is None:
        raise ConfigError(
            f"`als {command}` needs versions of the lists, but recommend.output.path is stdout",
            hint="name the lists on the command line",
        )
    return place
