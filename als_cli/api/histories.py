"""Lists for histories that are in no dataset: sessions, baskets, new users."""

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.demand import weighted_items, with_offset
from als_cli.als.recipe import Recipe
from als_cli.api.arguments import check_frame
from als_cli.api.dataset import Dataset
from als_cli.dataset.interactions import cast_ids, rows_of
from als_cli.errors import ArtifactError, DataError
from als_cli.ranking.item_demand import ModelItems, check_times, weights_in
from als_cli.ranking.masks import Masks
from als_cli.ranking.native_top_n import item_index, top_n_of
from als_cli.ranking.trained_model import TrainedModel, check_same_id_type

_USER, _ITEM, _STRENGTH = "user_id", "item_id", "strength"


def lists_for_histories(
    model: TrainedModel,
    recipe: Recipe,
    histories: pl.DataFrame,
    dataset: Dataset | None,
    top_n: int,
    exclude_seen: bool,
) -> pl.DataFrame:
    """Return lists for `histories`; see :meth:`als_cli.api.model.Model.recommend_histories`."""
    check_frame(histories, "histories")
    users, history = _matrix(histories, model.item_ids)
    weights = None
    if not recipe.demand.is_neutral:
        if dataset is None:
            raise ArtifactError(
                "the ranking of this model depends on demand", hint="give the dataset with the newest events"
            )
        check_same_id_type("item", dataset.item_ids, model.item_ids)
        check_times(dataset.interactions, recipe)
        items = ModelItems(dataset.interactions, model.item_ids)
        weights = weights_in(recipe.demand, dataset.interactions, items)
    folded = recipe.fold_in(model.factors.items, history)
    index = item_index(weighted_items(model.factors.items, weights, recipe.demand.offset))
    masks = Masks(seen=history) if exclude_seen else Masks()
    top = top_n_of(
        index,
        with_offset(folded, weights, recipe.demand.offset),
        top_n,
        masks,
        threads=recipe.settings.threads,
    )
    has_list = np.diff(history.indptr) > 0
    rows, slots = np.nonzero(top.filled & has_list[:, None])
    return pl.DataFrame(
        {
            _USER: users.gather(rows),
            "rank": pl.Series(slots + 1, dtype=pl.Int32),
            _ITEM: model.item_ids.gather(top.item_rows[rows, slots]),
            "score": top.scores[rows, slots],
        }
    )


def _matrix(histories: pl.DataFrame, item_ids: pl.Series) -> tuple[pl.Series, csr_matrix]:
    """Return the users of `histories`, sorted, and the strengths of their items, (B, I). Strengths of a pair are added."""
    missing = [name for name in (_USER, _ITEM) if name not in histories.columns]
    if missing:
        raise DataError(
            f"the histories have no column {' or '.join(missing)}",
            hint="name the columns user_id and item_id",
        )
    cast = cast_ids(histories[_ITEM], item_ids.dtype)
    if cast.null_count() > histories[_ITEM].null_count():
        wrong = histories[_ITEM].filter(cast.is_null() & histories[_ITEM].is_not_null())[0]
        raise DataError(
            f"{wrong!r} cannot be an item id: ids are {item_ids.dtype}", hint=f"an id is {item_ids[0]!r}"
        )
    strength = pl.col(_STRENGTH) if _STRENGTH in histories.columns else pl.lit(1.0).alias(_STRENGTH)
    users = histories[_USER].drop_nulls().unique().sort()
    pairs = (
        histories.select(_USER, strength.cast(pl.Float64))
        .with_columns(row=rows_of(item_ids, cast))
        .filter(pl.col(_USER).is_not_null() & (pl.col("row") >= 0))
        .group_by(_USER, "row")
        .agg(pl.col(_STRENGTH).sum())
        .filter(pl.col(_STRENGTH) > 0)
        .sort(_USER, "row")
    )
    counts = np.bincount(rows_of(users, pairs[_USER]), minlength=len(users))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    values = pairs[_STRENGTH].to_numpy().astype(np.float32)
    matrix = csr_matrix((values, pairs["row"].to_numpy(), indptr), shape=(len(users), len(item_ids)))
    matrix.has_sorted_indices = True
    return users, matrix
