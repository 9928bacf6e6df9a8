"""The model on disk: one Arrow file per side, with ids and float32 factors. Arrow tools can map it without a copy.

Files: user_factors.arrow (user_id, factors), item_factors.arrow (item_id, factors, interactions), manifest.json.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from als_cli.als.engine import Factors
from als_cli.als.recipe import Recipe, recipe_from_json
from als_cli.arrays import Float32Array
from als_cli.errors import ArtifactError
from als_cli.ranking.trained_model import TrainedModel
from als_cli.storage.manifest import Manifest, current_artifact

USER_FACTORS = "user_factors.arrow"
ITEM_FACTORS = "item_factors.arrow"


@dataclass(frozen=True)
class Model(TrainedModel):
    """An opened model with memory-mapped factors."""

    folder: Path
    manifest: Manifest

    def recipe(self, threads: int) -> Recipe:
        """Return the recipe of the model's training, which folds in new histories on `threads` threads.

        Raises
        ------
        ArtifactError
            The manifest has no valid recipe.
        """
        try:
            interactions = self.item_interactions.to_numpy().astype(np.int64)
            return recipe_from_json(self.manifest.metrics["recipe"], interactions, threads)
        except (KeyError, TypeError) as missing:
            raise ArtifactError(
                f"{self.folder} has no valid training recipe in its manifest", hint="run `als train` again"
            ) from missing


def write_model(folder: Path, users: pl.DataFrame, items: pl.DataFrame, factors: Factors) -> None:
    """Write the factors and the ids of both sides into `folder`.

    `users` has column user_id; `items` has columns item_id and interactions. Rows are in the order of the factors.
    """
    _write_side(folder / USER_FACTORS, users.select("user_id"), factors.users)
    _write_side(folder / ITEM_FACTORS, items.select("item_id", "interactions"), factors.items)


def open_model(place: Path) -> Model:
    """Return the current model in `place`, the workspace's ``models`` folder.

    Raises
    ------
    ArtifactError
        The model is missing or broken, or has another format version.
    """
    folder, manifest = current_artifact(place, "model")
    user_table, user_factors = _read_side(folder / USER_FACTORS)
    item_table, item_factors = _read_side(folder / ITEM_FACTORS)
    return Model(
        user_table["user_id"],
        item_table["item_id"],
        item_table["interactions"],
        Factors(user_factors, item_factors),
        folder,
        manifest,
    )


def _write_side(path: Path, ids: pl.DataFrame, factors: Float32Array) -> None:
    values = pa.array(np.ascontiguousarray(factors, dtype=np.float32).reshape(-1))
    # compat_level gives plain string columns, which all Arrow readers support.
    table = ids.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    table = table.append_column("factors", pa.FixedSizeListArray.from_arrays(values, factors.shape[1]))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)  # one uncompressed record batch, so that the factors can be memory-mapped


def _read_side(path: Path) -> tuple[pl.DataFrame, Float32Array]:
    try:
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
        column = batch.column("factors")
        factors = (
            column.flatten().to_numpy(zero_copy_only=True).reshape(batch.num_rows, column.type.list_size)
        )
        table = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch.drop_columns(["factors"])])))
    except (OSError, KeyError, ValueError, pa.ArrowException) as broken:
        raise ArtifactError(f"{path} cannot be read: {broken}", hint="run `als train` again") from broken
    return table, factors
