"""Sixteen float32 values as one numba value: one vector register, or several on CPUs with shorter registers.

When the compiler vectorizes a short loop itself, it adds overlap checks and a remainder loop, which cost more than the
loop. Explicit vectors avoid this. Arrays are flat, contiguous and float32. Offsets count elements.
"""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from als_cli.als.kernels.numba_internals import LANES, VECTOR, call, float32x16, operation

_SCALAR = ir.FloatType()
INDEX = ir.IntType(32)
UNALIGNED = 4


def vector_at(builder: Any, address: Any, offset: Any) -> Any:
    """Return the address of the vector `offset` floats after `address`."""
    return builder.bitcast(builder.gep(address, [offset]), VECTOR.as_pointer())


def spread_value(builder: Any, value: Any, kind: Any = VECTOR) -> Any:
    """Return a vector of type `kind` with the scalar `value` in each lane."""
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, INDEX(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(INDEX, LANES), [0] * LANES))


def _load(typing_context: Any, array: Any, offset: Any) -> Any:  # noqa: ARG001 - numba's protocol, also below
    """Return array[offset : offset + 16]."""

    def build(builder: Any, address: Any, place: Any) -> Any:
        return builder.load(vector_at(builder, address, place), align=UNALIGNED)

    return float32x16(array, types.intp), operation(float32x16, build)


def _store(typing_context: Any, array: Any, offset: Any, vector: Any) -> Any:  # noqa: ARG001
    """Write `vector` to array[offset : offset + 16]."""

    def build(builder: Any, address: Any, place: Any, value: Any) -> Any:
        return builder.store(value, vector_at(builder, address, place), align=UNALIGNED)

    return types.void(array, types.intp, float32x16), operation(types.void, build)


def _spread_scalar(typing_context: Any, scalar: Any) -> Any:  # noqa: ARG001
    """Return a vector with `scalar` in each lane."""
    return float32x16(types.float32), operation(float32x16, spread_value)


def _spread_from(typing_context: Any, array: Any, offset: Any) -> Any:  # noqa: ARG001
    """Return a vector with array[offset] in each lane, without numba's check for a negative index."""

    def build(builder: Any, address: Any, place: Any) -> Any:
        return spread_value(builder, builder.load(builder.gep(address, [place])))

    return float32x16(array, types.intp), operation(float32x16, build)


def _value_at(typing_context: Any, array: Any, offset: Any) -> Any:  # noqa: ARG001
    """Return array[offset], without numba's check for a negative index."""

    def build(builder: Any, address: Any, place: Any) -> Any:
        return builder.load(builder.gep(address, [place]))

    return types.float32(array, types.intp), operation(types.float32, build)


def _multiply_add(typing_context: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: ARG001
    """Return a * b + c, lane by lane."""

    def build(builder: Any, *values: Any) -> Any:
        return call(builder, "llvm.fmuladd.v16f32", VECTOR, list(values))

    return float32x16(float32x16, float32x16, float32x16), operation(float32x16, build)


def _multiply(typing_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return a * b, lane by lane."""
    return float32x16(float32x16, float32x16), operation(float32x16, lambda builder, x, y: builder.fmul(x, y))


def _reciprocal(typing_context: Any, vector: Any) -> Any:  # noqa: ARG001
    """Return 1 / max(vector, 1e-30), lane by lane."""

    def build(builder: Any, value: Any) -> Any:
        least = ir.Constant(VECTOR, [1e-30] * LANES)
        positive = builder.select(builder.fcmp_ordered(">", value, least), value, least)
        return builder.fdiv(ir.Constant(VECTOR, [1.0] * LANES), positive)

    return float32x16(float32x16), operation(float32x16, build)


def _total(typing_context: Any, vector: Any) -> Any:  # noqa: ARG001
    """Return the sum of the lanes."""

    def build(builder: Any, value: Any) -> Any:
        return call(builder, "llvm.vector.reduce.fadd.v16f32", _SCALAR, [_SCALAR(-0.0), value], ("reassoc",))

    return types.float32(float32x16), operation(types.float32, build)


def _lanes_not_below(typing_context: Any, vector: Any, bound: Any) -> Any:  # noqa: ARG001
    """Return an integer with the bits of the lanes that are not below the scalar `bound`; NaN is not below it."""

    def build(builder: Any, value: Any, limit: Any) -> Any:
        kept = builder.fcmp_unordered(">=", value, spread_value(builder, limit))
        return builder.zext(builder.bitcast(kept, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(float32x16, types.float32), operation(types.int64, build)


def _lowest_bit(typing_context: Any, bits: Any) -> Any:  # noqa: ARG001
    """Return the position of the lowest set bit of `bits`, which must not be zero."""

    def build(builder: Any, value: Any) -> Any:
        return builder.cttz(value, ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), operation(types.int64, build)


def _from_lane(typing_context: Any, vector: Any, lane: Any) -> Any:  # noqa: ARG001
    """Return `vector` with zeros in the lanes before `lane`."""

    def build(builder: Any, value: Any, first: Any) -> Any:
        numbers = ir.VectorType(INDEX, LANES)
        lanes = ir.Constant(numbers, list(range(LANES)))
        bound = spread_value(builder, builder.trunc(first, INDEX), numbers)
        kept = builder.icmp_signed(">=", lanes, bound)
        return builder.select(kept, value, ir.Constant(VECTOR, [0.0] * LANES))

    return float32x16(float32x16, types.intp), operation(float32x16, build)


def _prefetch(typing_context: Any, array: Any, offset: Any) -> Any:  # noqa: ARG001
    """Prefetch the cache line of array[offset] without waiting; an address outside the array is harmless."""

    def build(builder: Any, address: Any, place: Any) -> Any:
        line = builder.bitcast(builder.gep(address, [place]), ir.IntType(8).as_pointer())
        return call(builder, "llvm.prefetch.p0", ir.VoidType(), [line, INDEX(0), INDEX(3), INDEX(1)])

    return types.void(array, types.intp), operation(types.void, build)


load: Any = intrinsic(_load)
store: Any = intrinsic(_store)
spread: Any = intrinsic(_spread_scalar)
value_at: Any = intrinsic(_value_at)
spread_from: Any = intrinsic(_spread_from)
multiply_add: Any = intrinsic(_multiply_add)
multiply: Any = intrinsic(_multiply)
reciprocal: Any = intrinsic(_reciprocal)
total: Any = intrinsic(_total)
from_lane: Any = intrinsic(_from_lane)
prefetch: Any = intrinsic(_prefetch)
lanes_not_below: Any = intrinsic(_lanes_not_below)
lowest_bit: Any = intrinsic(_lowest_bit)
