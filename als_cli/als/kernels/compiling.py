"""Compilation of kernels with numba, to machine code that runs without it."""

import importlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba import types

from als_cli.als.kernels.machine_code import MachineCode
from als_cli.als.kernels.numba_internals import COMPILER_OPTIONS, code_of
from als_cli.als.kernels.signatures import Argument, ArrayOf, Scalar, TupleOf, llvm_type

Function = TypeVar("Function", bound=Callable[..., Any])


_compile: Any = numba.njit  # numba's annotations lack two options


def compiled(module: str, function: str, arguments: Sequence[Argument]) -> MachineCode:
    """Return the machine code of a `function` of `module` for `arguments`. The function returns nothing."""
    signature = types.void(*map(numba_type, arguments))
    decorate = _compile(signature, no_cpython_wrapper=True, no_cfunc_wrapper=True, **COMPILER_OPTIONS)
    return code_of(decorate(getattr(importlib.import_module(module), function)), llvm_type(arguments))


def numba_type(argument: Argument) -> Any:
    """Return the numba type of `argument`."""
    if isinstance(argument, TupleOf):
        fields, named = [numba_type(field) for field in argument.fields], cast("Any", types)
        if len(set(fields)) == 1:
            return named.NamedUniTuple(fields[0], len(fields), argument.kind)
        return named.NamedTuple(fields, argument.kind)
    if isinstance(argument, ArrayOf):
        dtype = numba.from_dtype(np.dtype(argument.dtype))
        return types.Array(dtype, argument.dimensions, "C", readonly=not argument.is_writable)
    if isinstance(argument, Scalar):
        return numba.from_dtype(np.dtype(argument.dtype))
    raise TypeError(f"unknown argument {argument}")


def inlined(function: Function) -> Function:
    """Return `function` as a helper that kernels call; it is compiled with each kernel."""
    return cast("Function", numba.njit(**COMPILER_OPTIONS)(function))


def pasted(function: Function) -> Function:
    """Return `function` as a helper that numba inserts into the source of its caller before compilation.

    Use it for helpers that call helpers. An `inlined` helper is optimized by itself and again with every caller, level
    by level, which takes longer to compile.
    """
    return cast("Function", numba.njit(inline="always", **COMPILER_OPTIONS)(function))
