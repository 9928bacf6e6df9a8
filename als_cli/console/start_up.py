"""What makes a command start fast: costs of imports that the process does without.

The entry point calls :func:`start_fast`. Sessions call the other functions. They change nothing in a process that
imports als_cli as a library.
"""

import gc
import os
import sys

_UNUSED = ("char", "core", "ctypeslib", "f2py", "ma", "polynomial", "rec", "strings", "testing")
"""Modules of numpy that numpy imports when they are first used, and that `als` does not use."""


def start_fast() -> None:
    """Switch off the garbage collector and the plugins of pydantic, which take about 60 ms together."""
    gc.disable()  # what modules create stays
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = (
        "__all__"  # plugins of other packages, for which pydantic searches
    )


def import_scipy() -> None:
    """Import `scipy.sparse` without the modules of numpy that `als` does not use, which take about 40 ms.

    scipy reads every attribute of numpy, and numpy imports a module when its attribute is read. Placeholders prevent
    that. They are removed afterwards, so that numpy imports these modules as usual.
    """
    if gc.isenabled() or "scipy" in sys.modules:
        return  # the entry point has not started this process, or it is too late
    import numpy as np

    names = [name for name in _UNUSED if name not in vars(np)]
    vars(np).update(dict.fromkeys(names))
    try:
        import scipy.sparse  # noqa: F401
    finally:
        for name in names:
            if vars(np)[name] is None:  # otherwise the module has been imported after all
                delattr(np, name)


def collect_garbage() -> None:
    """Switch on the garbage collector, which the entry point switched off. It leaves out the modules imported so far."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
