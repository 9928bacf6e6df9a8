"""Rows with many pairs: conjugate gradients from the last factors, preconditioned by the system's diagonal.

The gathered rows stay in the core's cache for all passes; a row too long for it is gathered again, part by part, in
each pass. One pass computes B p and B' W B p together, so every gathered row is loaded once per step, and the last
step needs B p alone.
"""

from typing import NamedTuple

import numpy as np
from numba.core import types

from als_cli.als.arrays import Float32Array, Int32Array
from als_cli.als.kernels.blocks import clear, offset_of, project, rounded
from als_cli.als.kernels.compiling import inlined, kernel
from als_cli.als.kernels.row_system import ROW_SYSTEM, ROWS, SOLUTION, RowSystem, Solution
from als_cli.als.kernels.vectors import load, multiply, multiply_add, prefetch, spread, store, total

_CACHED_FLOATS = 1 << 17
"""512 KiB of gathered rows: half of a core's own cache."""
_ROWS_AHEAD = 4
"""Rows asked for before their turn, so that memory answers in time."""


class _Pairs(NamedTuple):
    """A row's pairs, one entry each."""

    weights: Float32Array
    targets: Float32Array
    scores: Float32Array
    """B x."""
    products: Float32Array
    """B p."""


class _Vectors(NamedTuple):
    """The vectors of the conjugate gradients, (width,) each."""

    x: Float32Array
    diagonal: Float32Array
    """D."""
    inverse: Float32Array
    """1 / diag(D + B' W B), the preconditioner."""
    residual: Float32Array
    direction: Float32Array
    """p."""
    image: Float32Array
    """B' W B p."""


@inlined
def _load_pairs(system: RowSystem, row: int, pairs: _Pairs) -> None:
    """Fill w and b of the row's pairs, zeros up to a multiple of four."""
    start, count = system.indptr[row], system.indptr[row + 1] - system.indptr[row]
    for j in range(count):
        confidence = system.confidence[start + j]
        pairs.weights[j] = abs(confidence) - system.shift
        pairs.targets[j] = max(confidence, np.float32(0.0))
    for j in range(count, rounded(count, 4)):
        pairs.weights[j] = np.float32(0.0)
        pairs.targets[j] = np.float32(0.0)


@inlined
def _gather(system: RowSystem, start: int, count: int, block: Float32Array) -> None:
    """Copy the factors of `count` pairs from `start` on into `block`; the last one fills up to a multiple of four."""
    width = system.spectrum.shape[0]
    for j in range(rounded(count, 4)):
        source = offset_of(system, start + min(j, count - 1))
        ahead = offset_of(system, start + min(j + _ROWS_AHEAD, count - 1))
        for k in range(0, width, 16):
            prefetch(system.fixed, ahead + k)
            store(block, j * width + k, load(system.fixed, source + k))


@inlined
def _gather_four(
    system: RowSystem, start: int, j: int, count: int, block: Float32Array, vectors: _Vectors
) -> tuple:
    """Copy the factors of pairs j..j + 3 from `start` on into `block`; return their products with x."""
    last = count - 1
    oa, ob = offset_of(system, start + j), offset_of(system, start + min(j + 1, last))
    oc, od = offset_of(system, start + min(j + 2, last)), offset_of(system, start + min(j + 3, last))
    ahead = j + _ROWS_AHEAD
    pa, pb = offset_of(system, start + min(ahead, last)), offset_of(system, start + min(ahead + 1, last))
    pc, pd = offset_of(system, start + min(ahead + 2, last)), offset_of(system, start + min(ahead + 3, last))
    width = vectors.x.shape[0]
    to = j * width
    u = v = w = z = spread(np.float32(0.0))
    for k in range(0, width, 16):
        p = load(vectors.x, k)
        a, b, c, d = (
            load(system.fixed, oa + k),
            load(system.fixed, ob + k),
            load(system.fixed, oc + k),
            load(system.fixed, od + k),
        )
        prefetch(system.fixed, pa + k)
        prefetch(system.fixed, pb + k)
        prefetch(system.fixed, pc + k)
        prefetch(system.fixed, pd + k)
        store(block, to + k, a)
        store(block, to + width + k, b)
        store(block, to + 2 * width + k, c)
        store(block, to + 3 * width + k, d)
        u, v, w, z = (
            multiply_add(a, p, u),
            multiply_add(b, p, v),
            multiply_add(c, p, w),
            multiply_add(d, p, z),
        )
    return total(u), total(v), total(w), total(z)


