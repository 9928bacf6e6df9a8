"""Datasets in Python: checked interactions from a table of events, or from a workspace."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from scipy.sparse import csr_matrix

from als_cli.api.arguments import check_frame
from als_cli.api.context import Workspace, in_section
from als_cli.dataset.ingest_report import IngestReport
from als_cli.dataset.interactions import Interactions, cast_ids, rows_of
from als_cli.errors import DataError
from als_cli.stages.ingest import ingest
from als_cli.storage.dataset_files import StoredDataset, open_dataset
from als_cli.storage.run_locks import run_locks

_EVENTS = "events.parquet"


class Dataset:
    """Users, items and the strengths of their pairs, checked and aggregated as by ``als ingest``."""

    def __init__(
        self, workspace: Workspace, stored: StoredDataset, report: IngestReport | None = None
    ) -> None:
        """Use :meth:`open` or :meth:`from_events` instead."""
        self._workspace = workspace
        self._stored = stored
        self.report = report
        """Counts of read, rejected and kept events; None for a dataset that was opened."""

    @classmethod
    def open(cls, workspace: str | Path) -> "Dataset":
        """Return the dataset that ``als ingest`` published in `workspace`.

        Raises
        ------
        ArtifactError
            The dataset is missing or broken, or has another format version.
        """
        place = Workspace(workspace)
        return cls(place, open_dataset(place.folder / "dataset"))

    @classmethod
    def from_events(
        cls,
        events: pl.DataFrame | pl.LazyFrame,
        *,
        columns: Mapping[str, str] | None = None,
        workspace: str | Path | None = None,
        **settings: Any,
    ) -> "Dataset":
        """Return the dataset of `events`, one row per event.

        `columns` are the names of its columns, as in config section `events.columns`: ``{"user": …, "item": …, "timestamp":
        …, "type": …, "value": …}``. By default it has user_id and item_id only. `settings` are keys of config section `events`, for example ``types={"view": 1.0, "purchase": 10.0}``. The
        dataset is published in `workspace`. By default it is in a temporary folder, which is removed with the dataset.

        Raises
        ------
        ConfigError
            A column is missing, or a setting is unknown or wrong.
        DataError
            `events` is no frame of polars, there are too many bad rows, or too few interactions are left.
        """
        check_frame(events, "events", lazy=True)
        place = Workspace(workspace)
        place.folder.mkdir(parents=True, exist_ok=True)
        named = in_section("columns", columns or {})
        source = Workspace(None)
        path = source.folder / _EVENTS
        events.lazy().sink_parquet(path)
        context = place.context({"events.source": str(path)} | in_section("events", named | settings))
        with run_locks("ingest", context.config):
            report = ingest(context)
        return cls(place, open_dataset(context.dataset_place), report)

    @property
    def interactions(self) -> Interactions:
        """Id tables, matrix and times in memory."""
        return self._stored.interactions

    @property
    def stored(self) -> StoredDataset:
        """The files of the dataset."""
        return self._stored

    @property
    def place(self) -> Path:
        """The folder that the dataset is published at."""
        return self._workspace.folder / "dataset"

    @property
    def workspace(self) -> Path:
        """The folder of all artifacts."""
        return self._workspace.folder

    @property
    def user_ids(self) -> pl.Series:
        """(U,) user ids, sorted; row r of the matrix belongs to id r."""
        return self.interactions.user_ids

    @property
    def item_ids(self) -> pl.Series:
        """(I,) item ids, sorted; column r of the matrix belongs to id r."""
        return self.interactions.item_ids

    @property
    def matrix(self) -> csr_matrix:
        """(U, I) float32 strengths, memory-mapped and read-only."""
        return self.interactions.matrix

    def events(self) -> pl.LazyFrame:
        """Return the clean events: user_id, item_id, timestamp, weight, value.

        Raises
        ------
        ArtifactError
            The file of the events is broken.
        """
        return self._stored.scan_events()

    def history(self, user: Any) -> pl.DataFrame:
        """Return item_id and strength (Float32) of the items of `user`, the strongest first.

        Raises
        ------
        DataError
            The dataset has no user with this id.
        """
        wanted = cast_ids(pl.Series("user_id", [user]), self.user_ids.dtype)
        row = int(rows_of(self.user_ids, wanted)[0])
        if row < 0:
            raise DataError(f"no user {user!r} in the dataset", hint="`Dataset.user_ids` has all users")
        pairs = slice(self.matrix.indptr[row], self.matrix.indptr[row + 1])
        strength = pl.Series("strength", self.matrix.data[pairs])
        items = self.item_ids.gather(self.matrix.indices[pairs])
        return pl.DataFrame([items, strength]).sort("strength", descending=True, maintain_order=True)

    def __repr__(self) -> str:
        users, items = self.matrix.shape
        return f"Dataset({users:,} users, {items:,} items, {self.matrix.nnz:,} pairs)"
