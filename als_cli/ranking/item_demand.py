"""Demand for the items of a model, from the pairs of a dataset that may be newer than the model."""

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.demand import DemandRule, item_weights, recent_and_long_run
from als_cli.als.recipe import Recipe
from als_cli.arrays import Float32Array, Float64Array, Int32Array
from als_cli.dataset.histories import renumber_items, take_histories
from als_cli.dataset.interactions import Interactions, rows_of
from als_cli.errors import ArtifactError


class ModelItems:
    """The item rows of a model for the items of a dataset."""

    def __init__(self, interactions: Interactions, item_ids: pl.Series) -> None:
        """Find the items of `interactions` among `item_ids` (I,), the ids of the model's items."""
        self.count = len(item_ids)
        ids = interactions.item_ids
        self.rows: Int32Array | None = None if ids.equals(item_ids) else rows_of(item_ids, ids)
        """Item row of each item of the dataset, -1 if the model lacks it. None if all rows are equal."""

    def histories(self, matrix: csr_matrix, dataset_rows: Int32Array) -> csr_matrix:
        """Return `dataset_rows` (B,) of strengths or times `matrix`, by the model's item rows: (B, I).

        Items that the model does not know are left out.
        """
        history = take_histories(matrix, dataset_rows)
        return history if self.rows is None else renumber_items(history, self.rows, self.count)

    def take(self, values: Float64Array) -> Float64Array:
        """Return `values`, one per item of the dataset, by item row: (I,). Items that the dataset lacks have zero."""
        if self.rows is None:
            return values
        known = self.rows >= 0
        by_row = np.zeros(self.count)
        by_row[self.rows[known]] = values[known]
        return by_row


def check_times(interactions: Interactions, recipe: Recipe) -> None:
    """Return when the dataset has the times that the `recipe` of a model needs for lists.

    Raises
    ------
    ArtifactError
        The demand or the fold-in of the recipe needs times, but `interactions` have none.
    """
    rule, keys = recipe.demand, list[str]()
    if rule.needs_times:
        keys.append("train.demand")
    if recipe.fold_in_half_life is not None:
        keys.append("train.fold_in.half_life")
    if keys and interactions.times is None:
        raise ArtifactError(
            f"the model depends on recent events ({' and '.join(keys)}), but the dataset has events without timestamps",
            hint="set events.columns.timestamp and run `als ingest`, or run `als train` on this dataset",
        )


def weights_in(rule: DemandRule, interactions: Interactions, items: ModelItems) -> Float32Array | None:
    """Return the weight of each item of a model, from the pairs of a dataset: (I,) float32; None if `rule` is neutral.

    Ages count from the newest event of the dataset, even if the model lacks its item.

    Raises
    ------
    ValueError
        `rule` needs times, but the dataset has none.
    """
    if rule.is_neutral:
        return None
    recent, long_run = recent_and_long_run(rule, interactions.matrix, interactions.times)
    return item_weights(rule, items.take(recent), items.take(long_run))


def demand_facts(
    rule: DemandRule, interactions: Interactions, as_of: datetime | None
) -> dict[str, Any] | None:
    """Return `rule` and its instants for the manifest of lists; None if the rule is neutral.

    `as_of` is the instant that the lists are made for. Default: the time of the newest event.
    """
    if rule.is_neutral:
        return None
    newest = interactions.newest
    return {**rule.to_json(), "as_of": as_of or newest, "newest_event": newest}