@inlined
def _first_pass(
    system: RowSystem,
    start: int,
    first: int,
    count: int,
    block: Float32Array,
    pairs: _Pairs,
    vectors: _Vectors,
) -> None:
    """Gather pairs first..first + count; add B' (b - W B x) to the residual, the diagonal of B' W B to `inverse`."""
    width = vectors.x.shape[0]
    for j in range(0, rounded(count, 4), 4):
        p = first + j
        sa, sb, sc, sd = _gather_four(system, start + first, j, count, block, vectors)
        pairs.scores[p], pairs.scores[p + 1], pairs.scores[p + 2], pairs.scores[p + 3] = sa, sb, sc, sd
        wa, wb, wc, wd = pairs.weights[p], pairs.weights[p + 1], pairs.weights[p + 2], pairs.weights[p + 3]
        ra, rb = spread(pairs.targets[p] - wa * sa), spread(pairs.targets[p + 1] - wb * sb)
        rc, rd = spread(pairs.targets[p + 2] - wc * sc), spread(pairs.targets[p + 3] - wd * sd)
        va, vb, vc, vd = spread(wa), spread(wb), spread(wc), spread(wd)
        at = j * width
        for k in range(at, at + width, 16):
            a, b, c, d = (
                load(block, k),
                load(block, k + width),
                load(block, k + 2 * width),
                load(block, k + 3 * width),
            )
            r = multiply_add(ra, a, load(vectors.residual, k - at))
            r = multiply_add(rb, b, r)
            r = multiply_add(rc, c, r)
            store(vectors.residual, k - at, multiply_add(rd, d, r))
            s = multiply_add(multiply(va, a), a, load(vectors.inverse, k - at))
            s = multiply_add(multiply(vb, b), b, s)
            s = multiply_add(multiply(vc, c), c, s)
            store(vectors.inverse, k - at, multiply_add(multiply(vd, d), d, s))


@inlined
def _step_pass(block: Float32Array, first: int, size: int, pairs: _Pairs, vectors: _Vectors) -> None:
    """Set the products B p of pairs first..first + size, and add B' W B p to the image."""
    width = vectors.x.shape[0]
    for j in range(0, size, 4):
        a = j * width
        b, c, d = a + width, a + 2 * width, a + 3 * width
        u = v = w = z = spread(np.float32(0.0))
        for k in range(0, width, 16):
            p = load(vectors.direction, k)
            u = multiply_add(load(block, a + k), p, u)
            v = multiply_add(load(block, b + k), p, v)
            w = multiply_add(load(block, c + k), p, w)
            z = multiply_add(load(block, d + k), p, z)
        q = first + j
        qa, qb, qc, qd = total(u), total(v), total(w), total(z)
        pairs.products[q], pairs.products[q + 1], pairs.products[q + 2], pairs.products[q + 3] = (
            qa,
            qb,
            qc,
            qd,
        )
        u, v = spread(qa * pairs.weights[q]), spread(qb * pairs.weights[q + 1])
        w, z = spread(qc * pairs.weights[q + 2]), spread(qd * pairs.weights[q + 3])
        for k in range(0, width, 16):
            s = multiply_add(u, load(block, a + k), load(vectors.image, k))
            s = multiply_add(v, load(block, b + k), s)
            s = multiply_add(w, load(block, c + k), s)
            store(vectors.image, k, multiply_add(z, load(block, d + k), s))


@inlined
def _begin(system: RowSystem, row: int, vectors: _Vectors) -> None:
    """Set D, the residual -D x and the preconditioner's part that does not depend on the pairs."""
    ridge = system.ridge[row]
    for k in range(vectors.x.shape[0]):
        entry = system.spectrum[k] + ridge
        vectors.diagonal[k] = entry
        vectors.inverse[k] = entry
        vectors.residual[k] = -entry * vectors.x[k]


