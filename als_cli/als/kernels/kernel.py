"""Kernels: compiled functions that are called without numba, which is imported only to compile them.

The first run on a machine compiles a kernel and keeps its machine code. Later runs link the machine code with llvmlite
and call it through ctypes, which releases Python's lock. Linking all kernels takes some hundredths of a second.
"""

import ctypes
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from als_cli.als.kernels.signatures import Argument

if TYPE_CHECKING:
    from als_cli.als.kernels.machine_code import MachineCode

_LOADING = threading.RLock()
"""Held while a kernel is loaded. Otherwise two threads could compile it, or import numba, whose modules import each other."""


class Kernel:
    """A function in a module of this package or of the ranking, and the types of its arguments. It returns nothing."""

    def __init__(self, module: str, function: str, *arguments: Argument) -> None:
        self.module = module
        self.function = function
        self.arguments = arguments
        self._call: Callable[..., int] | None = None

    def __call__(self, *values: Any) -> None:
        """Run the kernel on `values`, some of which it changes in place. Other Python threads run meanwhile.

        Raises
        ------
        TypeError
            A value has another type than the argument.
        """
        call = self._call or self.load()
        numbers: list[Any] = []
        for argument, value in zip(self.arguments, values, strict=True):
            argument.flatten(value, numbers)
        # numba's functions write a result and an error to the first two addresses.
        if call(ctypes.byref(ctypes.c_void_p()), ctypes.byref(ctypes.c_void_p()), *numbers) != 0:
            raise RuntimeError(f"kernel {self.name} failed")

    @property
    def name(self) -> str:
        """The name of its file in the cache."""
        return f"{self.module}.{self.function}"

    def load(self) -> Callable[..., int]:
        """Link the machine code, and return it as a function of numbers. Without a cache it is compiled, in seconds."""
        with _LOADING:
            if self._call is None:
                from als_cli.als.kernels import machine_code  # imports llvmlite

                code = machine_code.kept(self.name)
                if code is None:
                    machine_code.announce()
                    code = self._compiled()
                    machine_code.keep(self.name, code)
                numbers = [one for argument in self.arguments for one in argument.c_types]
                prototype = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *numbers)
                self._call = prototype(machine_code.linked(code))
            return self._call

    def is_cached(self) -> bool:
        """Return whether the machine code is in the cache of this machine, undamaged."""
        from als_cli.als.kernels import machine_code

        return machine_code.kept(self.name) is not None

    def _compiled(self) -> "MachineCode":
        from als_cli.als.kernels.compiling import compiled

        return compiled(self.module, self.function, self.arguments)
