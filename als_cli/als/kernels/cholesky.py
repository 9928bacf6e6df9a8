"""Cholesky factorization of a small symmetric matrix, eight rows at a time; compiled into each row kernel.

A matrix is flat and row-major. Its rows begin `stride` floats apart, a multiple of 16. Its `size` is a multiple of
eight. Columns from `size` to the next multiple of 16 are zero. Only the upper triangle is read. Values below the
diagonal are undefined afterwards.
"""

import numpy as np

from als_cli.als.kernels.compiling import inlined
from als_cli.als.kernels.tiles import add_outer, load_8_rows, solve_triangle, store_rows
from als_cli.als.kernels.vectors import (
    from_lane,
    load,
    multiply,
    multiply_add,
    spread,
    store,
    total,
    value_at,
)
from als_cli.arrays import Float32Array


@inlined
def factorize(matrix: Float32Array, size: int, stride: int, inverses: Float32Array) -> None:
    """Overwrite the upper triangle of `matrix` by R with R'R = matrix; set `inverses` (size,) to 1 / diag(R)."""
    for first in range(0, size, 8):
        start = first & ~15
        for c in range(start, size, 16):
            at = first * stride + c
            tile = load_8_rows(matrix, at, stride)
            for k in range(first):
                row = load(matrix, k * stride + c)
                tile = add_outer(tile, matrix, k * stride + first, multiply(spread(np.float32(-1.0)), row))
            if c > start:
                tile = solve_triangle(tile, matrix, first * stride + first, stride, inverses[first:])
            store_rows(matrix, at, stride, tile)
            if c == start:
                _finish_diagonal(matrix, first, stride, inverses)


@inlined
def _finish_diagonal(matrix: Float32Array, first: int, stride: int, inverses: Float32Array) -> None:
    """Factorize the 8 x 8 block on the diagonal, together with the other columns of its 16-column tile."""
    start = first & ~15
    for i in range(first, first + 8):
        row = i * stride + start
        inverse = np.float32(1.0) / value_at(matrix, i * stride + i)
        pivots = load(matrix, row)
        for j in range(i + 1, first + 8):
            factor = spread(-inverse * value_at(matrix, i * stride + j))
            store(matrix, j * stride + start, multiply_add(factor, pivots, load(matrix, j * stride + start)))
        inverses[i] = np.sqrt(inverse)
        store(matrix, row, from_lane(multiply(spread(inverses[i]), pivots), i - start + 1))


@inlined
def solve_factorized(
    matrix: Float32Array, size: int, stride: int, inverses: Float32Array, vector: Float32Array
) -> None:
    """Overwrite `vector` (stride,), which is b with zeros from `size` on, by the solution x of R'R x = b."""
    for i in range(size):
        value = vector[i] * inverses[i]
        factor = spread(-value)
        for k in range(i & ~15, size, 16):
            store(vector, k, multiply_add(factor, load(matrix, i * stride + k), load(vector, k)))
        vector[i] = value
    for i in range(size - 1, -1, -1):
        known = spread(np.float32(0.0))
        for k in range(i & ~15, size, 16):
            known = multiply_add(load(matrix, i * stride + k), load(vector, k), known)
        vector[i] = (vector[i] - total(known)) * inverses[i]
