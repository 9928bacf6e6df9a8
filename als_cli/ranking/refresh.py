"""A model brought up to date with a newer dataset, without training: new items, and users whose events have changed."""

from dataclasses import replace

import numpy as np
import polars as pl

from als_cli.als.engine import Factors
from als_cli.als.engines import engine_named
from als_cli.als.recipe import Recipe
from als_cli.arrays import BoolArray, Int64Array
from als_cli.dataset.interactions import Interactions, rows_of
from als_cli.ranking.trained_model import TrainedModel, check_id_types, newest_of


def with_new_items(
    interactions: Interactions, model: TrainedModel, recipe: Recipe
) -> tuple[TrainedModel, Recipe]:
    """Return `model` and `recipe` with the items of `interactions` that the model does not know.

    The factors of a new item are the exact solution for the fixed factors of the users who have interacted with it, with
    the confidences of the training. Items without a user that the model knows are left out. `item_interactions` of the
    new items are those of the dataset.
    """
    users = rows_of(interactions.user_ids, model.user_ids)
    is_new = rows_of(model.item_ids, interactions.item_ids) < 0
    known_users = np.flatnonzero(users >= 0)
    if not is_new.any() or not len(known_users):
        return model, recipe
    counts = _counts(interactions, model, recipe)
    confidence = recipe.confidence.apply(interactions.matrix, counts)[users[known_users]]
    by_item = confidence.tocsc()[:, np.flatnonzero(is_new)].T.tocsr()
    has_users = np.diff(by_item.indptr) > 0
    fixed = np.ascontiguousarray(model.factors.users[known_users])
    found = engine_named(recipe.engine).fold_in(
        fixed, by_item[has_users], replace(recipe.settings, exact=True)
    )
    new = interactions.items.filter(pl.Series(is_new)).filter(pl.Series(has_users))
    return _joined(model, recipe, new, found)


def refreshed(
    refresh: str, interactions: Interactions, model: TrainedModel, recipe: Recipe
) -> tuple[TrainedModel, Recipe]:
    """Return `model` and `recipe` for lists: with new items unless `refresh` is `none`.

    Raises
    ------
    ArtifactError
        The ids of dataset and model have different types.
    """
    check_id_types(interactions, model)
    return (model, recipe) if refresh == "none" else with_new_items(interactions, model, recipe)


def changed_users(interactions: Interactions, model: TrainedModel) -> BoolArray:
    """Return which users of `interactions` the model knows with other events, (U,). Nobody if the model has no counts.

    A count of zero is unknown, because each training user has an event.
    """
    rows = rows_of(model.user_ids, interactions.user_ids)
    if model.user_events is None:
        return np.zeros(len(rows), bool)
    known = np.maximum(rows, 0)
    now = interactions.users.select("events", newest_of(interactions.users))
    differs = np.zeros(len(rows), bool)
    for name in ("events", "newest"):
        differs |= now[name].to_numpy() != model.user_events[name].to_numpy()[known]
    is_known = (rows >= 0) & (model.user_events["events"].to_numpy()[known] > 0)
    changed: BoolArray = differs & is_known
    return changed


def _counts(interactions: Interactions, model: TrainedModel, recipe: Recipe) -> Int64Array:
    """Return the users of each item of the dataset: at training time, or in the dataset for new items; (I,)."""
    rows = rows_of(model.item_ids, interactions.item_ids)
    now = interactions.items["interactions"].to_numpy().astype(np.int64)
    return np.where(rows >= 0, recipe.item_interactions[np.maximum(rows, 0)], now)


def _joined(
    model: TrainedModel, recipe: Recipe, new: pl.DataFrame, factors: np.ndarray
) -> tuple[TrainedModel, Recipe]:
    """Return `model` and `recipe` with the items of the table `new` and their `factors`, all sorted by id."""
    item_ids = pl.concat([model.item_ids, new["item_id"]])
    order = item_ids.arg_sort().to_numpy()
    interactions = pl.concat([model.item_interactions, new["interactions"]])[order]
    items = np.concatenate([model.factors.items, factors])[order]
    joined = TrainedModel(
        model.user_ids,
        item_ids[order],
        interactions,
        Factors(model.factors.users, np.ascontiguousarray(items)),
        model.user_events,
    )
    return joined, replace(recipe, item_interactions=interactions.to_numpy().astype(np.int64))
