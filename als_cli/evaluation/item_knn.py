"""Baseline `item_knn`: items like those in the user's history, by cosine; the only use of `implicit`'s neighbours."""

import warnings

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from als_cli.evaluation.rankers import UserBlock
from als_cli.ranking.top_n import TopN

NEIGHBOURS = 100
"""Neighbours kept per item. Cost grows in proportion to it, quality hardly: from 20 to 1,000 neighbours NDCG moved by
less than a fifth on Gowalla and by 4 % on MovieLens-1M."""


class ItemKnn:
    """Ranks by the sum of cosine similarities to the items of the user's history, strengths left aside."""

    name = "item_knn"

    def __init__(self, training: csr_matrix, threads: int) -> None:
        self._similarity = cosine_neighbours(_presence(training), NEIGHBOURS, threads)

    def rank(self, block: UserBlock, n: int) -> TopN:
        """Return the `n` items most similar to the history; an item that is no neighbour of it is not listed."""
        scores = _presence(block.history) @ self._similarity
        if block.candidates is not None:
            scores = scores.multiply(_presence(block.candidates)).tocsr()
        if block.seen is not None:
            scores -= scores.multiply(_presence(block.seen))
        scores.eliminate_zeros()
        scores.sort_indices()
        return _best_stored(scores, n)


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


def _presence(matrix: csr_matrix) -> csr_matrix:
    ones = np.ones(matrix.nnz, dtype=np.float32)
    return csr_matrix((ones, matrix.indices, matrix.indptr), shape=matrix.shape)


def _best_stored(scores: csr_matrix, n: int) -> TopN:
    """Return the `n` largest stored entries of each row; equal ones: the lower column, as everywhere."""
    users = scores.shape[0]
    lists = TopN(np.full((users, n), -1, np.int32), np.full((users, n), -np.inf, np.float32))
    for user in range(users):
        row = slice(scores.indptr[user], scores.indptr[user + 1])
        # Columns ascend within a row, so a stable sort by score keeps equal ones in their order.
        best = row.start + np.argsort(-scores.data[row], kind="stable")[:n]
        lists.item_rows[user, : len(best)] = scores.indices[best]
        lists.scores[user, : len(best)] = scores.data[best]
    return lists
