"""Baseline `item_knn`: items like those in the user's history, by cosine; the only use of `implicit`'s neighbours."""

import warnings

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from als_cli.evaluation.rankers import UserBlock
from als_cli.evaluation.stored_scores import best_stored, presence
from als_cli.ranking.top_n import TopN

NEIGHBOURS = 100
"""Neighbours kept per item. Cost grows in proportion to it, quality hardly: from 20 to 1,000 neighbours NDCG moved by
less than a fifth on Gowalla and by 4 % on MovieLens-1M."""


class ItemKnn:
    """Ranks by the sum of cosine similarities to the items of the user's history, strengths left aside."""

    name = "item_knn"

    def __init__(self, training: csr_matrix, threads: int) -> None:
        self._similarity = cosine_neighbours(presence(training), NEIGHBOURS, threads)

    def rank(self, block: UserBlock, n: int) -> TopN:
        """Return the `n` items most similar to the history; an item that is no neighbour of it is not listed."""
        scores = presence(block.history) @ self._similarity
        if block.candidates is not None:
            scores = scores.multiply(presence(block.candidates)).tocsr()
        if block.seen is not None:
            scores -= scores.multiply(presence(block.seen))
        scores.eliminate_zeros()
        scores.sort_indices()
        return best_stored(scores, n)


def cosine_neighbours(training: csr_matrix, neighbours: int, threads: int) -> csr_matrix:
    """Return the cosine of each item's column with those of its nearest `neighbours`, (I, I) float32, no diagonal."""
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that its own normalisation yields a COO matrix
        from implicit.nearest_neighbours import CosineRecommender

        # One more than asked for: every item is its own nearest neighbour, and that one is dropped.
        recommender = CosineRecommender(K=neighbours + 1, num_threads=threads)
        recommender.fit(training, show_progress=False)
    similarity = recommender.similarity.tocoo()
    others = similarity.row != similarity.col
    kept = csr_matrix(
        (similarity.data[others].astype(np.float32), (similarity.row[others], similarity.col[others])),
        shape=similarity.shape,
    )
    kept.sort_indices()
    return kept
