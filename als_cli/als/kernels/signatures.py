"""Types of the arguments of kernels, without numba: their checks, and their form in a call of machine code.

numba passes an argument in registers and on the stack as a flat row of numbers: a scalar as itself, a named tuple as its
fields, and an array as seven or more numbers, see :class:`ArrayOf`.
"""

import ctypes
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

_C_TYPES: dict[str, Any] = {"int64": ctypes.c_int64, "float32": ctypes.c_float}
_LLVM_TYPES = {"int64": "i64", "float32": "float"}
_NO_OWNER = 0
"""Kernels count no references, so they need neither the owner of the memory nor the Python object."""


class Argument(Protocol):
    """The type of one argument."""

    @property
    def c_types(self) -> list[Any]:
        """The ctypes of the numbers that are passed."""
        ...

    @property
    def llvm_types(self) -> list[str]:
        """The types of the same numbers in LLVM's language."""
        ...

    def flatten(self, value: Any, numbers: list[Any]) -> None:
        """Append the numbers that are passed for `value`.

        Raises
        ------
        TypeError
            `value` has another type.
        """
        ...


@dataclass(frozen=True)
class Scalar:
    """A number: int64 or float32."""

    dtype: str

    @property
    def c_types(self) -> list[Any]:
        """See :class:`Argument`."""
        return [_C_TYPES[self.dtype]]

    @property
    def llvm_types(self) -> list[str]:
        """See :class:`Argument`."""
        return [_LLVM_TYPES[self.dtype]]

    def flatten(self, value: Any, numbers: list[Any]) -> None:
        """See :class:`Argument`."""
        if self.dtype == "int64":
            if not isinstance(value, int | np.int64):
                raise TypeError(f"expected an integer, got {type(value).__name__}")
            numbers.append(int(value))
        else:
            if not isinstance(value, float | np.float32):
                raise TypeError(f"expected a float, got {type(value).__name__}")
            numbers.append(float(value))


@dataclass(frozen=True)
class ArrayOf:
    """A C-contiguous array: owner, object, number of elements, bytes per element, address, shape, strides in bytes."""

    dtype: str
    dimensions: int
    is_writable: bool

    @property
    def c_types(self) -> list[Any]:
        """See :class:`Argument`."""
        sizes = [ctypes.c_int64] * (2 * self.dimensions)
        return [ctypes.c_void_p] * 2 + [ctypes.c_int64] * 2 + [ctypes.c_void_p, *sizes]

    @property
    def llvm_types(self) -> list[str]:
        """See :class:`Argument`."""
        return ["ptr", "ptr", "i64", "i64", "ptr", *["i64"] * (2 * self.dimensions)]

    def flatten(self, value: Any, numbers: list[Any]) -> None:
        """See :class:`Argument`."""
        if not isinstance(value, np.ndarray) or value.dtype != self.dtype or value.ndim != self.dimensions:
            raise TypeError(f"expected an array of {self.dtype} with {self.dimensions} dimensions")
        flags = value.flags
        if not flags.c_contiguous or not flags.aligned or (self.is_writable and not flags.writeable):
            raise TypeError("expected a contiguous array, writable if the kernel writes it")
        numbers += (_NO_OWNER, _NO_OWNER, value.size, value.itemsize, value.ctypes.data)
        numbers += value.shape
        numbers += value.strides


@dataclass(frozen=True)
class TupleOf:
    """A named tuple: its fields one after the other."""

    kind: type[tuple[Any, ...]]
    fields: tuple[Argument, ...]

    @property
    def c_types(self) -> list[Any]:
        """See :class:`Argument`."""
        return [one for field in self.fields for one in field.c_types]

    @property
    def llvm_types(self) -> list[str]:
        """See :class:`Argument`."""
        return [one for field in self.fields for one in field.llvm_types]

    def flatten(self, value: Any, numbers: list[Any]) -> None:
        """See :class:`Argument`."""
        if type(value) is not self.kind:
            raise TypeError(f"expected {self.kind.__name__}, got {type(value).__name__}")
        for field, one in zip(self.fields, value, strict=True):
            field.flatten(one, numbers)


INT = Scalar("int64")
FLOAT = Scalar("float32")


def read_only(dtype: str, dimensions: int = 1) -> ArrayOf:
    """Return the type of an array that is only read. It may be read-only (memory-mapped)."""
    return ArrayOf(dtype, dimensions, is_writable=False)


def writable(dtype: str, dimensions: int = 1) -> ArrayOf:
    """Return the type of an array that the kernel writes."""
    return ArrayOf(dtype, dimensions, is_writable=True)


def named(kind: type[tuple[Any, ...]], *fields: Argument) -> TupleOf:
    """Return the type of the named tuples `kind`."""
    return TupleOf(kind, fields)


def llvm_type(arguments: Iterable[Argument]) -> str:
    """Return the type of a compiled kernel with `arguments`: status (result, error, numbers of the arguments)."""
    return (
        f"i32 ({', '.join(['ptr', 'ptr', *(one for argument in arguments for one in argument.llvm_types)])})"
    )
