"""The only file that depends on numba's private parts; `pyproject.toml` bounds its version for that reason.

1. The private setting `_nrt` compiles kernels without reference counts.
2. `code_of` takes the machine code of a compiled function, and checks the types of its arguments there.
3. The type `float32x16`, a register of sixteen float32 values, and the code generators of its operations.

`tests/als/test_numba_internals.py` checks each part alone, so that a new release of numba fails there first and by name.
"""

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

from als_cli.als.kernels.machine_code import MachineCode

LANES = 16
VECTOR = ir.VectorType(ir.FloatType(), LANES)

COMPILER_OPTIONS: Any = {
    "nogil": True,
    "error_model": "numpy",
    "boundscheck": False,
    # Sums may be reordered, so that they run in vector registers; NaN and infinity keep their meaning.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
    # No reference counts: each view of an array would cost two atomic operations, up to half of a kernel's time. So a
    # kernel allocates nothing; its caller hands it all the memory it works in.
    "_nrt": False,
}

_PROCESS = ctypes.CDLL(None)
"""The symbols of every process of Python, among them the C library. The functions of numba are not among them."""


def code_of(dispatcher: Any, llvm_type: str) -> MachineCode:
    """Return the machine code of the only signature of `dispatcher`, whose type in LLVM must be `llvm_type`.

    Raises
    ------
    RuntimeError
        The function has another type, or it needs a function or variable of numba, which is not imported when the kernel is called.
    """
    (result,) = dispatcher.overloads.values()
    library, symbol = result.library, str(result.fndesc.llvm_func_name)
    object_file = bytes(library._get_compiled_object())  # noqa: SLF001
    functions = {one.name: one for one in library._final_module.functions}  # noqa: SLF001
    if str(functions[symbol].global_value_type) != llvm_type:
        raise RuntimeError(f"numba passes other arguments: {functions[symbol].global_value_type}")
    declared = [
        one.name
        for one in (*library._final_module.functions, *library._final_module.global_variables)  # noqa: SLF001
        if one.is_declaration and not one.name.startswith("llvm.")
    ]
    missing = [name for name in declared if not hasattr(_PROCESS, name)]
    if missing:
        raise RuntimeError(f"the kernel needs {', '.join(missing)}")
    return MachineCode(symbol, object_file)


class _Float32x16(types.Type):
    """The numba type of a vector."""

    def __init__(self) -> None:
        super().__init__(name="float32x16")


float32x16 = _Float32x16()


@register_model(_Float32x16)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, frontend: Any) -> None:
        super().__init__(manager, frontend, VECTOR)  # type: ignore[no-untyped-call]


def operation(result: types.Type, build: Callable[..., Any]) -> Callable[..., Any]:
    """Return the code generator of an operation: `build(builder, *arguments)`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = [
            _address(context, builder, kind, value) if isinstance(kind, types.Array) else value
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        made = build(builder, *values)
        return context.get_dummy_value() if result == types.void else made

    return generate


def _address(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.make_array(kind)(context, builder, value).data


def call(builder: Any, name: str, kind: Any, arguments: list[Any], flags: tuple[str, ...] = ()) -> Any:
    """Return the result of LLVM's function `name`, of type `kind`."""
    declare: Any = cgutils.get_or_insert_function
    function = declare(builder.module, ir.FunctionType(kind, [value.type for value in arguments]), name)
    return builder.call(function, arguments, fastmath=flags)
