"""The engines by name."""

import contextlib
import functools
import threading

from als_cli.als.engine import Engine
from als_cli.errors import ConfigError


def engine_named(name: str) -> Engine:
    """Return the engine called `name`; its libraries are imported only now.

    Raises
    ------
    ConfigError
        No engine has that name.
    """
    if name == "native":
        from als_cli.als.native import NativeEngine

        return NativeEngine()
    if name == "implicit":
        from als_cli.als.implicit_engine import ImplicitEngine

        return ImplicitEngine()
    raise ConfigError(f"train.engine: no engine is called {name!r}", hint="engines: native, implicit")


@functools.cache
def start_warm_up(name: str) -> None:
    """Begin to load the kernels of engine `name` in the background, once: a machine's first run compiles them.

    The interpreter waits for the thread at its end, so that what was compiled is kept even when the run fails.
    """
    if name == "native":
        threading.Thread(target=_load_kernels, name="als-warm-up").start()


def _load_kernels() -> None:
    # What goes wrong here goes wrong again where the kernels are needed, and is reported there.
    with contextlib.suppress(Exception):
        from als_cli.als.native import warm_up

        warm_up()
