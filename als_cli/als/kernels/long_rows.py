"""Rows with many pairs: conjugate gradients from the last factors, preconditioned by the diagonal of the system.

B has the factors of the row's pairs as rows, W their weights w on the diagonal. One pass over the pairs computes B p
and B' W B p together, so factors are read once per step. The last step needs p' B' W B p only. The factors of a row's
pairs stay in the core's cache after the first pass, unless the row is very long.
"""

from typing import NamedTuple

import numpy as np

from als_cli.als.kernels.blocks import clear, offset_of
from als_cli.als.kernels.compiling import inlined, pasted
from als_cli.als.kernels.row_system import RowSystem, Solution
from als_cli.als.kernels.vectors import (
    load,
    multiply,
    multiply_add,
    prefetch,
    reciprocal,
    spread,
    store,
    total,
)
from als_cli.arrays import Float32Array, Int32Array

_Four = tuple[np.float32, np.float32, np.float32, np.float32]
_Offsets = tuple[int, int, int, int]


class Vectors(NamedTuple):
    """The vectors of the conjugate-gradient method, (width,) each."""

    x: Float32Array
    inverse: Float32Array
    """1 / diag(D + B' W B), the preconditioner."""
    residual: Float32Array
    direction: Float32Array
    """p."""
    image: Float32Array
    """B' W B p."""


@pasted
def _offsets_of_four(system: RowSystem, pair: int, last: int) -> _Offsets:
    """Return the offsets of the factors of four pairs from `pair` on; pairs after `last` get the offset of `last`."""
    return (
        offset_of(system, min(pair, last)),
        offset_of(system, min(pair + 1, last)),
        offset_of(system, min(pair + 2, last)),
        offset_of(system, min(pair + 3, last)),
    )


@pasted
def _weight(system: RowSystem, pair: int, last: int) -> np.float32:
    """Return w of `pair`; 0 after `last`."""
    return abs(system.confidence[pair]) - system.shift if pair <= last else np.float32(0.0)


@pasted
def _target(system: RowSystem, pair: int, last: int) -> np.float32:
    """Return b of `pair`; 0 after `last`."""
    return max(system.confidence[pair], np.float32(0.0)) if pair <= last else np.float32(0.0)


@inlined
def _products_of_four(system: RowSystem, at: _Offsets, ahead: _Offsets, direction: Float32Array) -> _Four:
    """Return the dot products of four factor rows with `direction`; prefetch the rows `ahead`."""
    a, b, c, d = at
    pa, pb, pc, pd = ahead
    u = v = w = z = spread(np.float32(0.0))
    for k in range(0, direction.shape[0], 16):
        p = load(direction, k)
        u = multiply_add(load(system.fixed, a + k), p, u)
        v = multiply_add(load(system.fixed, b + k), p, v)
        w = multiply_add(load(system.fixed, c + k), p, w)
        z = multiply_add(load(system.fixed, d + k), p, z)
        prefetch(system.fixed, pa + k)
        prefetch(system.fixed, pb + k)
        prefetch(system.fixed, pc + k)
        prefetch(system.fixed, pd + k)
    return total(u), total(v), total(w), total(z)


@inlined
def _add_four(system: RowSystem, at: _Offsets, weights: _Four, sums: Float32Array) -> None:
    """Add four factor rows, times their `weights`, to `sums`."""
    a, b, c, d = at
    u, v, w, z = spread(weights[0]), spread(weights[1]), spread(weights[2]), spread(weights[3])
    for k in range(0, sums.shape[0], 16):
        s = multiply_add(u, load(system.fixed, a + k), load(sums, k))
        s = multiply_add(v, load(system.fixed, b + k), s)
        s = multiply_add(w, load(system.fixed, c + k), s)
        store(sums, k, multiply_add(z, load(system.fixed, d + k), s))


