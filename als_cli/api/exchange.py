"""Exchange of models with the library `implicit`."""

from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.confidence import ConfidenceRule, interactions_per_item
from als_cli.als.engine import AlsSettings, Factors
from als_cli.als.openmp import importing_implicit
from als_cli.als.recipe import Recipe
from als_cli.als.threads import available_threads, blas_limited_to
from als_cli.api.model import Model
from als_cli.errors import DataError
from als_cli.ranking.trained_model import TrainedModel


def from_implicit(model: Any, user_items: csr_matrix, user_ids: pl.Series, item_ids: pl.Series) -> Model:
    """Return the fitted `model`, an ``implicit.cpu.als.AlternatingLeastSquares``, with its ids.

    `user_items` (U, I) is the matrix that the model was fitted on. `user_ids` (U,) and `item_ids` (I,) are the ids of its
    rows and columns, in any order. The lists have the same scores as those of ``model.recommend``.

    Raises
    ------
    DataError
        The shapes do not fit, or an id occurs twice or is null.
    """
    users, items = np.asarray(model.user_factors), np.asarray(model.item_factors)
    for side, ids, rows in (("user", user_ids, len(users)), ("item", item_ids, len(items))):
        if len(ids) != rows or ids.null_count() or ids.n_unique() < rows:
            raise DataError(
                f"the model has {rows} {side}s, and there must be as many different {side} ids",
                hint=f"{side}_ids has {len(ids)} values, {ids.n_unique()} of them different",
            )
    if user_items.shape != (len(users), len(items)):
        raise DataError(
            f"user_items is {user_items.shape}, expected {(len(users), len(items))}",
            hint="give the matrix that the model was fitted on",
        )
    by_user, by_item = user_ids.arg_sort().to_numpy(), item_ids.arg_sort().to_numpy()
    counts = interactions_per_item(user_items.tocsr())[by_item]
    trained = TrainedModel(
        user_ids.gather(by_user).alias("user_id"),
        item_ids.gather(by_item).alias("item_id"),
        pl.Series("interactions", counts, dtype=pl.UInt32),
        Factors(_rows(users, by_user), _rows(items, by_item)),
        None,
    )
    settings = AlsSettings(
        factors=users.shape[1],
        regularization=float(model.regularization),
        iterations=int(model.iterations),
        exact=not model.use_cg,
        seed=0,
        threads=available_threads(),
    )
    rule = ConfidenceRule("proportional", alpha=float(model.alpha), epsilon=1.0, scale=1.0)
    return Model(trained, Recipe("implicit", settings, rule, counts))


def to_implicit(model: Model) -> Any:
    """Return a fitted ``implicit.cpu.als.AlternatingLeastSquares`` with the factors of `model`.

    Row r of its factors belongs to ``model.user_ids[r]`` and ``model.item_ids[r]``. It has no demand: its scores are the dot
    products of the factors. Its `regularization` is that of objective hu2008, so ``recalculate_user`` gives other factors
    than a model with another objective.
    """
    with blas_limited_to(1):
        with importing_implicit():
            from implicit.cpu.als import AlternatingLeastSquares

        made = AlternatingLeastSquares(
            factors=model.item_factors.shape[1], regularization=model.recipe.settings.regularization
        )
    made.user_factors = np.array(model.user_factors)
    made.item_factors = np.array(model.item_factors)
    return made


def _rows(factors: np.ndarray, order: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(factors[order], np.float32)
