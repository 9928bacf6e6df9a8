"""Rows with many pairs: conjugate gradients from the last factors, preconditioned by the system's diagonal.

The gathered rows stay in the core's cache for all passes; a row too long for it is gathered again, part by part, in
each pass. One pass computes B p and B' W B p together, so every gathered row is loaded once per step, and the last
step needs B p alone.
"""

import numpy as np
from numba.core import types

from als_cli.als.arrays import Float32Array, Int32Array
from als_cli.als.kernels.blocks import padded
from als_cli.als.kernels.compiling import inlined, kernel
from als_cli.als.kernels.prefetching import prefetch
from als_cli.als.kernels.row_system import ROW_SYSTEM, ROWS, SOLUTION, RowSystem, Solution

_CACHED_FLOATS = 1 << 18
"""1 MiB of gathered rows: about a core's own cache."""

_ROWS_AHEAD = 16


@inlined
def _gather(system: RowSystem, start: int, count: int, block: Float32Array) -> None:
    """Copy the factors of `count` pairs from `start` on into `block`, zero rows up to a multiple of four."""
    factors = block.shape[1]
    for j in range(count):
        ahead = start + j + _ROWS_AHEAD
        if ahead < system.indices.shape[0]:
            coming = system.fixed[system.indices[ahead]]
            for k in range(0, factors, 16):
                prefetch(coming, k)
        source = system.fixed[system.indices[start + j]]
        line = block[j]
        for k in range(factors):
            line[k] = source[k]
    for j in range(count, padded(count)):
        block[j, :] = np.float32(0.0)


@inlined
def _project(block: Float32Array, size: int, direction: Float32Array, products: Float32Array) -> None:
    """Set products[:size] = block direction."""
    for j in range(0, size, 4):
        a, b, c, d = block[j], block[j + 1], block[j + 2], block[j + 3]
        u = v = w = z = np.float32(0.0)
        for k in range(direction.shape[0]):
            u += a[k] * direction[k]
            v += b[k] * direction[k]
            w += c[k] * direction[k]
            z += d[k] * direction[k]
        products[j], products[j + 1], products[j + 2], products[j + 3] = u, v, w, z


@inlined
def _first_pass(
    block: Float32Array,
    size: int,
    pairs: tuple[Float32Array, ...],
    start_vector: Float32Array,
    sums: tuple[Float32Array, Float32Array],
) -> None:
    """Add B' (b - W B x) and the diagonal of B' W B to `sums`; set the pairs' scores B x."""
    weights, targets, scores = pairs
    residual, diagonal = sums
    factors = start_vector.shape[0]
    _project(block, size, start_vector, scores)
    for j in range(0, size, 4):
        a, b, c, d = block[j], block[j + 1], block[j + 2], block[j + 3]
        wa, wb, wc, wd = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
        ra, rb = targets[j] - wa * scores[j], targets[j + 1] - wb * scores[j + 1]
        rc, rd = targets[j + 2] - wc * scores[j + 2], targets[j + 3] - wd * scores[j + 3]
        for k in range(factors):
            ak, bk, ck, dk = a[k], b[k], c[k], d[k]
            residual[k] += ra * ak + rb * bk + rc * ck + rd * dk
            diagonal[k] += wa * ak * ak + wb * bk * bk + wc * ck * ck + wd * dk * dk


@inlined
def _step_pass(
    block: Float32Array,
    size: int,
    pairs: tuple[Float32Array, ...],
    direction: Float32Array,
    image: Float32Array,
) -> None:
    """Add B' W B p to `image`; set the pairs' products B p."""
    weights, products = pairs
    factors = direction.shape[0]
    for j in range(0, size, 4):
        a, b, c, d = block[j], block[j + 1], block[j + 2], block[j + 3]
        u = v = w = z = np.float32(0.0)
        for k in range(factors):
            u += a[k] * direction[k]
            v += b[k] * direction[k]
            w += c[k] * direction[k]
            z += d[k] * direction[k]
        products[j], products[j + 1], products[j + 2], products[j + 3] = u, v, w, z
        u, v, w, z = u * weights[j], v * weights[j + 1], w * weights[j + 2], z * weights[j + 3]
        for k in range(factors):
            image[k] += u * a[k] + v * b[k] + w * c[k] + z * d[k]


