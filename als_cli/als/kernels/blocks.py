"""Parts that the row kernels share: rows taken four at a time, Cholesky in blocks of four.

Everything here is inlined into its callers. Four rows at a time, because one load of the vector then serves four
rows, and the sums fit into registers. Buffers are padded with zero rows to a multiple of four.
"""

import numpy as np

from als_cli.als.arrays import Float32Array
from als_cli.als.kernels.compiling import inlined


@inlined
def padded(count: int) -> int:
    """Return `count` rounded up to a multiple of four."""
    return (count + 3) & ~3


@inlined
def combine_rows(block: Float32Array, weights: Float32Array, rows: int, total: Float32Array) -> None:
    """Set total (f,) = block[:rows]' weights; `rows` is a multiple of four."""
    factors = total.shape[0]
    total[:] = 0.0
    for j in range(0, rows, 4):
        a, b, c, d = block[j], block[j + 1], block[j + 2], block[j + 3]
        u, v, w, z = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
        for k in range(factors):
            total[k] += u * a[k] + v * b[k] + w * c[k] + z * d[k]


@inlined
def add_row_products(block: Float32Array, rows: int, system: Float32Array) -> None:  # noqa: PLR0915 - sixteen sums in registers
    """Set the upper triangle of system[:rows, :rows] = I + block block'; `rows` is a multiple of four."""
    factors = block.shape[1]
    for i in range(0, rows, 4):
        a0, a1, a2, a3 = block[i], block[i + 1], block[i + 2], block[i + 3]
        for j in range(i, rows, 4):
            b0, b1, b2, b3 = block[j], block[j + 1], block[j + 2], block[j + 3]
            s00 = s01 = s02 = s03 = np.float32(0.0)
            s10 = s11 = s12 = s13 = np.float32(0.0)
            s20 = s21 = s22 = s23 = np.float32(0.0)
            s30 = s31 = s32 = s33 = np.float32(0.0)
            for k in range(factors):
                x0, x1, x2, x3 = a0[k], a1[k], a2[k], a3[k]
                y0, y1, y2, y3 = b0[k], b1[k], b2[k], b3[k]
                s00 += x0 * y0
                s01 += x0 * y1
                s02 += x0 * y2
                s03 += x0 * y3
                s10 += x1 * y0
                s11 += x1 * y1
                s12 += x1 * y2
                s13 += x1 * y3
                s20 += x2 * y0
                s21 += x2 * y1
                s22 += x2 * y2
                s23 += x2 * y3
                s30 += x3 * y0
                s31 += x3 * y1
                s32 += x3 * y2
                s33 += x3 * y3
            system[i, j], system[i, j + 1], system[i, j + 2], system[i, j + 3] = s00, s01, s02, s03
            system[i + 1, j], system[i + 1, j + 1], system[i + 1, j + 2], system[i + 1, j + 3] = (
                s10,
                s11,
                s12,
                s13,
            )
            system[i + 2, j], system[i + 2, j + 1], system[i + 2, j + 2], system[i + 2, j + 3] = (
                s20,
                s21,
                s22,
                s23,
            )
            system[i + 3, j], system[i + 3, j + 1], system[i + 3, j + 2], system[i + 3, j + 3] = (
                s30,
                s31,
                s32,
                s33,
            )
    for i in range(rows):
        system[i, i] += np.float32(1.0)


@inlined
def factorize(system: Float32Array, size: int) -> None:
    """Turn the upper triangle of system[:size, :size] into R with R'R = system, in place; Cholesky, four pivots at a time.

    R's diagonal is stored inverted. `size` is a multiple of four.
    """
    for p in range(0, size, 4):
        for i in range(p, p + 4):
            pivot = system[i]
            for above in range(p, i):
                upper = system[above]
                c = upper[i]
                for k in range(i, size):
                    pivot[k] -= c * upper[k]
            inverse = np.float32(1.0) / np.sqrt(pivot[i])
            for k in range(i + 1, size):
                pivot[k] *= inverse
            pivot[i] = inverse
        a, b, c, d = system[p], system[p + 1], system[p + 2], system[p + 3]
        for i in range(p + 4, size):
            row = system[i]
            u, v, w, z = a[i], b[i], c[i], d[i]
            for k in range(i, size):
                row[k] -= u * a[k] + v * b[k] + w * c[k] + z * d[k]


@inlined
def solve_factorized(system: Float32Array, size: int, vector: Float32Array) -> None:
    """Overwrite vector[:size] = b by the solution of R'R x = b, R as `factorize` leaves it."""
    for i in range(size):
        row = system[i]
        value = vector[i] * row[i]
        vector[i] = value
        for k in range(i + 1, size):
            vector[k] -= value * row[k]
    for i in range(size - 1, -1, -1):
        row = system[i]
        value = np.float32(0.0)
        for k in range(i + 1, size):
            value += row[k] * vector[k]
        vector[i] = (vector[i] - value) * row[i]
