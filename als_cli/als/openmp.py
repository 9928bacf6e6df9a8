"""The import of `implicit`, which needs a library of the system that small images lack."""

from collections.abc import Iterator
from contextlib import contextmanager

from als_cli.errors import ResourceError


@contextmanager
def importing_implicit() -> Iterator[None]:
    """Do an import of the library `implicit` in this block.

    Raises
    ------
    ResourceError
        The system lacks OpenMP.
    """
    try:
        yield
    except ImportError as missing:
        if "libgomp" not in str(missing):
            raise
        raise ResourceError(
            "the library implicit needs OpenMP (libgomp.so.1), which this system lacks",
            hint="install it: `apt-get install libgomp1`, or `dnf install libgomp`",
        ) from missing
