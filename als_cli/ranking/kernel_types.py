"""Numba types of the tuples in `kernel_data`."""

from typing import Any

from numba import types

from als_cli.als.kernels.compiling import read_only, writable
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

_named: Any = types.NamedTuple
_FLOATS, _INTS, _LONGS = read_only(types.float32), read_only(types.int32), read_only(types.int64)
CATALOGUE = _named((_FLOATS, _FLOATS, _FLOATS, _INTS, _INTS), PackedItems)
CANDIDATES = _named((_LONGS, _INTS), CandidateRows)
_LIMITS = _named((_INTS, types.intp, _INTS, types.intp, types.intp), PackedLimits)
_USERS = _named((_FLOATS, _FLOATS, _LONGS, _INTS), PackedUsers)
AUDIENCE = _named((_USERS, _LIMITS), PackedAudience)
SCRATCH = _named(
    (
        writable(types.float32, 2),
        writable(types.int64),
        writable(types.float32),
        writable(types.int64),
        writable(types.float32),
    ),
    Scratch,
)
LISTS = _named((writable(types.int32, 2), writable(types.float32, 2), writable(types.int64)), PackedLists)
OFFERS = _named((writable(types.int32, 2), writable(types.float32, 2), _LONGS, types.float32), PackedOffers)
DIVERSITY = _named(
    (_FLOATS, types.intp, types.float32, writable(types.float32), writable(types.uint8)), PackedDiversity
)
STATE = _named(
    (
        _INTS,
        writable(types.int32, 2),
        writable(types.uint8, 2),
        writable(types.int32, 2),
        _LONGS,
        read_only(types.uint8),
    ),
    PackedState,
)
