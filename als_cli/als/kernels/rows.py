"""The row kernels, with their scratch memory; without numba."""

from als_cli.als.kernels.kernel import Kernel
from als_cli.als.kernels.row_system import RowSystem, Solution, aligned
from als_cli.als.kernels.scratch import (
    DENSE_SCRATCH,
    GROUP_STATE,
    SHORT_SCRATCH,
    dense_scratch,
    group_state,
    short_scratch,
)
from als_cli.als.kernels.signatures import FLOAT, INT, Argument, named, read_only, writable
from als_cli.arrays import Float32Array, Int32Array

_ROWS = read_only("int32")
_SYSTEM = named(RowSystem, read_only("int64"), read_only("int32"), *[read_only("float32")] * 4, FLOAT)
_SOLUTION = named(Solution, writable("float32", 2), writable("float64"))


def _kernel(module: str, function: str, *arguments: Argument) -> Kernel:
    return Kernel(f"als_cli.als.kernels.{module}", function, *arguments)


_SHORT = _kernel("short_rows", "solve_short_rows", _ROWS, _SYSTEM, _SOLUTION, SHORT_SCRATCH)
_LONG = _kernel("long_rows", "solve_long_rows", _ROWS, _SYSTEM, INT, _SOLUTION, writable("float32", 2))
_LONGEST = _kernel("longest_rows", "solve_longest_rows", _SYSTEM, INT, INT, _SOLUTION, GROUP_STATE)
_DENSE = _kernel("dense_rows", "solve_dense_rows", _ROWS, _SYSTEM, _SOLUTION, DENSE_SCRATCH)
_EXPLAIN = _kernel(
    "contributions",
    "explain",
    _ROWS,
    _SYSTEM,
    read_only("int32", 2),
    writable("int32", 3),
    writable("float32", 3),
    DENSE_SCRATCH,
)
ROW_KERNELS = (_SHORT, _LONG, _LONGEST, _DENSE, _EXPLAIN)


def load_row_kernels() -> None:
    """Load the kernels that training needs, and compile those that are not cached."""
    for kernel in (_DENSE, _LONG, _LONGEST, _SHORT):
        kernel.load()


def solve_short_rows(rows: Int32Array, system: RowSystem, solution: Solution) -> None:
    """Solve `rows` exactly and overwrite their factors and losses; longest row first, none empty, all w >= 0."""
    longest = int(system.indptr[rows[0] + 1] - system.indptr[rows[0]])
    _SHORT(rows, system, solution, short_scratch(len(system.spectrum), longest))


def solve_long_rows(rows: Int32Array, system: RowSystem, steps: int, solution: Solution) -> None:
    """Improve `rows`, none empty, by `steps` conjugate-gradient steps and overwrite their factors and losses."""
    _LONG(rows, system, steps, solution, aligned(4 * len(system.spectrum)).reshape(4, -1))


def solve_longest_rows(
    rows: Int32Array, system: RowSystem, block_rows: int, steps: int, solution: Solution
) -> None:
    """Improve the group `rows` as `solve_long_rows` does; `block_rows` rows of the fixed side are a block."""
    _LONGEST(system, block_rows, steps, solution, group_state(rows, system, block_rows))


def solve_dense_rows(rows: Int32Array, system: RowSystem, solution: Solution) -> None:
    """Solve `rows` exactly and overwrite their factors and losses. Cost of a row with n pairs: n f^2 + f^3 / 3."""
    _DENSE(rows, system, solution, dense_scratch(len(system.spectrum)))


def explain_rows(
    rows: Int32Array, system: RowSystem, listed: Int32Array, items: Int32Array, values: Float32Array
) -> None:
    """Fill `items` and `values` (B, n, k) with the largest positive contributions to each item of `listed` (B, n).

    Both must be filled with -1 and with 0 before. Cost of a row with m pairs: m f^2 + f^3 / 3 + n (2 f^2 + m f).
    """
    _EXPLAIN(rows, system, listed, items, values, dense_scratch(len(system.spectrum)))
