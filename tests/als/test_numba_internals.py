"""Each private function of numba that is used, tested alone. A numba version that changes one fails here first."""

import numba
import numpy as np
import pytest
from numba import types
from numba.extending import intrinsic

from als_cli.als.kernels.numba_internals import (
    COMPILER_OPTIONS,
    LANES,
    cache_directory,
    call,
    float32x16,
    operation,
)
from als_cli.als.kernels.vectors import load, store

CHANGED = "numba changed this private part; adapt als_cli/als/kernels/numba_internals.py"
FLOATS = types.Array(types.float32, 1, "C")


def compiled(function):
    return numba.njit(types.void(FLOATS, FLOATS), **COMPILER_OPTIONS)(function)


def test_kernels_compile_without_reference_counts():
    def copied(source, target):
        view = source
        for k in range(target.shape[0]):
            if source[k] > 1:
                view = source[k:]  # which view it is shows at run time: the compiler must keep the counts
            target[k] = view[0]

    kernel = compiled(copied)
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
    compiled(moved)(source, target)
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
    compiled(made_positive)(source, target)
    np.testing.assert_array_equal(target, -source, err_msg=CHANGED)


def test_the_cache_directory_is_set_for_a_block_only(tmp_path):
    before = numba.config.CACHE_DIR
    with pytest.raises(RuntimeError), cache_directory(tmp_path):
        assert str(tmp_path) == numba.config.CACHE_DIR, CHANGED
        raise RuntimeError
    assert before == numba.config.CACHE_DIR
    with cache_directory(None):
        assert before == numba.config.CACHE_DIR
