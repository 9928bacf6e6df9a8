"""The types of `row_system`, and of the kernels' other arguments, as numba knows them."""

from typing import Any

from numba import types

from als_cli.als.kernels.compiling import read_only, writable
from als_cli.als.kernels.row_system import RowSystem, Solution

_named: Any = types.NamedTuple
ROW_SYSTEM = _named(
    (
        read_only(types.int64),
        read_only(types.int32),
        read_only(types.float32),
        read_only(types.float32),
        read_only(types.float32),
        read_only(types.float32),
        types.float32,
    ),
    RowSystem,
)
SOLUTION = _named((writable(types.float32, 2), writable(types.float64)), Solution)
ROWS = read_only(types.int32)
FLOATS = writable(types.float32)
FLOATS_2D = writable(types.float32, 2)
