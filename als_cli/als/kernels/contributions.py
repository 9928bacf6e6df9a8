"""What each pair of a history contributes to the scores of items, compiled.

The row equation A x = sum_j b_j y_j gives x, so the score of item i is y_i.x = sum_j b_j y_i'A^-1 y_j (Hu, Koren, Volinsky
2008, section 5). One Cholesky factorization per row, one solution per item, one dot product per item and pair.
"""

import numpy as np

from als_cli.als.kernels.blocks import offset_of
from als_cli.als.kernels.cholesky import factorize, solve_factorized
from als_cli.als.kernels.compiling import inlined, pasted
from als_cli.als.kernels.dense_system import (
    add_products,
    begin,
    gather,
)
from als_cli.als.kernels.row_system import RowSystem
from als_cli.als.kernels.scratch import DenseScratch
from als_cli.als.kernels.vectors import load, multiply_add, spread, store, total
from als_cli.arrays import Float32Array, Int32Array


@pasted
def _factorize_system(system: RowSystem, row: int, scratch: DenseScratch) -> None:
    """Set `matrix` to the Cholesky factor of the row's system."""
    width = system.spectrum.shape[0]
    stride, together = width | 16, scratch.targets.shape[0]
    begin(system, row, scratch.matrix, stride)
    for first in range(system.indptr[row], system.indptr[row + 1], together):
        part = min(together, system.indptr[row + 1] - first)
        gather(system, first, part, scratch)
        add_products(scratch, part, system, first + part)
    factorize(scratch.matrix, width, stride, scratch.inverses)


@inlined
def _insert(items: Int32Array, values: Float32Array, item: int, value: np.float32) -> None:
    """Insert an item into a list of the largest values, largest first; the first of equal values stays first."""
    place = values.shape[0] - 1
    if not value > values[place]:
        return
    while place > 0 and value > values[place - 1]:
        items[place], values[place] = items[place - 1], values[place - 1]
        place -= 1
    items[place], values[place] = item, value


def explain(
    rows: Int32Array,
    system: RowSystem,
    listed: Int32Array,
    items: Int32Array,
    values: Float32Array,
    scratch: DenseScratch,
) -> None:
    """Fill `items` and `values`; see :func:`als_cli.als.kernels.rows.explain_rows`."""
    width = system.spectrum.shape[0]
    stride, solution = width | 16, scratch.right
    for row in rows:
        _factorize_system(system, row, scratch)
        for slot in range(listed.shape[1]):
            if listed[row, slot] < 0:
                continue
            for k in range(0, width, 16):
                store(solution, k, load(system.fixed, listed[row, slot] * width + k))
            solve_factorized(scratch.matrix, width, stride, scratch.inverses, solution)
            for pair in range(system.indptr[row], system.indptr[row + 1]):
                source, product = offset_of(system, pair), spread(np.float32(0.0))
                for k in range(0, width, 16):
                    product = multiply_add(load(system.fixed, source + k), load(solution, k), product)
                target = max(system.confidence[pair], np.float32(0.0))
                _insert(items[row, slot], values[row, slot], system.indices[pair], target * total(product))
