"""Structural checks of a sparse matrix and of factors. Compiled kernels read arrays without any check of indices.

The arrays are read in blocks of fixed size, so the checks need little memory.
"""

from collections.abc import Iterator

import numpy as np

from als_cli.arrays import Float32Array, Int32Array, Int64Array

_BLOCK = 1 << 20
_OLDEST, _NEWEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999 in microseconds since 1970."""


def check_row_starts(indptr: Int64Array, rows: int) -> None:
    """Return when `indptr` has the starts of `rows` rows, and the end of the last row.

    Raises
    ------
    ValueError
        Its length is not `rows` + 1, or it does not rise from 0.
    """
    if len(indptr) != rows + 1:
        raise ValueError(f"it has {len(indptr)} values, but there are {rows} users")
    if indptr[0] != 0:
        raise ValueError("it does not begin with 0")
    if any((indptr[start + 1 : end + 1] < indptr[start:end]).any() for start, end in _blocks(rows)):
        raise ValueError("its values fall")


def check_columns(indices: Int32Array, indptr: Int64Array, columns: int) -> None:
    """Return when the `indices` of each row rise and are below `columns`; `indptr` has passed its check.

    Raises
    ------
    ValueError
        There are more or fewer indices than `indptr` ends with, an index is out of range, or the indices of a row are
        not sorted, or occur twice.
    """
    _check_length(indices, int(indptr[-1]))
    for start, end in _blocks(len(indices)):
        block = indices[start:end]
        if block.min() < 0 or block.max() >= columns:
            raise ValueError(f"an index is not between 0 and {columns - 1}, the last item")
        # Pairs whose index is not above the index before them must be the first of their row.
        first = max(start, 1)
        falls = np.flatnonzero(indices[first:end] <= indices[first - 1 : end - 1]) + first
        if not np.array_equal(indptr[np.searchsorted(indptr, falls)], falls):
            raise ValueError("the indices of a row are not sorted, or occur twice")


def check_strengths(strength: Float32Array, pairs: int) -> None:
    """Return when `strength` has `pairs` values, which are finite and not zero.

    Raises
    ------
    ValueError
        There are more or fewer values, or a value is zero, infinite or NaN.
    """
    _check_length(strength, pairs)
    for start, end in _blocks(len(strength)):
        block = strength[start:end]
        if not block.all() or not np.isfinite(block).all():
            raise ValueError("a strength is zero or not finite")


def check_times(times: Int64Array, pairs: int) -> None:
    """Return when `times` has `pairs` values, which are microseconds in the years 1 to 9999.

    Raises
    ------
    ValueError
        There are more or fewer values, or a time is outside these years.
    """
    _check_length(times, pairs)
    for start, end in _blocks(len(times)):
        block = times[start:end]
        if block.min() < _OLDEST or block.max() > _NEWEST:
            raise ValueError("a time is outside the years 1 to 9999")


def check_factors(factors: Float32Array) -> None:
    """Return when all values of `factors` (R, f) are finite.

    Raises
    ------
    ValueError
        A value is infinite or NaN.
    """
    values = factors.reshape(-1)
    if not all(np.isfinite(values[start:end]).all() for start, end in _blocks(len(values))):
        raise ValueError("a factor is not finite")


def _check_length(values: Int32Array | Int64Array | Float32Array, pairs: int) -> None:
    if len(values) != pairs:
        raise ValueError(f"it has {len(values)} values, but there are {pairs} pairs")


def _blocks(length: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, _BLOCK):
        yield start, min(start + _BLOCK, length)
