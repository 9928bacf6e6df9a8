"""The model on disk: one Arrow file per side, with ids and float32 factors. Arrow tools can map it without a copy.

Files: user_factors.arrow (user_id, factors, events, newest), item_factors.arrow (item_id, factors, interactions),
manifest.json.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from als_cli.als.engine import Factors
from als_cli.als.recipe import Recipe, recipe_from_json
from als_cli.arrays import Float32Array
from als_cli.errors import ArtifactError
from als_cli.ranking.trained_model import TrainedModel, newest_of
from als_cli.storage.id_tables import COUNT, UNREADABLE, check_ids, check_types
from als_cli.storage.manifest import Manifest, current_artifact, stage_key, write_manifest
from als_cli.storage.matrix_checks import check_factors
from als_cli.storage.ownership import MANIFEST
from als_cli.storage.recipe_checks import checked_recipe
from als_cli.storage.repair import broken, one_line

USER_FACTORS = "user_factors.arrow"
ITEM_FACTORS = "item_factors.arrow"
ITERATION_SECONDS = "iteration_seconds"
"""Key in `metrics` of the manifest: the seconds of each iteration."""
_FACTORS = "factors"
_MAXIMUM_FACTORS = 1 << 16


@dataclass(frozen=True)
class ItemSide:
    """The items of an opened model, with memory-mapped factors."""

    item_ids: pl.Series
    """(I,) item ids by row."""
    item_interactions: pl.Series
    """(I,) users per item at training time, UInt32."""
    item_factors: Float32Array
    """(I, f)"""
    folder: Path
    manifest: Manifest

    def recipe(self, threads: int) -> Recipe:
        """Return the recipe of the model's training, as :meth:`StoredModel.recipe` does."""
        return _recipe_in(self, threads)


@dataclass(frozen=True)
class StoredModel(TrainedModel):
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
        return _recipe_in(self, threads)

    @property
    def losses(self) -> tuple[float, ...]:
        """Training loss after each iteration, divided by users x items.

        Raises
        ------
        ArtifactError
            The manifest has no valid losses.
        """
        return self._numbers("loss")

    @property
    def iteration_seconds(self) -> tuple[float, ...]:
        """Seconds of each iteration.

        Raises
        ------
        ArtifactError
            The manifest has no valid seconds.
        """
        return self._numbers(ITERATION_SECONDS)

    def _numbers(self, name: str) -> tuple[float, ...]:
        numbers = self.manifest.metrics.get(name)
        if not isinstance(numbers, list) or not all(map(_is_number, numbers)):
            raise broken(self.folder / MANIFEST, "model", f"metrics.{name} is not a list of numbers")
        return tuple(float(number) for number in numbers)


def _is_number(loss: object) -> bool:
    # A number in JSON can be NaN, or too large for a float.
    return isinstance(loss, int | float) and abs(loss) <= sys.float_info.max


def write_model(folder: Path, users: pl.DataFrame, items: pl.DataFrame, factors: Factors) -> None:
    """Write the factors and the ids of both sides into `folder`.

    `users` and `items` are the tables of :class:`als_cli.dataset.interactions.Interactions`. Rows are in the order of the
    factors.
    """
    _write_side(folder / USER_FACTORS, users.select("user_id", "events", newest_of(users)), factors.users)
    _write_side(folder / ITEM_FACTORS, items.select("item_id", "interactions"), factors.items)


def publish_model(folder: Path, model: TrainedModel, recipe: Recipe, config: dict[str, Any]) -> None:
    """Write `model` and `recipe`, which were not trained by a stage, into the staged `folder`; `config` is for the record."""
    events = model.user_events
    if events is None:
        unknown = pl.repeat(0, len(model.user_ids), dtype=COUNT, eager=True)
        events = pl.DataFrame({"events": unknown, "newest": pl.Series([-1] * len(unknown), dtype=pl.Int64())})
    items = pl.DataFrame([model.item_ids, model.item_interactions.alias("interactions")])
    _write_side(folder / USER_FACTORS, pl.DataFrame([model.user_ids, *events]), model.factors.users)
    _write_side(folder / ITEM_FACTORS, items, model.factors.items)
    counts = {"users": len(model.user_ids), "items": len(model.item_ids)}
    metrics = {"loss": [], "recipe": recipe.to_json()}
    write_manifest(
        folder,
        kind="model",
        key=stage_key(recipe=recipe.to_json()),
        config=config,
        counts=counts,
        metrics=metrics,
        seed=recipe.settings.seed,
        threads=recipe.settings.threads,
        seconds=0.0,
    )


