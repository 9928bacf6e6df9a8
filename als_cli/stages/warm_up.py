"""Loading compiled kernels while data loads: a machine's first run compiles them, which takes some seconds."""

import contextlib
import functools
import threading

from als_cli.als import native
from als_cli.ranking import native_top_n


@functools.cache
def start_warm_up(engine: str | None = None, *, ranks: bool = True) -> None:
    """Begin to load kernels in the background, once: those of `engine`, and those of ranking where the command `ranks`.

    Engine `implicit` has no kernels; None: nothing is trained. The interpreter waits for the thread at its end, so that compiled kernels are kept even
    when the run fails.
    """
    if engine == "native" or ranks:
        threading.Thread(target=_load_kernels, args=(engine, ranks), name="als-warm-up").start()


def _load_kernels(engine: str | None, ranks: bool) -> None:
    # What goes wrong here goes wrong again where the kernels are needed, and is reported there.
    with contextlib.suppress(Exception):
        if engine == "native":
            native.warm_up()
        if ranks:
            native_top_n.warm_up()
