"""Compiled top-N with the signature of :func:`als_cli.ranking.top_n.top_n`."""

from als_cli.ranking.masks import Masks
from als_cli.ranking.native_top_n import item_index, top_n_of


def native_top_n(user_factors, item_factors, n, *, allowed=None, **masks):
    """Return the `n` best items of each user; `masks` are `seen` and `candidates`."""
    return top_n_of(item_index(item_factors, allowed), user_factors, n, Masks(**masks))
