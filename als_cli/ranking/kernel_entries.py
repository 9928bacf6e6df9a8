"""The compiled functions of the ranking; without numba. Their docstrings are in the modules that are named here."""

from als_cli.als.kernels.kernel import Kernel
from als_cli.als.kernels.signatures import INT, read_only, writable
from als_cli.ranking.kernel_types import (
    AUDIENCE,
    CANDIDATES,
    CATALOGUE,
    DIVERSITY,
    LISTS,
    OFFERS,
    SCRATCH,
    STATE,
)

_HERE = "als_cli.ranking"
_WANTED, _IS_DONE = read_only("int64"), writable("bool")

rank_users = Kernel(f"{_HERE}.kernel_top_n", "rank_users", INT, INT, AUDIENCE, CATALOGUE, LISTS, SCRATCH)
rank_candidates = Kernel(
    f"{_HERE}.kernel_top_n", "rank_candidates", INT, INT, AUDIENCE, CATALOGUE, LISTS, CANDIDATES
)
take_offers = Kernel(f"{_HERE}.kernel_offers", "take_offers", OFFERS, STATE, LISTS, _WANTED, _IS_DONE)
take_diverse = Kernel(
    f"{_HERE}.kernel_diversity", "take_diverse", OFFERS, STATE, LISTS, _WANTED, _IS_DONE, DIVERSITY
)
RANKING_KERNELS = (rank_users, rank_candidates, take_offers, take_diverse)
