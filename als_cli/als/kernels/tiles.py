"""Tiles of a matrix as one numba value: 8 or 16 vectors in registers, each a row of 16 columns or a partial sum.

One operation on a tile replaces 8 or 16 lines of a kernel, each of which would take time to compile.
"""

from collections.abc import Callable, Iterable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from als_cli.als.kernels.numba_internals import LANES, VECTOR, call, float32x16, operation
from als_cli.als.kernels.vectors import INDEX, UNALIGNED, spread_value, vector_at

_named_alike: Any = types.UniTuple


def _tile_of(rows: int) -> Any:
    return _named_alike(float32x16, rows)


def _rows_of(builder: Any, tile: Any) -> list[Any]:
    return [builder.extract_value(tile, number) for number in range(tile.type.count)]


def _tile(builder: Any, rows: list[Any]) -> Any:
    tile = ir.Constant(ir.ArrayType(VECTOR, len(rows)), ir.Undefined)
    for number, row in enumerate(rows):
        tile = builder.insert_value(tile, row, number)
    return tile


def _add_product(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return call(builder, "llvm.fmuladd.v16f32", VECTOR, [a, b, c])


def _places(builder: Any, start: Any, step: Any, count: int) -> list[Any]:
    return [builder.add(start, builder.mul(step, step.type(number))) for number in range(count)]


def _spread_from(builder: Any, address: Any, place: Any) -> Any:
    return spread_value(builder, builder.load(builder.gep(address, [place])))


def _zeros(typing_context: Any) -> Any:  # noqa: ARG001 - numba's protocol, also below
    """Return a tile of sixteen zero vectors."""
    return _tile_of(16)(), operation(_tile_of(16), lambda builder: _tile(builder, [_zero()] * 16))


def _zero() -> Any:
    return ir.Constant(VECTOR, [0.0] * LANES)


def _load_rows(count: int) -> Callable[..., Any]:
    def load_rows(typing_context: Any, array: Any, offset: Any, stride: Any) -> Any:  # noqa: ARG001
        """Return the tile whose rows of 16 values begin at array[offset] and are `stride` apart."""

        def build(builder: Any, address: Any, start: Any, step: Any) -> Any:
            rows = [
                builder.load(vector_at(builder, address, place), align=UNALIGNED)
                for place in _places(builder, start, step, count)
            ]
            return _tile(builder, rows)

        return _tile_of(count)(array, types.intp, types.intp), operation(_tile_of(count), build)

    return load_rows


def _store_rows(typing_context: Any, array: Any, offset: Any, stride: Any, tile: Any) -> Any:  # noqa: ARG001
    """Write the rows of the tile at array[offset], `stride` apart."""

    def build(builder: Any, address: Any, start: Any, step: Any, values: Any) -> Any:
        rows = _rows_of(builder, values)
        for row, place in zip(rows, _places(builder, start, step, len(rows)), strict=True):
            builder.store(row, vector_at(builder, address, place), align=UNALIGNED)

    return types.void(array, types.intp, types.intp, tile), operation(types.void, build)


def _add_outer(typing_context: Any, tile: Any, array: Any, offset: Any, vector: Any) -> Any:  # noqa: ARG001
    """Return the tile after adding array[offset + i] * `vector` to its row i."""

    def build(builder: Any, values: Any, address: Any, start: Any, row: Any) -> Any:
        sums = _rows_of(builder, values)
        places = _places(builder, start, start.type(1), len(sums))
        return _tile(
            builder,
            [
                _add_product(builder, _spread_from(builder, address, place), row, value)
                for value, place in zip(sums, places, strict=True)
            ],
        )

    return tile(tile, array, types.intp, float32x16), operation(tile, build)


def _solve_triangle(
    typing_context: Any,  # noqa: ARG001
    tile: Any,
    matrix: Any,
    offset: Any,  # noqa: ARG001
    stride: Any,  # noqa: ARG001
    inverses: Any,
) -> Any:
    """Return Z with R'Z = tile. R: upper triangle at matrix[offset], rows `stride` apart; `inverses` = 1 / diag(R)."""

    def build(builder: Any, values: Any, address: Any, start: Any, step: Any, diagonal: Any) -> Any:
        rows = _rows_of(builder, values)
        starts = _places(builder, start, step, len(rows))
        for i, begin in enumerate(starts):
            rows[i] = builder.fmul(rows[i], _spread_from(builder, diagonal, start.type(i)))
            pivot = builder.fneg(rows[i])
            for j in range(i + 1, len(rows)):
                factor = _spread_from(builder, address, builder.add(begin, begin.type(j)))
                rows[j] = _add_product(builder, factor, pivot, rows[j])
        return _tile(builder, rows)

    return tile(tile, matrix, types.intp, types.intp, inverses), operation(tile, build)


def _add_dots(typing_context: Any, tile: Any, array: Any, a: Any, b: Any, stride: Any) -> Any:  # noqa: ARG001
    """Return the tile of 4 x 4 partial sums after adding the lane-wise products of four vectors with four vectors.

    The vectors begin at array[a] and at array[b], and are `stride` apart.
    """

    def build(builder: Any, values: Any, address: Any, left: Any, right: Any, step: Any) -> Any:
        rows, columns = (
            [
                builder.load(vector_at(builder, address, place), align=UNALIGNED)
                for place in _places(builder, start, step, 4)
            ]
            for start in (left, right)
        )
        sums = _rows_of(builder, values)
        pairs = [(x, y) for x in rows for y in columns]
        return _tile(builder, [_add_product(builder, x, y, s) for (x, y), s in zip(pairs, sums, strict=True)])

    return tile(tile, array, types.intp, types.intp, types.intp), operation(tile, build)


def _store_totals(typing_context: Any, array: Any, offset: Any, stride: Any, tile: Any) -> Any:  # noqa: ARG001
    """Write the lane sums of the tile's sixteen vectors as 4 x 4 floats at array[offset], rows `stride` apart."""

    def build(builder: Any, address: Any, start: Any, step: Any, values: Any) -> Any:
        parts = _rows_of(builder, values)
        for low, high in _FOLDS:
            parts = [
                builder.fadd(_choose(builder, a, b, low), _choose(builder, a, b, high))
                for a, b in zip(parts[::2], parts[1::2], strict=True)
            ]
        for number, place in enumerate(_places(builder, start, step, 4)):
            row = _choose(builder, parts[0], parts[0], range(4 * number, 4 * number + 4))
            to = builder.bitcast(builder.gep(address, [place]), row.type.as_pointer())
            builder.store(row, to, align=UNALIGNED)

    return types.void(array, types.intp, types.intp, tile), operation(types.void, build)


def _choose(builder: Any, a: Any, b: Any, lanes: Iterable[int]) -> Any:
    numbers = list(lanes)
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INDEX, len(numbers)), numbers))


