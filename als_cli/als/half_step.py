"""One half-step: solve every row of one side for a fixed other side, in the eigenbasis of the fixed side.

1. Compute G = Y'Y = V diag(d) V'.
2. Replace Y by Y V. Scores do not change when both sides are rotated, so the new basis is kept.
3. Solve each row. The dense term of its system is the diagonal a0 d + lambda_u; the other terms are its own pairs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.eigenbasis import Eigenbasis, eigenbasis, gram, rotate, rotate_rows
from als_cli.als.kernels.row_system import RowSystem, Solution, row_system
from als_cli.als.kernels.rows import solve_dense_rows, solve_long_rows, solve_longest_rows, solve_short_rows
from als_cli.als.objective import Loss
from als_cli.als.schedule import Schedule
from als_cli.als.threads import Workers
from als_cli.arrays import Float32Array, Float64Array


@dataclass
class Side:
    """The users or the items: their confidences, ridges, schedule and factors."""

    confidence: csr_matrix
    ridge: Float32Array
    """(rows,) lambda_u."""
    schedule: Schedule
    columns: int
    """f."""
    factors: Float32Array
    """(rows, width), overwritten by every half-step. Columns from f on stay zero (see `width_of`)."""


def width_of(factors: int) -> int:
    """Return the number of columns of stored factors: `factors` rounded up to a multiple of 16, the kernels' vector."""
    return -(-factors // 16) * 16


def solve_side(
    workers: Workers, side: Side, fixed: Float32Array, loss: Loss, cg_steps: int, pair_losses: Float64Array
) -> Eigenbasis:
    """Solve all rows of `side` for the fixed factors `fixed` of the other side, and return the eigenbasis of `fixed`.

    `fixed` (rows of the other side, width) is rotated into its eigenbasis in place. The loss of each row's own pairs is
    written to `pair_losses` (rows,); pass an empty array to leave it out.

    Raises
    ------
    FloatingPointError
        `fixed` is not finite.
    """
    turned = turn(workers, fixed, side.columns)
    solve_turned(workers, side, turned, loss, cg_steps, pair_losses)
    return turned.axes


@dataclass(frozen=True)
class Turned:
    """Fixed factors, rotated into their eigenbasis."""

    factors: Float32Array
    """(rows, width)."""
    axes: Eigenbasis


def turn(workers: Workers, fixed: Float32Array, columns: int) -> Turned:
    """Return `fixed` (rows, width) after rotating it into its eigenbasis in place; `columns` of it are used.

    Raises
    ------
    FloatingPointError
        `fixed` is not finite.
    """
    axes = eigenbasis(gram(workers, fixed), min(columns, len(fixed)))
    rotate(workers, fixed, axes.basis)
    return Turned(fixed, axes)


def solve_turned(
    workers: Workers, side: Side, fixed: Turned, loss: Loss, cg_steps: int, pair_losses: Float64Array
) -> None:
    """Solve all rows of `side` as :func:`solve_side` does, for fixed factors that are rotated already."""
    rotate_rows(workers, side.factors, side.schedule.warm_started, fixed.axes.basis)
    system = row_system_of(fixed, side.confidence, side.ridge, loss, side.columns)
    _solve_rows(workers, side.schedule, system, cg_steps, Solution(side.factors, pair_losses))


def row_system_of(
    fixed: Turned, confidence: csr_matrix, ridge: Float32Array, loss: Loss, columns: int
) -> RowSystem:
    """Return the systems of the rows of `confidence` (rows, I) for fixed factors of which `columns` are used."""
    rank = min(columns, len(fixed.factors))
    diagonal = _positive(loss.unobserved_weight * fixed.axes.spectrum, rank)
    return row_system(confidence, fixed.factors, diagonal, ridge, loss.shift)


def _positive(spectrum: Float64Array, rank: int) -> Float32Array:
    """Return a0 d (width,) without zeros: they become a value far below the rounding error, and 1 from `rank` on.

    Systems then have a solution without a ridge too, and with fewer rows than factors.
    """
    floored = np.maximum(spectrum, max(1e-10 * spectrum.max(), 1e-30))
    floored[rank:] = 1.0
    return floored.astype(np.float32)


def _solve_rows(
    workers: Workers, schedule: Schedule, system: RowSystem, cg_steps: int, solution: Solution
) -> None:
    """Solve all pieces of the schedule in one queue, long rows first, so that no thread waits between kinds of rows."""
    pieces = [
        *_iterative_pieces(schedule, system, cg_steps, solution),
        *_exact_pieces(schedule, system, solution),
    ]
    workers.map(lambda piece: piece(), pieces)


def _iterative_pieces(
    schedule: Schedule, system: RowSystem, cg_steps: int, solution: Solution
) -> Iterator[Callable[[], None]]:
    if schedule.longest:
        for rows in schedule.longest:
            yield partial(solve_longest_rows, rows, system, schedule.block_rows, cg_steps, solution)
    if schedule.long:
        for rows in schedule.long:
            yield partial(solve_long_rows, rows, system, cg_steps, solution)


def _exact_pieces(schedule: Schedule, system: RowSystem, solution: Solution) -> Iterator[Callable[[], None]]:
    if schedule.dense:
        for rows in schedule.dense:
            yield partial(solve_dense_rows, rows, system, solution)
    if schedule.short:
        for rows in schedule.short:
            yield partial(solve_short_rows, rows, system, solution)