@inlined
def _load_pairs(system: RowSystem, row: int, weights: Float32Array, targets: Float32Array) -> None:
    """Fill w and b of the row's pairs, zeros up to a multiple of four."""
    start, count = system.indptr[row], system.indptr[row + 1] - system.indptr[row]
    for j in range(count):
        confidence = system.confidence[start + j]
        weights[j] = abs(confidence) - system.shift
        targets[j] = max(confidence, np.float32(0.0))
    weights[count : padded(count)] = np.float32(0.0)
    targets[count : padded(count)] = np.float32(0.0)


@kernel(types.void, ROWS, ROW_SYSTEM, types.intp, SOLUTION)
def solve_long_rows(rows: Int32Array, system: RowSystem, steps: int, solution: Solution) -> None:  # noqa: C901, PLR0912, PLR0915 - one loop nest
    """Improve `rows`, longest first, by `steps` conjugate-gradient steps; overwrite their factors and losses."""
    factors = system.fixed.shape[1]
    longest = padded(system.indptr[rows[0] + 1] - system.indptr[rows[0]])
    part = min(longest, max(32, _CACHED_FLOATS // factors & ~31))
    block = np.empty((part, factors), np.float32)
    weights, targets = np.empty(longest, np.float32), np.empty(longest, np.float32)
    scores, products = np.empty(longest, np.float32), np.empty(longest, np.float32)
    residual, diagonal = np.empty(factors, np.float32), np.empty(factors, np.float32)
    direction, image = np.empty(factors, np.float32), np.empty(factors, np.float32)
    for row in rows:
        start, count = system.indptr[row], system.indptr[row + 1] - system.indptr[row]
        x = solution.factors[row]
        _load_pairs(system, row, weights, targets)
        for k in range(factors):
            diagonal[k] = system.spectrum[k] + system.ridge[row]
            residual[k] = -diagonal[k] * x[k]
        for first in range(0, count, part):
            size = padded(min(part, count - first))
            _gather(system, start + first, min(part, count - first), block)
            inside = slice(first, first + size)
            _first_pass(
                block, size, (weights[inside], targets[inside], scores[inside]), x, (residual, diagonal)
            )
        rz = np.float32(0.0)
        for k in range(factors):
            diagonal[k] = np.float32(1.0) / max(diagonal[k], np.float32(1e-30))
            direction[k] = residual[k] * diagonal[k]
            rz += residual[k] * direction[k]
        for step in range(steps):
            if not rz > np.float32(1e-30):
                break
            image[:] = np.float32(0.0)
            last = step == steps - 1
            for first in range(0, count, part):
                size = padded(min(part, count - first))
                if count > part:
                    _gather(system, start + first, min(part, count - first), block)
                inside = slice(first, first + size)
                if last:
                    _project(block, size, direction, products[inside])
                else:
                    _step_pass(block, size, (weights[inside], products[inside]), direction, image)
            curvature = np.float32(0.0)
            for k in range(factors):
                own = (system.spectrum[k] + system.ridge[row]) * direction[k]
                image[k] += own
                curvature += direction[k] * own
            for j in range(count):
                curvature += weights[j] * products[j] * products[j]
            length = rz / curvature
            for k in range(factors):
                x[k] += length * direction[k]
            for j in range(count):
                scores[j] += length * products[j]
            if last:
                break
            old, rz = rz, np.float32(0.0)
            for k in range(factors):
                residual[k] -= length * image[k]
                rz += residual[k] * residual[k] * diagonal[k]
            turn = rz / old
            for k in range(factors):
                direction[k] = residual[k] * diagonal[k] + turn * direction[k]
        if solution.losses.shape[0] > 0:
            loss = 0.0
            for j in range(count):
                loss += weights[j] * scores[j] * scores[j] - 2 * targets[j] * scores[j] + targets[j]
            solution.losses[row] = loss
