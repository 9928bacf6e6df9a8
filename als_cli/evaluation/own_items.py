"""Baseline `own_items`: the newest items of the user. It is strong where users buy the same items again."""

from scipy.sparse import csr_matrix

from als_cli.evaluation.rankers import UsersToRank
from als_cli.evaluation.stored_scores import best_stored
from als_cli.ranking.top_n import TopN


class OwnItems:
    """Ranks the items of each user's history, newest first. No other items are listed."""

    name = "own_items"

    def __init__(self, newness: csr_matrix) -> None:
        """Take scores (T, I) that increase with the last time of each item, stored for the items in the user's history."""
        self._newness = newness

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return up to `n` items of the history, newest first. Ties: the lower item row first."""
        scores = self._newness[block.users]
        if block.exclude_seen:
            scores = csr_matrix(scores.shape, dtype=scores.dtype)
        return best_stored(scores, n, block.candidates)
