"""Reasons: the items of a history that contribute most to the score of each item in a list."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa
from scipy.sparse import csr_matrix

from als_cli.als.linear_form import largest_contributions
from als_cli.als.native import FixedItems
from als_cli.als.recipe import Recipe
from als_cli.arrays import BoolArray, Float32Array, Int32Array
from als_cli.ranking.top_n import TopN


@dataclass(frozen=True)
class Reasons:
    """The reasons of B lists with n slots: up to k items for each slot, the largest share first."""

    item_rows: Int32Array
    """(B, n, k) item rows, -1 for none."""
    shares: Float32Array
    """(B, n, k) contribution / score of the slot, only positive ones. 1 minus their sum is the rest of the score: smaller and negative shares, and the share of the offset of the demand."""

    def columns(self, filled: BoolArray, item_ids: pl.Series) -> dict[str, pl.Series]:
        """Return `because` (lists of item ids) and `because_shares` (lists of Float32) of the `filled` (B, n) slots."""
        rows, shares = self.item_rows[filled], self.shares[filled]
        known = rows >= 0
        offsets = pa.array(np.concatenate([[0], np.cumsum(known.sum(axis=1))]), pa.int64())
        values = {"because": item_ids.gather(rows[known]), "because_shares": pl.Series(shares[known])}
        return {
            name: pl.Series(name, pl.from_arrow(pa.LargeListArray.from_arrays(offsets, column.to_arrow())))
            for name, column in values.items()
        }


class Explainer:
    """Finds the reasons of lists from a model.

    The score of an item is linear in the confidences of the history (:meth:`als_cli.als.native.FixedItems.contributions`).
    Trained factors come from a few conjugate-gradient steps, so the contributions add up to nearly the score of the list.
    """

    def __init__(self, recipe: Recipe, items: Float32Array, weights: Float32Array | None, count: int) -> None:
        """Explain scores by `count` items; `items` (I, f) are the factors, and `weights` (I,) the demand of the items."""
        self._recipe, self._items, self._weights, self._count = recipe, items, weights, count

    def reasons(
        self,
        history: csr_matrix,
        times: csr_matrix | None,
        top: TopN,
        explained: BoolArray,
        *,
        few_users: bool = False,
    ) -> Reasons:
        """Return the reasons of the lists `top` (B, n) of users with `history` and `times` (B, I).

        Only `explained` (B, n) slots get reasons. A slot whose score is not positive has none. With `few_users`, and for
        one user, numpy is used, which compiles no kernel.
        """
        listed = np.where(explained & (top.scores > 0), top.item_rows, -1).astype(np.int32)
        confidence, settings = self._recipe.fold_in_problem(history, times)
        if few_users or len(listed) == 1:
            rows, contributions = largest_contributions(
                self._items, confidence, settings, listed, self._count
            )
        else:
            rows, contributions = self._fixed.contributions(confidence, settings, listed, self._count)
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = 1 / top.scores
            if self._weights is not None:
                factor = factor * self._weights[np.maximum(top.item_rows, 0)]
            shares = np.where(rows >= 0, contributions * factor[:, :, None], 0).astype(np.float32)
        return Reasons(rows, shares)

    @cached_property
    def _fixed(self) -> FixedItems:
        return FixedItems(self._items, self._recipe.settings.threads)