def _in_quarters(*lanes: int) -> list[int]:
    """Return `lanes` repeated for each quarter of two vectors; lanes 4 to 7 are in the second vector."""
    return [lane % 4 + lane // 4 * LANES + 4 * quarter for quarter in range(4) for lane in lanes]


def _quarters(*numbers: int) -> list[int]:
    return [4 * number + lane for number in numbers for lane in range(4)]


# Lanes to add in each step. Four steps reduce sixteen vectors to one vector of their sums, in order. Each selection is
# one instruction of the CPU.
_FOLDS = [
    (_in_quarters(0, 4, 1, 5), _in_quarters(2, 6, 3, 7)),
    (_in_quarters(0, 1, 4, 5), _in_quarters(2, 3, 6, 7)),
    (_quarters(0, 2, 4, 6), _quarters(1, 3, 5, 7)),
    (_quarters(0, 2, 4, 6), _quarters(1, 3, 5, 7)),
]

zeros: Any = intrinsic(_zeros)
load_8_rows: Any = intrinsic(_load_rows(8))
load_16_rows: Any = intrinsic(_load_rows(16))
store_rows: Any = intrinsic(_store_rows)
add_outer: Any = intrinsic(_add_outer)
solve_triangle: Any = intrinsic(_solve_triangle)
add_dots: Any = intrinsic(_add_dots)
store_totals: Any = intrinsic(_store_totals)
