"""The vectors of all users of a run in one table, and the items that rules hide from them."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix, vstack

from als_cli.arrays import Float32Array, Int32Array
from als_cli.dataset.interactions import rows_of
from als_cli.ranking.audience import Audience
from als_cli.ranking.masks import Masks
from als_cli.ranking.recommender import Recommender, UserBlock


@dataclass(frozen=True)
class UserVectors:
    """U users with a vector, sorted by id."""

    user_ids: pl.Series
    """(U,)."""
    vectors: Float32Array
    """(U, d) float32, see :meth:`Recommender.user_vectors`."""
    dataset_rows: Int32Array
    """(U,) rows in the dataset."""
    of_items: Masks
    """(C, U) for each of the C items that were asked for: users who do not get the item, and its only users."""
    without_vector: int
    """Users that were left out, because they have no item that the model knows."""


def vectors_of_users(
    recommender: Recommender,
    audience: Audience,
    block_users: int,
    item_rows: Int32Array | None = None,
    *,
    with_demand: bool,
) -> UserVectors:
    """Return the users of `audience` who have a vector; users without any item that the model knows are left out.

    `item_rows` (C,) are the items whose users the rules are asked about. Memory is one vector per user.
    """
    dimensions = recommender.item_vectors(with_demand=with_demand).shape[1]
    vectors = np.empty((len(audience.user_ids), dimensions), np.float32)
    ids, rows, masks, users = list[pl.Series](), list[Int32Array](), list[Masks](), 0
    for block in recommender.blocks(audience, block_users, max(1, len(audience.user_ids))):
        table, found = recommender.user_vectors(block, with_demand=with_demand)
        vectors[users : users + len(found)] = found
        users += len(found)
        have = rows_of(block.user_ids, table["user_id"])
        ids.append(table["user_id"])
        rows.append(block.dataset_rows[have])
        if item_rows is not None:
            masks.append(_of_items(recommender, block, have, item_rows))
    without = len(vectors) - users
    return UserVectors(pl.concat(ids), vectors[:users], np.concatenate(rows), _joined(masks), without)


def _of_items(recommender: Recommender, block: UserBlock, users: Int32Array, item_rows: Int32Array) -> Masks:
    """Return the masks of the block's `users` (B,) for `item_rows` (C,): (B, C)."""
    masks = recommender.masks_for(block)
    seen, candidates = (
        None if mask is None else mask[users][:, item_rows] for mask in (masks.seen, masks.candidates)
    )
    return Masks(seen, candidates)


def _joined(masks: list[Masks]) -> Masks:
    """Return `masks` (B, C) of consecutive blocks as one mask by item, (C, U)."""
    seen = [mask.seen for mask in masks if mask.seen is not None]
    candidates = [mask.candidates for mask in masks if mask.candidates is not None]
    return Masks(_by_item(seen), _by_item(candidates))


def _by_item(blocks: list[csr_matrix]) -> csr_matrix | None:
    if not blocks:
        return None
    by_item = csr_matrix(vstack(blocks, format="csr").T.tocsr())
    by_item.sort_indices()
    return by_item
