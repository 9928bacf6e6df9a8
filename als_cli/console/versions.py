"""The versions that a report of a bug needs."""

import platform
from collections.abc import Iterator

from als_cli import __version__

_LIBRARIES = ("implicit", "numba", "numpy", "polars", "pyarrow", "pydantic", "scipy", "typer")
_EXTRAS = (
    "adbc-driver-manager",
    "adbc-driver-postgresql",
    "adbc-driver-sqlite",
    "deltalake",
    "duckdb",
    "optuna",
)


def version_lines() -> Iterator[str]:
    """Yield the version of als-cli, then those of Python, the system and the installed libraries.

    The libraries are not imported.
    """
    from importlib.metadata import PackageNotFoundError, version

    yield f"als-cli {__version__}"
    yield f"Python {platform.python_version()}, {platform.system()} {platform.release()} {platform.machine()}"
    for name in (*_LIBRARIES, *_EXTRAS):
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            if name in _LIBRARIES:
                yield f"{name} is not installed"
