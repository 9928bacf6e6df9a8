"""The only file that depends on numba's private parts; `pyproject.toml` bounds its version for that reason.

1. Two private settings: `_nrt` compiles kernels without reference counts, `numba.config.CACHE_DIR` names the cache.
2. The type `float32x16`, a register of sixteen float32 values, and the code generators of its operations.

`tests/als/test_numba_internals.py` checks each part alone, so that a new release of numba fails there first and by name.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

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

_config: Any = numba.config  # its values are made at run time, so type checkers do not know them


@contextmanager
def cache_directory(folder: Path | None) -> Iterator[None]:
    """Let numba keep in `folder` what is compiled inside the block; None: where it is configured to."""
    configured = _config.CACHE_DIR
    _config.CACHE_DIR = configured if folder is None else str(folder)
    try:
        yield
    finally:
        _config.CACHE_DIR = configured


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
