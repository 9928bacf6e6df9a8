"""Types of the tuples in `kernel_data`; without numba."""

from als_cli.als.kernels.signatures import FLOAT, INT, named, read_only, writable
from als_cli.ranking.kernel_data import (
    CandidateRows,
    PackedAudience,
    PackedDiversity,
    PackedItems,
    PackedLimits,
    PackedLists,
    PackedOffers,
    PackedState,
    PackedUsers,
    Scratch,
)

_FLOATS, _INTS, _LONGS = read_only("float32"), read_only("int32"), read_only("int64")
CATALOGUE = named(PackedItems, _FLOATS, _FLOATS, _FLOATS, _INTS, _INTS)
CANDIDATES = named(CandidateRows, _LONGS, _INTS)
_LIMITS = named(PackedLimits, _INTS, INT, _INTS, INT, INT)
_USERS = named(PackedUsers, _FLOATS, _FLOATS, _LONGS, _INTS)
AUDIENCE = named(PackedAudience, _USERS, _LIMITS)
SCRATCH = named(
    Scratch,
    writable("float32", 2),
    writable("int64"),
    writable("float32"),
    writable("int64"),
    writable("float32"),
)
LISTS = named(PackedLists, writable("int32", 2), writable("float32", 2), writable("int64"))
OFFERS = named(PackedOffers, writable("int32", 2), writable("float32", 2), _LONGS, FLOAT)
DIVERSITY = named(PackedDiversity, _FLOATS, INT, FLOAT, writable("float32"), writable("uint8"))
STATE = named(
    PackedState,
    _INTS,
    _INTS,
    read_only("uint8"),
    _INTS,
    writable("int32", 2),
    writable("int64"),
    writable("int32", 2),
)
