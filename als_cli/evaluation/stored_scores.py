"""Lists from sparse scores. Only stored scores can be listed."""

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.ranking.top_n import TopN


def presence(matrix: csr_matrix) -> csr_matrix:
    """Return `matrix` with each stored value replaced by 1, float32."""
    ones = np.ones(matrix.nnz, dtype=np.float32)
    return csr_matrix((ones, matrix.indices, matrix.indptr), shape=matrix.shape)


def best_stored(scores: csr_matrix, n: int, candidates: csr_matrix | None) -> TopN:
    """Return lists of the `n` largest stored scores of each row of `scores` (T, I). Ties: the lower column first.

    Only `candidates` (T, I) are listed; None: all items.
    """
    if candidates is not None:
        scores = scores.multiply(presence(candidates)).tocsr()
    scores.sort_indices()
    users = scores.shape[0]
    lists = TopN.unfilled(users, n)
    for user in range(users):
        row = slice(scores.indptr[user], scores.indptr[user + 1])
        # Columns ascend within a row, so a stable sort keeps equal scores in the order of columns.
        best = row.start + np.argsort(-scores.data[row], kind="stable")[:n]
        lists.item_rows[user, : len(best)] = scores.indices[best]
        lists.scores[user, : len(best)] = scores.data[best]
    return lists
