"""The dataset on disk: Parquet id tables, the matrix as arrays that can be memory-mapped, clean events.

Files: users.parquet, items.parquet, matrix_indptr.npy (int64), matrix_indices.npy (int32), matrix_strength.npy
(float32), matrix_time.npy (int64, only if all events have timestamps), events.parquet (clean events, see CLEAN_EVENT_COLUMNS), rejected.parquet, manifest.json.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.config.events import EventsConfig
from als_cli.dataset.interactions import Interactions
from als_cli.errors import ArtifactError
from als_cli.events.sources import declared_sources
from als_cli.storage.manifest import InputFile, Manifest, current_artifact, stage_key

EVENTS = "events.parquet"
REJECTED = "rejected.parquet"
_ARRAYS = {"indptr": np.int64, "indices": np.int32, "strength": np.float32}
_TIME = "time"


@dataclass(frozen=True)
class Dataset:
    """An opened dataset: memory-mapped interactions, and events as a lazy scan."""

    folder: Path
    manifest: Manifest
    interactions: Interactions

    def scan_events(self) -> pl.LazyFrame:
        """Return the clean events (CLEAN_EVENT_COLUMNS)."""
        return pl.scan_parquet(self.folder / EVENTS, glob=False)


def dataset_key(signal: EventsConfig, inputs: Sequence[InputFile]) -> str:
    """Return the hash of all that a dataset depends on: section `events` and the contents of `inputs`."""
    recipe = signal.model_dump(mode="json", exclude={"source", "columns"})
    sources = [(source.fmt.model_dump(), source.columns) for source in declared_sources(signal)]
    return stage_key(events=recipe, sources=sources, inputs=[file.sha256 for file in inputs])


def write_interactions(folder: Path, interactions: Interactions) -> None:
    """Write the id tables and the matrix into `folder`."""
    interactions.users.write_parquet(folder / "users.parquet")
    interactions.items.write_parquet(folder / "items.parquet")
    matrix = interactions.matrix
    for name, values in (("indptr", matrix.indptr), ("indices", matrix.indices), ("strength", matrix.data)):
        np.save(_array_file(folder, name), values.astype(_ARRAYS[name], copy=False), allow_pickle=False)
    if interactions.times is not None:
        np.save(_array_file(folder, _TIME), interactions.times.data, allow_pickle=False)


def open_dataset(place: Path) -> Dataset:
    """Return the current dataset in `place`, the workspace's ``dataset`` folder.

    Raises
    ------
    ArtifactError
        The dataset is missing or broken, or has another format version.
    """
    folder, manifest = current_artifact(place, "dataset")
    try:
        users = pl.read_parquet(folder / "users.parquet", glob=False)
        items = pl.read_parquet(folder / "items.parquet", glob=False)
        names = (*_ARRAYS, _TIME) if _array_file(folder, _TIME).exists() else _ARRAYS
        arrays = {
            name: np.load(_array_file(folder, name), mmap_mode="r", allow_pickle=False) for name in names
        }
    except (OSError, ValueError, pl.exceptions.PolarsError) as broken:
        raise ArtifactError(
            f"the dataset in {folder} cannot be read: {broken}", hint="run `als ingest` again"
        ) from broken
    matrix, times = (
        csr_matrix((arrays[name], arrays["indices"], arrays["indptr"]), shape=(users.height, items.height))
        if name in arrays
        else None
        for name in ("strength", _TIME)
    )
    newest = users["last_time"].max()
    return Dataset(folder, manifest, Interactions(users, items, matrix, newest, times))  # type: ignore[arg-type]


def _array_file(folder: Path, name: str) -> Path:
    return folder / f"matrix_{name}.npy"
