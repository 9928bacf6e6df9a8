"""Gram matrices of factors, their eigenbasis, and rotation of factors into it, by BLAS.

Work is divided by its shape, never by the number of threads, and partial sums are added in order. So the bits of a
result do not depend on the number of threads.
"""

from dataclasses import dataclass

import numpy as np

from als_cli.als.threads import Workers
from als_cli.arrays import Float32Array, Float64Array, Int32Array

_ROWS_TOGETHER = 4096
_MAXIMUM_PARTS = 32
"""Maximum number of partial Gram matrices in memory at once."""


@dataclass(frozen=True)
class Eigenbasis:
    """Eigendecomposition of a Gram matrix: Y'Y = basis diag(spectrum) basis'."""

    spectrum: Float64Array
    """(width,) eigenvalues, largest first, not negative."""
    basis: Float32Array
    """(width, width) eigenvectors, one per column."""


def gram(workers: Workers, factors: Float32Array) -> Float64Array:
    """Return factors' factors, (f, f) float64; sums are in float32 within a part and in float64 over the parts."""
    rows = max(_ROWS_TOGETHER, -(-len(factors) // _MAXIMUM_PARTS))

    def part(piece: slice) -> Float32Array:
        chunk = factors[piece]
        product: Float32Array = chunk.T @ chunk  # numpy sees the symmetry and computes one half (syrk)
        return product

    total = np.zeros((factors.shape[1], factors.shape[1]))
    for product in workers.map(part, _pieces(len(factors), rows)):
        total += product
    return total


def eigenbasis(gram_matrix: Float64Array, rank: int) -> Eigenbasis:
    """Return the eigenbasis of a Gram matrix (width, width) whose rank is at most `rank`.

    Columns of the basis from `rank` on are zero. Factors have no component there, and the systems divide by a small
    ridge there, which would amplify rounding errors.

    Raises
    ------
    FloatingPointError
        The matrix is not finite.
    """
    if not np.isfinite(gram_matrix).all():
        raise FloatingPointError("Gram matrix is not finite")
    values, vectors = np.linalg.eigh(gram_matrix)
    spectrum = np.zeros(len(gram_matrix))
    spectrum[:rank] = np.maximum(values[::-1][:rank], 0.0)
    basis = np.zeros(gram_matrix.shape, np.float32)
    basis[:, :rank] = vectors[:, ::-1][:, :rank]
    return Eigenbasis(spectrum, basis)


def rotate(workers: Workers, factors: Float32Array, basis: Float32Array) -> None:
    """Multiply every row of `factors` (rows, width) by `basis` (width, width), in place."""

    def part(piece: slice) -> None:
        factors[piece] = factors[piece] @ basis

    workers.map(part, _pieces(len(factors), _ROWS_TOGETHER))


def rotate_rows(workers: Workers, factors: Float32Array, rows: Int32Array, basis: Float32Array) -> None:
    """Multiply only `rows` of `factors` (rows, width) by `basis` (width, width), in place."""

    def part(piece: slice) -> None:
        chosen = rows[piece]
        factors[chosen] = factors[chosen] @ basis

    workers.map(part, _pieces(len(rows), _ROWS_TOGETHER))


def column_squares(workers: Workers, factors: Float32Array) -> Float64Array:
    """Return the sum of squares of each column of `factors`, (f,) float64: the diagonal of factors' factors."""

    def part(piece: slice) -> Float32Array:
        chunk = factors[piece]
        squares: Float32Array = np.einsum("ij,ij->j", chunk, chunk)
        return squares

    parts = workers.map(part, _pieces(len(factors), _ROWS_TOGETHER))
    total: Float64Array = np.sum(parts, axis=0, dtype=np.float64)
    return total


def weighted_squares(workers: Workers, factors: Float32Array, weights: Float32Array) -> float:
    """Return the sum over rows of weights[row] |factors[row]|^2."""

    def part(piece: slice) -> float:
        chunk = factors[piece]
        return float(np.einsum("ij,ij->i", chunk, chunk) @ weights[piece].astype(np.float64))

    return float(sum(workers.map(part, _pieces(len(factors), _ROWS_TOGETHER))))


def _pieces(length: int, rows: int) -> list[slice]:
    return [slice(start, min(start + rows, length)) for start in range(0, length, rows)]
