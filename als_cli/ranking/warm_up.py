"""Load compiled kernels in the background while data loads. The first run on a machine compiles them in some seconds."""

import contextlib
import functools
import threading

from als_cli.als import native
from als_cli.ranking import native_top_n


@functools.cache
def start_warm_up(engine: str | None = None, *, ranks: bool = True) -> None:
    """Start to load kernels in a background thread, once: those of `engine`, and with `ranks` those of ranking.

    Engine `implicit` has no kernels. None means that the command trains nothing. The interpreter waits for the thread
    before it exits, so that compiled kernels are kept even if the run fails.
    """
    if engine == "native" or ranks:
        threading.Thread(target=_load_kernels, args=(engine, ranks), name="als-warm-up").start()


def _load_kernels(engine: str | None, ranks: bool) -> None:
    # The code that needs the kernels meets the same error again and reports it.
    with contextlib.suppress(Exception):
        if engine == "native":
            native.warm_up()
        if ranks:
            native_top_n.warm_up()