@inlined
def _add_four_and_squares(
    system: RowSystem, at: _Offsets, weights: _Four, square_weights: _Four, vectors: Vectors
) -> None:
    """Add four factor rows times `weights` to the residual, and their squares times `square_weights` to `inverse`."""
    oa, ob, oc, od = at
    ra, rb, rc, rd = spread(weights[0]), spread(weights[1]), spread(weights[2]), spread(weights[3])
    wa, wb = spread(square_weights[0]), spread(square_weights[1])
    wc, wd = spread(square_weights[2]), spread(square_weights[3])
    for k in range(0, vectors.x.shape[0], 16):
        a, b = load(system.fixed, oa + k), load(system.fixed, ob + k)
        c, d = load(system.fixed, oc + k), load(system.fixed, od + k)
        r = multiply_add(rb, b, multiply_add(ra, a, load(vectors.residual, k)))
        store(vectors.residual, k, multiply_add(rd, d, multiply_add(rc, c, r)))
        s = multiply_add(multiply(wb, b), b, multiply_add(multiply(wa, a), a, load(vectors.inverse, k)))
        store(vectors.inverse, k, multiply_add(multiply(wd, d), d, multiply_add(multiply(wc, c), c, s)))


@inlined
def first_pass(system: RowSystem, start: int, last: int, vectors: Vectors) -> np.float64:
    """Add B' (b - W B x) to the residual and the diagonal of B' W B to `inverse`; return the loss of the pairs at x."""
    loss = np.float64(0.0)
    ahead = _offsets_of_four(system, start, last)
    for j in range(start, last + 1, 4):
        at, ahead = ahead, _offsets_of_four(system, j + 4, last)
        sa, sb, sc, sd = _products_of_four(system, at, ahead, vectors.x)
        wa, wb = _weight(system, j, last), _weight(system, j + 1, last)
        wc, wd = _weight(system, j + 2, last), _weight(system, j + 3, last)
        ba, bb = _target(system, j, last), _target(system, j + 1, last)
        bc, bd = _target(system, j + 2, last), _target(system, j + 3, last)
        ra, rb, rc, rd = ba - wa * sa, bb - wb * sb, bc - wc * sc, bd - wd * sd
        loss += ba - (ra + ba) * sa + bb - (rb + bb) * sb + bc - (rc + bc) * sc + bd - (rd + bd) * sd
        _add_four_and_squares(system, at, (ra, rb, rc, rd), (wa, wb, wc, wd), vectors)
    return loss


@inlined
def step_pass(system: RowSystem, start: int, last: int, vectors: Vectors, with_image: bool) -> np.float64:
    """Return p' B' W B p; with `with_image`, add B' W B p to the image."""
    curvature = np.float64(0.0)
    ahead = _offsets_of_four(system, start, last)
    for j in range(start, last + 1, 4):
        at, ahead = ahead, _offsets_of_four(system, j + 4, last)
        qa, qb, qc, qd = _products_of_four(system, at, ahead, vectors.direction)
        wa, wb = qa * _weight(system, j, last), qb * _weight(system, j + 1, last)
        wc, wd = qc * _weight(system, j + 2, last), qd * _weight(system, j + 3, last)
        curvature += wa * qa + wb * qb + wc * qc + wd * qd
        if with_image:
            _add_four(system, at, (wa, wb, wc, wd), vectors.image)
    return curvature


@pasted
def begin(system: RowSystem, row: int, vectors: Vectors) -> np.float64:
    """Set the residual to -D x and `inverse` to D; return x' D x."""
    ridge, minus, one = spread(system.ridge[row]), spread(np.float32(-1.0)), spread(np.float32(1.0))
    sums = spread(np.float32(0.0))
    for k in range(0, vectors.x.shape[0], 16):
        diagonal, x = multiply_add(load(system.spectrum, k), one, ridge), load(vectors.x, k)
        image = multiply(diagonal, x)
        store(vectors.inverse, k, diagonal)
        store(vectors.residual, k, multiply(minus, image))
        sums = multiply_add(image, x, sums)
    return np.float64(total(sums))


