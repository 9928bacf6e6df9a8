"""Rows too long for a core's cache: the conjugate gradients of `long_rows` for a group of rows, block by block.

Solved one after the other, these rows would read their factors from main memory in every pass. Here the loop takes one
block of the fixed side at a time. While the block is in cache, every row of the group visits its pairs in it.
"""

import numpy as np

from als_cli.als.kernels.blocks import clear
from als_cli.als.kernels.compiling import pasted
from als_cli.als.kernels.long_rows import (
    Vectors,
    add_direction,
    begin,
    energy,
    first_direction,
    first_pass,
    step_pass,
    turn,
)
from als_cli.als.kernels.row_system import RowSystem, Solution
from als_cli.als.kernels.scratch import GroupState


@pasted
def _find_borders(system: RowSystem, group: GroupState, block_rows: int) -> None:
    """Set `borders`: the first pair of each row in each block of the fixed side."""
    for g in range(group.rows.shape[0]):
        pair, end = system.indptr[group.rows[g]], system.indptr[group.rows[g] + 1]
        group.borders[g, 0] = pair
        for block in range(group.borders.shape[1] - 1):
            while pair < end and system.indices[pair] < (block + 1) * block_rows:
                pair += 1
            group.borders[g, block + 1] = pair


@pasted
def _vectors(group: GroupState, g: int, solution: Solution) -> Vectors:
    """Return the vectors of row `g` of the group."""
    own = group.vectors
    return Vectors(solution.factors[group.rows[g]], own[0, g], own[1, g], own[2, g], own[3, g])


@pasted
def _start(system: RowSystem, group: GroupState, solution: Solution) -> None:
    """Set residuals, preconditioners, first directions and losses of all rows at their first x."""
    for g in range(group.rows.shape[0]):
        group.losses[g] = begin(system, group.rows[g], _vectors(group, g, solution))
    for block in range(group.borders.shape[1] - 1):
        for g in range(group.rows.shape[0]):
            first, end = group.borders[g, block], group.borders[g, block + 1]
            if first < end:
                group.losses[g] += first_pass(system, first, end - 1, _vectors(group, g, solution))
    for g in range(group.rows.shape[0]):
        group.rz[g] = first_direction(_vectors(group, g, solution))


@pasted
def _measure(system: RowSystem, group: GroupState, solution: Solution, with_image: bool) -> None:
    """Set the curvature of all rows along p; with `with_image`, also the image of p."""
    for g in range(group.rows.shape[0]):
        vectors = _vectors(group, g, solution)
        clear(vectors.image, vectors.image.shape[0])
        group.curvatures[g] = energy(system, group.rows[g], vectors.direction)
    for block in range(group.borders.shape[1] - 1):
        for g in range(group.rows.shape[0]):
            first, end = group.borders[g, block], group.borders[g, block + 1]
            if first < end and group.rz[g] > np.float32(1e-30):
                vectors = _vectors(group, g, solution)
                group.curvatures[g] += step_pass(system, first, end - 1, vectors, with_image)


@pasted
def _advance(system: RowSystem, group: GroupState, solution: Solution, is_last: bool) -> None:
    """Move all rows along p to the minimum; set the next directions unless `is_last`."""
    for g in range(group.rows.shape[0]):
        if group.rz[g] > np.float32(1e-30):
            vectors = _vectors(group, g, solution)
            length = np.float32(group.rz[g] / group.curvatures[g])
            group.losses[g] -= np.float64(length) * group.rz[g]
            add_direction(vectors, length)
            if not is_last:
                group.rz[g] = turn(system, group.rows[g], vectors, length, group.rz[g])


def solve_longest_rows(
    system: RowSystem, block_rows: int, steps: int, solution: Solution, group: GroupState
) -> None:
    """Improve the group; see :func:`als_cli.als.kernels.rows.solve_longest_rows`."""
    _find_borders(system, group, block_rows)
    _start(system, group, solution)
    for step in range(steps):
        _measure(system, group, solution, step < steps - 1)
        _advance(system, group, solution, step == steps - 1)
    if solution.losses.shape[0] > 0:
        for g in range(group.rows.shape[0]):
            row = group.rows[g]
            solution.losses[row] = group.losses[g] - energy(system, row, solution.factors[row])
