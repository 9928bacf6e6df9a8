"""Rows solved exactly through the f x f system of the row equation.

These are the long rows with `train.solver: exact`. Rows with a negative w count as long rows.
"""

import numpy as np

from als_cli.als.kernels.blocks import clear, combine, rounded
from als_cli.als.kernels.cholesky import factorize, solve_factorized
from als_cli.als.kernels.compiling import pasted
from als_cli.als.kernels.dense_system import (
    add_products,
    begin,
    gather,
)
from als_cli.als.kernels.row_system import RowSystem, Solution
from als_cli.als.kernels.scratch import DenseScratch
from als_cli.als.kernels.vectors import load, store
from als_cli.arrays import Float32Array, Int32Array


@pasted
def _gain(system: RowSystem, row: int, targets: Float32Array, x: Float32Array) -> float:
    """Return the sum of 2 b s - w s^2 over the row's pairs in float64, from targets = sum_j b_j y_j.

    By the row equation this is x.(targets + D x), so no pair is read again.
    """
    gain = 0.0
    for k in range(system.spectrum.shape[0]):
        value = np.float64(x[k])
        gain += value * (targets[k] + np.float64(system.spectrum[k] + system.ridge[row]) * value)
    return gain


def solve_dense_rows(rows: Int32Array, system: RowSystem, solution: Solution, scratch: DenseScratch) -> None:
    """Solve `rows` exactly; see :func:`als_cli.als.kernels.rows.solve_dense_rows`."""
    width = system.spectrum.shape[0]
    stride = width | 16
    matrix, right, together = scratch.matrix, scratch.right, scratch.targets.shape[0]
    for place in range(rows.shape[0]):
        row = rows[place]
        start, end = system.indptr[row], system.indptr[row + 1]
        upcoming = system.indptr[rows[min(place + 1, rows.shape[0] - 1)]]
        begin(system, row, matrix, stride)
        clear(right, width)
        total_target = 0.0
        for first in range(start, end, together):
            part = min(together, end - first)
            total_target += gather(system, first, part, scratch)
            following = first + part if first + part < end else upcoming
            add_products(scratch, part, system, following)
            combine(scratch.block, rounded(part, 4), scratch.targets, 0, right)
        x = solution.factors[row]
        for k in range(0, width, 16):
            store(x, k, load(right, k))
        factorize(matrix, width, stride, scratch.inverses)
        solve_factorized(matrix, width, stride, scratch.inverses, right)
        if solution.losses.shape[0] > 0:
            solution.losses[row] = total_target - _gain(system, row, x, right)
        for k in range(0, width, 16):
            store(x, k, load(right, k))
