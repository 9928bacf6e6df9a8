"""Each private function of numba that is used, tested alone. A numba version that changes one fails here first."""

from typing import NamedTuple

import numba
import numpy as np
import pytest
from numba import types
from numba.extending import intrinsic

from als_cli.als.kernels import machine_code
from als_cli.als.kernels.compiling import compiled
from als_cli.als.kernels.kernel import Kernel
from als_cli.als.kernels.numba_internals import (
    COMPILER_OPTIONS,
    LANES,
    call,
    code_of,
    float32x16,
    operation,
)
from als_cli.als.kernels.signatures import FLOAT, INT, llvm_type, named, read_only, writable
from als_cli.als.kernels.vectors import load, store

CHANGED = "numba changed this private part; adapt als_cli/als/kernels/numba_internals.py"
FLOATS = types.Array(types.float32, 1, "C")


def in_numba(function):
    return numba.njit(types.void(FLOATS, FLOATS), **COMPILER_OPTIONS)(function)


def test_kernels_compile_without_reference_counts():
    def copied(source, target):
        view = source
        for k in range(target.shape[0]):
            if source[k] > 1:
                view = source[k:]  # which view it is shows at run time: the compiler must keep the counts
            target[k] = view[0]

    kernel = in_numba(copied)
    source, target = np.array([1, 2, 0, 3], np.float32), np.zeros(4, np.float32)
    kernel(source, target)
    assert target.tolist() == [1, 2, 2, 3]
    counted = numba.njit(types.void(FLOATS, FLOATS))(copied)
    (code,) = counted.inspect_llvm().values()
    assert "call void @NRT_decref" in code, (
        "this function shows no difference: the next line would always hold"
    )
    (code,) = kernel.inspect_llvm().values()
    assert "NRT_" not in code, CHANGED


def test_a_vector_is_loaded_and_stored():
    def moved(source, target):
        store(target, 0, load(source, 1))

    source, target = np.arange(LANES + 1, dtype=np.float32), np.zeros(LANES, np.float32)
    in_numba(moved)(source, target)
    np.testing.assert_array_equal(target, source[1:], err_msg=CHANGED)


def test_a_function_of_llvm_can_be_called_on_a_vector():
    @intrinsic
    def magnitude(_typing_context, vector):
        def build(builder, value):
            return call(builder, "llvm.fabs.v16f32", value.type, [value])

        return float32x16(vector), operation(float32x16, build)

    def made_positive(source, target):
        store(target, 0, magnitude(load(source, 0)))

    source, target = -np.arange(LANES, dtype=np.float32), np.zeros(LANES, np.float32)
    in_numba(made_positive)(source, target)
    np.testing.assert_array_equal(target, -source, err_msg=CHANGED)


def fill(first, count, array, fields):
    for k in range(count):
        array[k, 0] = first + fields.size * fields.value[k]


class Fields(NamedTuple):
    value: np.ndarray
    size: np.float32


FILL = Kernel(
    __name__, "fill", FLOAT, INT, writable("float32", 2), named(Fields, read_only("float32"), FLOAT)
)


def test_machine_code_is_called_with_all_kinds_of_arguments():
    array, values = np.zeros((3, 2), np.float32), np.arange(3, dtype=np.float32)
    call = linked_call(compiled(FILL.module, FILL.function, FILL.arguments))
    call(np.float32(5), 2, array, Fields(values, np.float32(10)))
    np.testing.assert_array_equal(array, [[5, 0], [15, 0], [0, 0]], err_msg=CHANGED)


def linked_call(code):
    """Return the kernel FILL with this machine code, without the cache of the user."""
    kernel = Kernel(FILL.module, FILL.function, *FILL.arguments)
    kernel._compiled = lambda: code
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(machine_code, "kept", lambda _: None)
        patched.setattr(machine_code, "keep", lambda *_: None)
        kernel.load()
    return kernel


def test_another_order_of_arguments_is_an_error_of_compilation():
    dispatcher = numba.njit(types.void(FLOATS), **COMPILER_OPTIONS)(lambda _: None)
    with pytest.raises(RuntimeError, match="other arguments"):
        code_of(dispatcher, llvm_type([INT]))


def test_code_that_needs_a_function_of_numba_is_an_error_of_compilation():
    def counted(array):
        for k in range(array.shape[0]):
            array[k] = np.float32(len(np.zeros(k)))

    dispatcher = numba.njit(types.void(FLOATS))(counted)  # counts references
    with pytest.raises(RuntimeError, match="NRT_"):
        code_of(dispatcher, llvm_type([writable("float32")]))


@pytest.mark.parametrize(
    ("position", "wrong"),
    [
        (0, 1),
        (1, 1.0),
        (1, None),
        (2, np.zeros((3, 2))),
        (2, np.zeros(6, np.float32)),
        (2, np.zeros((2, 3), np.float32).T),
        (2, np.broadcast_to(np.float32(0), (3, 2))),
        (2, [[0.0, 0.0]]),
        (3, (np.zeros(3, np.float32), np.float32(1))),
        (3, Fields(np.zeros(3, np.int32), np.float32(1))),
    ],
)
def test_a_value_of_another_type_is_an_error_before_the_call(position, wrong):
    right = [np.float32(5), 2, np.zeros((3, 2), np.float32), Fields(np.zeros(3, np.float32), np.float32(1))]
    right[position] = wrong
    with pytest.raises(TypeError):
        linked_call(compiled(FILL.module, FILL.function, FILL.arguments))(*right)
