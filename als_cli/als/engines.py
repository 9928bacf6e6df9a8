"""Engines by their name in the config."""

from als_cli.als.engine import Engine
from als_cli.errors import ConfigError


def engine_named(name: str) -> Engine:
    """Return the engine called `name`. Its libraries are imported by this call only.

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