@pasted
def first_direction(vectors: Vectors) -> np.float32:
    """Invert the preconditioner and set p to the preconditioned residual z; return r.z."""
    rz = spread(np.float32(0.0))
    for k in range(0, vectors.x.shape[0], 16):
        inverse, residual = reciprocal(load(vectors.inverse, k)), load(vectors.residual, k)
        direction = multiply(inverse, residual)
        store(vectors.inverse, k, inverse)
        store(vectors.direction, k, direction)
        rz = multiply_add(residual, direction, rz)
    return np.float32(total(rz))


@pasted
def energy(system: RowSystem, row: int, vector: Float32Array) -> np.float64:
    """Return v' D v."""
    ridge, one, sums = spread(system.ridge[row]), spread(np.float32(1.0)), spread(np.float32(0.0))
    for k in range(0, vector.shape[0], 16):
        value = load(vector, k)
        diagonal = multiply_add(load(system.spectrum, k), one, ridge)
        sums = multiply_add(multiply(diagonal, value), value, sums)
    return np.float64(total(sums))


@pasted
def add_direction(vectors: Vectors, length: np.float32) -> None:
    """Add `length` p to x."""
    along = spread(length)
    for k in range(0, vectors.x.shape[0], 16):
        store(vectors.x, k, multiply_add(along, load(vectors.direction, k), load(vectors.x, k)))


@pasted
def turn(system: RowSystem, row: int, vectors: Vectors, length: np.float32, rz: np.float32) -> np.float32:
    """Update the residual after a step of `length` along p, set the next direction, and return the new r.z."""
    ridge, one, back = spread(system.ridge[row]), spread(np.float32(1.0)), spread(-length)
    new = spread(np.float32(0.0))
    for k in range(0, vectors.x.shape[0], 16):
        diagonal = multiply_add(load(system.spectrum, k), one, ridge)
        image = multiply_add(diagonal, load(vectors.direction, k), load(vectors.image, k))
        residual = multiply_add(back, image, load(vectors.residual, k))
        store(vectors.residual, k, residual)
        new = multiply_add(multiply(residual, residual), load(vectors.inverse, k), new)
    new_rz = np.float32(total(new))
    ratio = spread(new_rz / rz)
    for k in range(0, vectors.x.shape[0], 16):
        preconditioned = multiply(load(vectors.inverse, k), load(vectors.residual, k))
        store(vectors.direction, k, multiply_add(ratio, load(vectors.direction, k), preconditioned))
    return new_rz


@pasted
def _improve(system: RowSystem, row: int, steps: int, vectors: Vectors) -> np.float64:
    """Improve `vectors.x` by `steps` conjugate-gradient steps; return the loss of the row's pairs.

    A step of length a lowers x' A x - 2 x' B' b by a r.z. So the last loss follows from the loss at the first x.
    """
    start, last = system.indptr[row], system.indptr[row + 1] - 1
    loss = begin(system, row, vectors)
    loss += first_pass(system, start, last, vectors)
    rz = first_direction(vectors)
    for step in range(steps):
        if not rz > np.float32(1e-30):
            break
        is_last = step == steps - 1
        clear(vectors.image, vectors.x.shape[0])
        curvature = energy(system, row, vectors.direction)
        curvature += step_pass(system, start, last, vectors, not is_last)
        length = np.float32(rz / curvature)
        loss -= np.float64(length) * rz
        add_direction(vectors, length)
        if not is_last:
            rz = turn(system, row, vectors, length, rz)
    return loss - energy(system, row, vectors.x)


def solve_long_rows(
    rows: Int32Array, system: RowSystem, steps: int, solution: Solution, buffers: Float32Array
) -> None:
    """Improve `rows`; see :func:`als_cli.als.kernels.rows.solve_long_rows`. `buffers` (4, width) is scratch memory."""
    for row in rows:
        vectors = Vectors(solution.factors[row], buffers[0], buffers[1], buffers[2], buffers[3])
        loss = _improve(system, row, steps, vectors)
        if solution.losses.shape[0] > 0:
            solution.losses[row] = loss
