"""The dataset on disk: Parquet id tables, the matrix as arrays that can be memory-mapped, clean events.

Files: users.parquet, items.parquet, matrix_indptr.npy (int64), matrix_indices.npy (int32), matrix_strength.npy
(float32), matrix_time.npy (int64, only if all events have timestamps), events.parquet (clean events, see CLEAN_EVENT_COLUMNS), rejected.parquet,
titles.parquet (only if a column of titles is mapped, see TITLE_COLUMNS), manifest.json.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.config.events import EventsConfig
from als_cli.dataset.interactions import Interactions
from als_cli.events.sources import declared_sources
from als_cli.storage.array_files import map_array, write_array
from als_cli.storage.id_tables import (
    COUNT,
    INSTANT,
    UNREADABLE,
    check_instants,
    check_parquet_sizes,
    check_types,
    read_id_table,
)
from als_cli.storage.manifest import InputFile, Manifest, current_artifact, stage_key
from als_cli.storage.matrix_checks import check_columns, check_row_starts, check_strengths, check_times
from als_cli.storage.publish import current_version
from als_cli.storage.repair import broken
from als_cli.tables.partitions import partition_values

EVENTS = "events.parquet"
REJECTED = "rejected.parquet"
TITLES = "titles.parquet"
_TIME = "time"
_MATRIX = ("indptr", "indices", "strength")
_ARRAYS: dict[str, type[np.generic]] = {
    "indptr": np.int64,
    "indices": np.int32,
    "strength": np.float32,
    _TIME: np.int64,
}
_SIDE = {"interactions": COUNT, "events": COUNT, "first_time": INSTANT, "last_time": INSTANT}
"""Columns of the tables of users and items, beside the ids."""
_EVENT = {"timestamp": INSTANT, "weight": pl.Float64(), "value": pl.Float64()}
"""Columns of the clean events, beside the ids (CLEAN_EVENT_COLUMNS)."""
_TYPE = {"type": pl.String()}
"""The types of the events, which only the datasets of some configs have."""


@dataclass(frozen=True)
class StoredDataset:
    """An opened dataset: memory-mapped interactions, and events as a lazy scan."""

    folder: Path
    manifest: Manifest
    interactions: Interactions

    def scan_events(self) -> pl.LazyFrame:
        """Return the clean events (CLEAN_EVENT_COLUMNS).

        Raises
        ------
        ArtifactError
            The file of the events is broken.
        """
        path = self.manifest.file(self.folder, EVENTS)
        with _reading(path):
            check_parquet_sizes(path)
            events = pl.scan_parquet(path, glob=False)
            schema = events.collect_schema()
            for ids in ("user_id", "item_id"):
                check_types(schema, ids, _EVENT | _TYPE if "type" in schema else _EVENT)
            return events

    def titles(self) -> pl.DataFrame | None:
        """Return the titles of items (TITLE_COLUMNS), None if no column of titles is mapped.

        Raises
        ------
        ArtifactError
            The file of the titles is broken.
        """
        return _titles_in(self.folder, self.manifest)


def dataset_key(signal: EventsConfig, inputs: Sequence[InputFile]) -> str:
    """Return the hash of all that a dataset depends on: section `events`, and contents and partitions of `inputs`."""
    recipe = signal.model_dump(mode="json", exclude={"source", "columns", "tables"})
    sources = [(source.fmt.model_dump(), source.columns) for source in declared_sources(signal)]
    tables = {
        name: table.model_dump(mode="json", exclude={"path"}) for name, table in signal.further_tables.items()
    }
    return stage_key(
        events=recipe,
        sources=sources,
        tables=tables,
        inputs=[(file.sha256, partition_values(file.path)) for file in inputs],
    )


def write_interactions(folder: Path, interactions: Interactions) -> None:
    """Write the id tables and the matrix into `folder`."""
    interactions.users.write_parquet(folder / "users.parquet")
    interactions.items.write_parquet(folder / "items.parquet")
    matrix = interactions.matrix
    for name, values in zip(_MATRIX, (matrix.indptr, matrix.indices, matrix.data), strict=True):
        write_array(_array_file(folder, name), values.astype(_ARRAYS[name], copy=False))
    if interactions.times is not None:
        write_array(_array_file(folder, _TIME), interactions.times.data)


def open_dataset(place: Path) -> StoredDataset:
    """Return the current dataset in `place`, the workspace's ``dataset`` folder.

    Raises
    ------
    ArtifactError
        The dataset is missing or broken, or has another format version.
    """
    folder, manifest = current_artifact(place, "dataset")
    users = _read_side(folder, manifest, "users.parquet", "user_id")
    items = _read_side(folder, manifest, "items.parquet", "item_id")
    strength, times = _read_matrices(folder, manifest, (users.height, items.height))
    newest = users["last_time"].max()
    return StoredDataset(folder, manifest, Interactions(users, items, strength, newest, times))  # type: ignore[arg-type]


def read_titles(place: Path) -> pl.DataFrame | None:
    """Return the titles of items (TITLE_COLUMNS) of the current dataset in `place`; None without a dataset or titles.

    Raises
    ------
    ArtifactError
        The dataset or the file of the titles is broken.
    """
    if current_version(place) is None:
        return None
    return _titles_in(*current_artifact(place, "dataset"))


def _titles_in(folder: Path, manifest: Manifest) -> pl.DataFrame | None:
    if not any(file.path == TITLES for file in manifest.outputs):
        return None
    path = manifest.file(folder, TITLES)
    with _reading(path):
        check_parquet_sizes(path)
        check_types(pl.scan_parquet(path, glob=False).collect_schema(), "item_id", {"title": pl.String()})
        return pl.read_parquet(path, glob=False)


def _read_side(folder: Path, manifest: Manifest, name: str, ids: str) -> pl.DataFrame:
    path = manifest.file(folder, name)
    with _reading(path):
        return read_id_table(path, ids, _SIDE)


def _read_matrices(
    folder: Path, manifest: Manifest, shape: tuple[int, int]
) -> tuple[csr_matrix, csr_matrix | None]:
    """Return the matrices of strengths and of times, (U, I) each; the times are None if the dataset has none."""

    def read(name: str, check: Callable[[Any], None]) -> Any:
        path = manifest.file(folder, _array_file(folder, name).name)
        with _reading(path):
            values = map_array(path, _ARRAYS[name])
            check(values)
        return values

    users, items = shape
    indptr = read("indptr", lambda values: check_row_starts(values, users))
    pairs = int(indptr[-1])
    indices = read("indices", lambda values: check_columns(values, indptr, items))
    strength = read("strength", lambda values: check_strengths(values, pairs))
    matrix = csr_matrix((strength, indices, indptr), shape=shape)
    if not any(file.path == _array_file(folder, _TIME).name for file in manifest.outputs):
        return matrix, None
    times = read(_TIME, lambda values: check_times(values, pairs))
    return matrix, csr_matrix((times, indices, indptr), shape=shape)


@contextmanager
def reading_events(place: Path) -> Iterator[None]:
    """Turn a failure in this block into an ArtifactError if the events of the dataset in `place` are its cause.

    The pages of the events are decoded when a query reads them, not when they are opened. So they are checked only after
    a failure of polars, or of a value that is no valid time: all pages are then decoded once more. If they are valid,
    the failure passes.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, OverflowError):
        folder = current_version(place)
        if folder is not None:
            _check_events(folder / EVENTS)
        raise


def _check_events(path: Path) -> None:
    with _reading(path):
        events = pl.scan_parquet(path, glob=False)
        for name, dtype in events.collect_schema().items():
            values = events.select(name).collect().to_series()
            if dtype == INSTANT:
                check_instants(values)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn errors in the content of the file at `path` into an ArtifactError."""
    try:
        yield
    except UNREADABLE as unreadable:
        raise broken(path, "dataset", unreadable) from unreadable


def _array_file(folder: Path, name: str) -> Path:
    return folder / f"matrix_{name}.npy"
