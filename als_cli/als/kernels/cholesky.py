"""Cholesky of a small symmetric matrix, upper triangle, four pivots at a time; inlined into the row kernels.

A matrix is flat, row-major, its rows `stride` floats apart (a multiple of 16), its `size` a multiple of four. Columns
from `size` to `stride` hold zeros; what stands below the diagonal is neither read nor kept.
"""

import numpy as np

from als_cli.als.arrays import Float32Array
from als_cli.als.kernels.compiling import inlined
from als_cli.als.kernels.vectors import from_lane, load, multiply, multiply_add, spread, store, total


@inlined
def factorize(matrix: Float32Array, size: int, stride: int, inverses: Float32Array) -> None:
    """Turn the upper triangle into that of R with R'R = matrix, in place; R's diagonal goes to `inverses`, inverted."""
    for first in range(0, size, 4):
        for i in range(first, first + 4):
            _finish_pivot(matrix, first, i, stride, inverses)
        for i in range(first + 4, size, 4):
            _update_four_rows(matrix, first, i, stride)


@inlined
def _finish_pivot(matrix: Float32Array, first: int, i: int, stride: int, inverses: Float32Array) -> None:
    """Subtract the pivots `first`..i - 1 from row i and divide it by the root of its diagonal."""
    row, start = i * stride, i & ~15
    for above in range(first, i):
        factor = spread(-matrix[above * stride + i])
        for k in range(start, stride, 16):
            store(
                matrix, row + k, multiply_add(factor, load(matrix, above * stride + k), load(matrix, row + k))
            )
    inverse = np.float32(1.0) / np.sqrt(matrix[row + i])
    inverses[i] = inverse
    scale = spread(inverse)
    for k in range(start, stride, 16):
        store(matrix, row + k, multiply(scale, load(matrix, row + k)))
    store(matrix, row + start, from_lane(load(matrix, row + start), i - start + 1))


@inlined
def _update_four_rows(matrix: Float32Array, first: int, i: int, stride: int) -> None:
    """Subtract the four pivots from `first` on from rows i..i + 3."""
    a = first * stride
    b, c, d = a + stride, a + 2 * stride, a + 3 * stride
    a0, b0, c0, d0 = (
        spread(-matrix[a + i]),
        spread(-matrix[b + i]),
        spread(-matrix[c + i]),
        spread(-matrix[d + i]),
    )
    j = i + 1
    a1, b1, c1, d1 = (
        spread(-matrix[a + j]),
        spread(-matrix[b + j]),
        spread(-matrix[c + j]),
        spread(-matrix[d + j]),
    )
    j = i + 2
    a2, b2, c2, d2 = (
        spread(-matrix[a + j]),
        spread(-matrix[b + j]),
        spread(-matrix[c + j]),
        spread(-matrix[d + j]),
    )
    j = i + 3
    a3, b3, c3, d3 = (
        spread(-matrix[a + j]),
        spread(-matrix[b + j]),
        spread(-matrix[c + j]),
        spread(-matrix[d + j]),
    )
    r0 = i * stride
    r1, r2, r3 = r0 + stride, r0 + 2 * stride, r0 + 3 * stride
    for k in range(i & ~15, stride, 16):
        x, y, z, t = load(matrix, a + k), load(matrix, b + k), load(matrix, c + k), load(matrix, d + k)
        s0 = multiply_add(
            a0, x, multiply_add(b0, y, multiply_add(c0, z, multiply_add(d0, t, load(matrix, r0 + k))))
        )
        s1 = multiply_add(
            a1, x, multiply_add(b1, y, multiply_add(c1, z, multiply_add(d1, t, load(matrix, r1 + k))))
        )
        s2 = multiply_add(
            a2, x, multiply_add(b2, y, multiply_add(c2, z, multiply_add(d2, t, load(matrix, r2 + k))))
        )
        s3 = multiply_add(
            a3, x, multiply_add(b3, y, multiply_add(c3, z, multiply_add(d3, t, load(matrix, r3 + k))))
        )
        store(matrix, r0 + k, s0)
        store(matrix, r1 + k, s1)
        store(matrix, r2 + k, s2)
        store(matrix, r3 + k, s3)


@inlined
def solve_factorized(
    matrix: Float32Array, size: int, stride: int, inverses: Float32Array, vector: Float32Array
) -> None:
    """Overwrite vector (stride,) = b, zeros from `size` on, by the solution of R'R x = b."""
    for i in range(size):
        value = vector[i] * inverses[i]
        factor = spread(-value)
        for k in range(i & ~15, stride, 16):
            store(vector, k, multiply_add(factor, load(matrix, i * stride + k), load(vector, k)))
        vector[i] = value
    for i in range(size - 1, -1, -1):
        known = spread(np.float32(0.0))
        for k in range(i & ~15, stride, 16):
            known = multiply_add(load(matrix, i * stride + k), load(vector, k), known)
        vector[i] = (vector[i] - total(known)) * inverses[i]
