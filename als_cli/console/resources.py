"""Threads and memory that the process may use."""

import os
from typing import Literal

from als_cli.errors import ResourceError

_ADDRESS_SPACE = 2 << 30
"""Minimum address space in bytes. A small job on two cores reserves 1.6 GiB; only a tenth of it is used."""


def claim_threads(wanted: int | Literal["auto"]) -> int:
    """Return the number of threads to use. Set the limit of polars, which reads it once, at its import."""
    from als_cli.als.threads import available_threads

    threads = available_threads() if wanted == "auto" else min(wanted, available_threads())
    os.environ.setdefault("POLARS_MAX_THREADS", str(threads))
    return threads


def check_address_space() -> None:
    """Return when the process may use enough address space to load its libraries and start its threads.

    Raises
    ------
    ResourceError
        The limit is lower. Native libraries would abort the process or wait without end.
    """
    import resource  # Windows lacks this module; it is refused later

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < _ADDRESS_SPACE:
        raise ResourceError(
            f"this process may use {limit >> 20} MiB of address space, and als needs {_ADDRESS_SPACE >> 20} MiB",
            hint="raise the limit (ulimit -v), or limit the memory with a container instead",
        )
