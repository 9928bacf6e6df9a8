"""One half-step: solve every row of one side for a fixed other side, in the eigenbasis of the fixed side.

1. G = Y'Y = V diag(d) V'.
2. Y <- Y V: scores do not change when both sides turn, so the new basis is kept.
3. The dense term of every row's system is now the diagonal a0 d + lambda_u; what is left is the row's own pairs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.eigenbasis import Eigenbasis, eigenbasis, gram, rotate, rotate_rows
from als_cli.als.kernels.importing import IMPORTING
from als_cli.als.kernels.row_system import RowSystem, Solution, row_system
from als_cli.als.objective import Loss
from als_cli.als.schedule import Schedule
from als_cli.als.threads import Workers
from als_cli.arrays import Float32Array, Float64Array


@dataclass
class Side:
    """The users or the items: their rows of the matrix, and their factors."""

    confidence: csr_matrix
    ridge: Float32Array
    """(rows,) lambda_u."""
    schedule: Schedule
    columns: int
    """f."""
    factors: Float32Array
    """(rows, width), overwritten by every half-step; columns past f (see `width_of`) stay zero."""


def width_of(factors: int) -> int:
    """Return `factors` rounded up to whole vectors of the kernels (16 float32)."""
    return -(-factors // 16) * 16


def solve_side(
    workers: Workers, side: Side, fixed: Float32Array, loss: Loss, cg_steps: int, pair_losses: Float64Array
) -> Eigenbasis:
    """Solve all rows of `side` for the other side's factors `fixed`, which are turned into their eigenbasis in place.

    `pair_losses` (rows,) receives each row's own part of the loss; pass an empty array to leave it out. Returns the
    eigenbasis. FloatingPointError where `fixed` is not finite.
    """
    turned = turn(workers, fixed, side.columns)
    solve_turned(workers, side, turned, loss, cg_steps, pair_losses)
    return turned.axes


@dataclass(frozen=True)
class Turned:
    """Fixed factors in their eigenbasis."""

    factors: Float32Array
    """(rows, width)."""
    axes: Eigenbasis


def turn(workers: Workers, fixed: Float32Array, columns: int) -> Turned:
    """Turn `fixed` (rows, width), of which `columns` are used, into its eigenbasis in place.

    FloatingPointError where it is not finite.
    """
    axes = eigenbasis(gram(workers, fixed), min(columns, len(fixed)))
    rotate(workers, fixed, axes.basis)
    return Turned(fixed, axes)


def solve_turned(
    workers: Workers, side: Side, fixed: Turned, loss: Loss, cg_steps: int, pair_losses: Float64Array
) -> None:
    """Solve all rows of `side` as :func:`solve_side` does, for factors that are turned already."""
    rank = min(side.columns, len(fixed.factors))
    rotate_rows(workers, side.factors, side.schedule.warm_started, fixed.axes.basis)
    diagonal = _positive(loss.unobserved_weight * fixed.axes.spectrum, rank)
    system = row_system(side.confidence, fixed.factors, diagonal, side.ridge, loss.shift)
    _solve_rows(workers, side.schedule, system, cg_steps, Solution(side.factors, pair_losses))


def _positive(spectrum: Float64Array, rank: int) -> Float32Array:
    """Return a0 d (width,) without zeros, far below its rounding error; 1 where all factors are zero.

    So the systems stay solvable without a ridge, and with fewer rows than factors.
    """
    floored = np.maximum(spectrum, max(1e-10 * spectrum.max(), 1e-30))
    floored[rank:] = 1.0
    return floored.astype(np.float32)


def _solve_rows(
    workers: Workers, schedule: Schedule, system: RowSystem, cg_steps: int, solution: Solution
) -> None:
    """Solve all pieces of the schedule, the largest first, so that no thread waits for the last of a kind."""
    pieces = [
        *_iterative_pieces(schedule, system, cg_steps, solution),
        *_exact_pieces(schedule, system, solution),
    ]
    workers.map(lambda piece: piece(), pieces)


def _iterative_pieces(
    schedule: Schedule, system: RowSystem, cg_steps: int, solution: Solution
) -> Iterator[Callable[[], None]]:
    if schedule.longest:
        with IMPORTING:
            from als_cli.als.kernels.longest_rows import solve_longest_rows

        for rows in schedule.longest:
            yield partial(solve_longest_rows, rows, system, schedule.block_rows, cg_steps, solution)
    if schedule.long:
        with IMPORTING:
            from als_cli.als.kernels.long_rows import solve_long_rows

        for rows in schedule.long:
            yield partial(solve_long_rows, rows, system, cg_steps, solution)


def _exact_pieces(schedule: Schedule, system: RowSystem, solution: Solution) -> Iterator[Callable[[], None]]:
    if schedule.dense:
        with IMPORTING:
            from als_cli.als.kernels.dense_rows import solve_dense_rows

        for rows in schedule.dense:
            yield partial(solve_dense_rows, rows, system, solution)
    if schedule.short:
        with IMPORTING:
            from als_cli.als.kernels.short_rows import solve_short_rows

        for rows in schedule.short:
            yield partial(solve_short_rows, rows, system, solution)
