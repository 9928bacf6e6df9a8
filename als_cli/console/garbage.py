"""The garbage collector, which is off while modules are imported."""

import gc


def collect_garbage() -> None:
    """Switch on the garbage collector, which the entry point switched off. It leaves out the modules imported so far."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
