"""Baselines `item_knn` and `item_bm25`: items similar to the items in the history. `implicit` computes the similarities."""

import warnings
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.openmp import importing_implicit
from als_cli.als.threads import blas_limited_to
from als_cli.evaluation.rankers import UsersToRank
from als_cli.evaluation.stored_scores import best_stored, presence
from als_cli.ranking.top_n import TopN

Similarity = Literal["cosine", "bm25"]

NEIGHBOURS = 100
"""Neighbours kept per item. The cost is proportional to it.

For 20 to 1,000 neighbours, the range of NDCG is less than a fifth on Gowalla and 4 % on MovieLens-1M."""
SATURATION = 1.2
"""K1 of BM25, and of `implicit`'s BM25Recommender."""
LENGTH_WEIGHT = 0.75
"""B of BM25: 0 ignores the number of users of an item, 1 divides by it."""


class ItemNeighbours:
    """Ranks by the sum of similarities to the items of the user's history. Strengths are ignored."""

    def __init__(self, name: str, similarity: csr_matrix) -> None:
        """Take the similarity (I, I) of each item to its neighbours, with a zero diagonal."""
        self.name = name
        self._similarity = similarity

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return up to `n` items with the largest sum of similarities; only neighbours of items of the history are listed."""
        scores = presence(block.history) @ self._similarity
        if block.seen is not None:
            scores -= scores.multiply(presence(block.seen))
        scores.eliminate_zeros()
        return best_stored(scores, n, block.candidates)


class ItemKnn(ItemNeighbours):
    """Ranks by the cosine of the items' sets of users."""

    def __init__(self, training: csr_matrix, threads: int) -> None:
        super().__init__("item_knn", neighbours_of(presence(training), "cosine", NEIGHBOURS, threads))


class ItemBm25(ItemNeighbours):
    """Ranks by the product of the items' sets of users, weighted by BM25 (Robertson & Zaragoza 2009).

    Items are the documents and users are the terms. The weight of a user decreases with their number of items, and with
    the number of users of the item.
    """

    def __init__(self, training: csr_matrix, threads: int) -> None:
        super().__init__("item_bm25", neighbours_of(presence(training), "bm25", NEIGHBOURS, threads))


def neighbours_of(training: csr_matrix, similarity: Similarity, neighbours: int, threads: int) -> csr_matrix:
    """Return the similarities of each item with its `neighbours` most similar items, (I, I) float32, zero diagonal."""
    with blas_limited_to(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # implicit warns about its own COO matrix
        with importing_implicit():
            from implicit.nearest_neighbours import BM25Recommender, CosineRecommender

        # One neighbour more, because most items are their own nearest neighbour, which is removed.
        if similarity == "cosine":
            recommender = CosineRecommender(K=neighbours + 1, num_threads=threads)
        else:
            recommender = BM25Recommender(
                K=neighbours + 1, K1=SATURATION, B=LENGTH_WEIGHT, num_threads=threads
            )
        recommender.fit(training, show_progress=False)
    return _nearest_others(recommender.similarity, neighbours)


def _nearest_others(similarity: csr_matrix, neighbours: int) -> csr_matrix:
    """Return the `neighbours` largest values of each row off the diagonal, (I, I) float32. Ties: the lower column first."""
    found = similarity.tocoo()
    others = found.row != found.col
    rows, columns, values = found.row[others], found.col[others], found.data[others].astype(np.float32)
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    ranks = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = ranks < neighbours
    nearest = csr_matrix((values[kept], (rows[kept], columns[kept])), shape=similarity.shape)
    nearest.sort_indices()
    return nearest