@inlined
def _first_direction(vectors: _Vectors) -> np.float32:
    """Set p to the preconditioned residual z; return r.z."""
    rz = np.float32(0.0)
    for k in range(vectors.x.shape[0]):
        inverse = np.float32(1.0) / max(vectors.inverse[k], np.float32(1e-30))
        vectors.inverse[k] = inverse
        vectors.direction[k] = inverse * vectors.residual[k]
        rz += vectors.residual[k] * vectors.direction[k]
    return rz


@inlined
def _advance(vectors: _Vectors, pairs: _Pairs, count: int, rz: np.float32) -> np.float32:
    """Move x and its scores along p to the minimum; return the step's length."""
    curvature = np.float32(0.0)
    for k in range(vectors.x.shape[0]):
        curvature += vectors.diagonal[k] * vectors.direction[k] * vectors.direction[k]
    for j in range(count):
        curvature += pairs.weights[j] * pairs.products[j] * pairs.products[j]
    length = rz / curvature
    for k in range(vectors.x.shape[0]):
        vectors.x[k] += length * vectors.direction[k]
    for j in range(count):
        pairs.scores[j] += length * pairs.products[j]
    return length


@inlined
def _turn(vectors: _Vectors, length: np.float32, rz: np.float32) -> np.float32:
    """Set the residual of the new x and the next direction; return the new r.z."""
    new = np.float32(0.0)
    for k in range(vectors.x.shape[0]):
        image = vectors.image[k] + vectors.diagonal[k] * vectors.direction[k]
        residual = vectors.residual[k] - length * image
        vectors.residual[k] = residual
        new += residual * residual * vectors.inverse[k]
    ratio = new / rz
    for k in range(vectors.x.shape[0]):
        vectors.direction[k] = vectors.inverse[k] * vectors.residual[k] + ratio * vectors.direction[k]
    return new


@inlined
def _solve(
    system: RowSystem, row: int, steps: int, block: Float32Array, pairs: _Pairs, vectors: _Vectors
) -> None:
    """Improve `vectors.x` by `steps` steps."""
    start, count = system.indptr[row], system.indptr[row + 1] - system.indptr[row]
    width = vectors.x.shape[0]
    part = block.shape[0] // width
    _begin(system, row, vectors)
    for first in range(0, count, part):
        _first_pass(system, start, first, min(part, count - first), block, pairs, vectors)
    rz = _first_direction(vectors)
    for step in range(steps):
        if not rz > np.float32(1e-30):
            break
        clear(vectors.image, width)
        for first in range(0, count, part):
            size = min(part, count - first)
            if count > part:
                _gather(system, start + first, size, block)
            if step == steps - 1:
                project(block, rounded(size, 4), vectors.direction, pairs.products, first)
            else:
                _step_pass(block, first, rounded(size, 4), pairs, vectors)
        length = _advance(vectors, pairs, count, rz)
        if step < steps - 1:
            rz = _turn(vectors, length, rz)


@kernel(types.void, ROWS, ROW_SYSTEM, types.intp, SOLUTION)
def solve_long_rows(rows: Int32Array, system: RowSystem, steps: int, solution: Solution) -> None:
    """Improve `rows`, longest first, by `steps` conjugate-gradient steps; overwrite their factors and losses."""
    width = system.spectrum.shape[0]
    longest = rounded(system.indptr[rows[0] + 1] - system.indptr[rows[0]], 4)
    part = min(longest, max(32, _CACHED_FLOATS // width & ~31))
    block = np.empty(part * width, np.float32)
    pairs = _Pairs(
        np.empty(longest, np.float32),
        np.empty(longest, np.float32),
        np.empty(longest, np.float32),
        np.empty(longest, np.float32),
    )
    buffers = np.empty((5, width), np.float32)
    for row in rows:
        x = solution.factors[row]
        vectors = _Vectors(x, buffers[0], buffers[1], buffers[2], buffers[3], buffers[4])
        _load_pairs(system, row, pairs)
        _solve(system, row, steps, block, pairs, vectors)
        if solution.losses.shape[0] > 0:
            loss = 0.0
            for j in range(system.indptr[row + 1] - system.indptr[row]):
                score = pairs.scores[j]
                loss += pairs.weights[j] * score * score - 2 * pairs.targets[j] * score + pairs.targets[j]
            solution.losses[row] = loss
