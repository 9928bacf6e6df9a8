"""Baselines `item_knn` and `item_bm25`: items like those in the user's history; the only use of `implicit`'s neighbours."""

import warnings
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from als_cli.evaluation.rankers import UsersToRank
from als_cli.evaluation.stored_scores import best_stored, presence
from als_cli.ranking.top_n import TopN

Similarity = Literal["cosine", "bm25"]

NEIGHBOURS = 100
"""Neighbours kept per item. Cost grows in proportion to it, quality hardly: from 20 to 1,000 neighbours NDCG moved by
less than a fifth on Gowalla and by 4 % on MovieLens-1M."""
SATURATION = 1.2
"""K1 of BM25, and of `implicit`'s BM25Recommender."""
LENGTH_WEIGHT = 0.75
"""B of BM25: how much an item with many users is worth less, 0 not at all, 1 in proportion."""


class ItemNeighbours:
    """Ranks by the sum of similarities to the items of the user's history, strengths left aside."""

    def __init__(self, name: str, similarity: csr_matrix) -> None:
        """Take each item's similarity (I, I) to its neighbours, zero on the diagonal."""
        self.name = name
        self._similarity = similarity

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return the `n` items most similar to the history; an item that is no neighbour of it is not listed."""
        scores = presence(block.history) @ self._similarity
        if block.candidates is not None:
            scores = scores.multiply(presence(block.candidates)).tocsr()
        if block.seen is not None:
            scores -= scores.multiply(presence(block.seen))
        scores.eliminate_zeros()
        scores.sort_indices()
        return best_stored(scores, n)


class ItemKnn(ItemNeighbours):
    """Neighbours by the cosine of the items' sets of users."""

    def __init__(self, training: csr_matrix, threads: int) -> None:
        super().__init__("item_knn", neighbours_of(presence(training), "cosine", NEIGHBOURS, threads))


class ItemBm25(ItemNeighbours):
    """Neighbours by the product of the items' sets of users, weighted by BM25 (Robertson & Zaragoza 2009).

    Items are the documents and users the terms: a user counts for less the more items he has, and for less with an
    item that many users have.
    """

    def __init__(self, training: csr_matrix, threads: int) -> None:
        super().__init__("item_bm25", neighbours_of(presence(training), "bm25", NEIGHBOURS, threads))


def neighbours_of(training: csr_matrix, similarity: Similarity, neighbours: int, threads: int) -> csr_matrix:
    """Return the similarity of each item's column with those of its `neighbours` nearest, (I, I) float32, no diagonal."""
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that its own normalisation yields a COO matrix
        from implicit.nearest_neighbours import BM25Recommender, CosineRecommender

        # One more than asked for: an item is mostly its own nearest neighbour, and that one is dropped.
        if similarity == "cosine":
            recommender = CosineRecommender(K=neighbours + 1, num_threads=threads)
        else:
            recommender = BM25Recommender(
                K=neighbours + 1, K1=SATURATION, B=LENGTH_WEIGHT, num_threads=threads
            )
        recommender.fit(training, show_progress=False)
    return _nearest_others(recommender.similarity, neighbours)


def _nearest_others(similarity: csr_matrix, neighbours: int) -> csr_matrix:
    """Return the `neighbours` largest values of each row of `similarity` (I, I) off the diagonal, float32; ties: the lower column."""
    found = similarity.tocoo()
    others = found.row != found.col
    rows, columns, values = found.row[others], found.col[others], found.data[others].astype(np.float32)
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    places = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = places < neighbours
    nearest = csr_matrix((values[kept], (rows[kept], columns[kept])), shape=similarity.shape)
    nearest.sort_indices()
    return nearest
