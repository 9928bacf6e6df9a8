"""Baseline `own_items`: what the user had last; the method to beat where people buy the same again."""

from scipy.sparse import csr_matrix

from als_cli.evaluation.rankers import UsersToRank
from als_cli.evaluation.stored_scores import best_stored, presence
from als_cli.ranking.top_n import TopN


class OwnItems:
    """Ranks each user's own items, the newest first; nothing else is listed."""

    name = "own_items"

    def __init__(self, newness: csr_matrix) -> None:
        """Take (T, I) scores that grow with the last time of each test user's items, stored where he has the item."""
        self._newness = newness

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return up to `n` items of the history, the newest first; ties: the lower item row."""
        scores = self._newness[block.users]
        if block.candidates is not None:
            scores = scores.multiply(presence(block.candidates)).tocsr()
        if block.exclude_seen:
            scores = csr_matrix(scores.shape, dtype=scores.dtype)
        scores.sort_indices()
        return best_stored(scores, n)
