"""Loading compiled kernels while data loads: a machine's first run compiles them, which takes some seconds."""

import contextlib
import functools
import importlib
import threading

RANKING = "als_cli.ranking.kernel_top_n"


@functools.cache
def start_warm_up(engine: str | None = None) -> None:
    """Begin to load the kernels of ranking, and of `engine` where one is named, in the background, once.

    The interpreter waits for the thread at its end, so that what was compiled is kept even when the run fails.
    """
    threading.Thread(target=_load_kernels, args=(engine,), name="als-warm-up").start()


def _load_kernels(engine: str | None) -> None:
    # What goes wrong here goes wrong again where the kernels are needed, and is reported there.
    with contextlib.suppress(Exception):
        if engine == "native":
            from als_cli.als.native import warm_up

            warm_up()
        importlib.import_module(RANKING)