def open_model(place: Path) -> StoredModel:
    """Return the current model in `place`, the workspace's ``models`` folder.

    Raises
    ------
    ArtifactError
        The model is missing or broken, or has another format version.
    """
    items = open_items(place)
    folder, manifest, item_factors = items.folder, items.manifest, items.item_factors
    user_columns: dict[str, pl.DataType] = {"events": COUNT, "newest": pl.Int64()}
    user_table, user_factors = _read_side(folder, manifest, USER_FACTORS, "user_id", user_columns)
    if user_factors.shape[1] != item_factors.shape[1]:
        raise broken(
            folder / ITEM_FACTORS,
            "model",
            f"its vectors have {item_factors.shape[1]} factors, those of the users {user_factors.shape[1]}",
        )
    factors = Factors(user_factors, item_factors)
    return StoredModel(
        user_table["user_id"],
        items.item_ids,
        items.item_interactions,
        factors,
        user_table.drop("user_id"),
        folder,
        manifest,
    )


def open_items(place: Path) -> ItemSide:
    """Return the items of the current model in `place`. The users, most of a model, are neither read nor verified.

    Raises
    ------
    ArtifactError
        The model is missing, its manifest or its items are broken, or it has another format version.
    """
    folder, manifest = current_artifact(place, "model")
    table, factors = _read_side(folder, manifest, ITEM_FACTORS, "item_id", {"interactions": COUNT})
    return ItemSide(table["item_id"], table["interactions"], factors, folder, manifest)


def _recipe_in(model: StoredModel | ItemSide, threads: int) -> Recipe:
    try:
        values = checked_recipe(model.manifest.metrics.get("recipe"))
    except ValueError as wrong:
        raise ArtifactError(
            f"{model.folder} has no valid training recipe in its manifest: {one_line(wrong)}",
            hint="run `als train` again",
        ) from wrong
    return recipe_from_json(values, model.item_interactions.to_numpy().astype(np.int64), threads)


def _write_side(path: Path, ids: pl.DataFrame, factors: Float32Array) -> None:
    # Buffers, because pa.array and to_numpy import pandas where it is installed, which takes longer than a small model.
    content = pa.py_buffer(np.ascontiguousarray(factors, dtype=np.float32))
    values = pa.Array.from_buffers(pa.float32(), factors.size, [None, content])
    # compat_level gives plain string columns, which all Arrow readers support.
    table = ids.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    table = table.append_column("factors", pa.FixedSizeListArray.from_arrays(values, factors.shape[1]))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)  # one uncompressed record batch, so that the factors can be memory-mapped


def _read_side(
    folder: Path, manifest: Manifest, name: str, ids: str, columns: dict[str, pl.DataType]
) -> tuple[pl.DataFrame, Float32Array]:
    """Return the ids with the other `columns`, and the factors (R, f), which are not copied."""
    path = manifest.file(folder, name)
    try:
        batch = _only_batch(path, {ids, *columns, _FACTORS})
        factors = _factors_of(batch.column(_FACTORS))
        table = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch.drop_columns([_FACTORS])])))
        check_types(table.schema, ids, columns)
        check_ids(table[ids])
        if any(table[column].null_count() for column in columns):
            raise ValueError(f"a column of {', '.join(columns)} has nulls")
        check_factors(factors)
    except UNREADABLE as unreadable:
        raise broken(path, "model", unreadable) from unreadable
    return table, factors


def _only_batch(path: Path, columns: set[str]) -> pa.RecordBatch:
    """Return the record batch of the Arrow file at `path`, mapped into memory and validated."""
    reader = pa.ipc.open_file(pa.memory_map(str(path)))
    if reader.num_record_batches != 1:
        raise ValueError(f"it has {reader.num_record_batches} record batches instead of one")
    if sorted(reader.schema.names) != sorted(columns):
        raise ValueError(f"it has other columns than {', '.join(sorted(columns))}")
    if not all(_is_supported(field.type) for field in reader.schema):
        raise ValueError("a column has another type")
    batch = reader.get_batch(0)
    # Offsets of texts and lengths of buffers are used without further checks.
    batch.validate(full=True)
    return batch


def _is_supported(dtype: pa.DataType) -> bool:
    if pa.types.is_fixed_size_list(dtype):
        return bool(pa.types.is_float32(dtype.value_type)) and 0 < dtype.list_size <= _MAXIMUM_FACTORS
    return any(
        is_type(dtype) for is_type in (pa.types.is_integer, pa.types.is_string, pa.types.is_large_string)
    )


def _factors_of(column: pa.Array) -> Float32Array:
    if not pa.types.is_fixed_size_list(column.type):
        raise ValueError("column factors has no vectors")
    if column.null_count or column.values.null_count:
        raise ValueError("column factors has nulls")
    size = column.type.list_size
    flat = column.values  # not `flatten`, which imports all compute functions of pyarrow
    start, count = flat.offset + column.offset * size, len(column) * size
    values: Float32Array = np.frombuffer(flat.buffers()[1], np.float32, count, 4 * start)
    if not values.flags.aligned:
        raise ValueError("column factors is not aligned")
    return values.reshape(len(column), size)
