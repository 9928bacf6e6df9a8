"""Kernels load in the background, once."""

import sys
import threading

import pytest

from als_cli.stages.warm_up import RANKING, start_warm_up


@pytest.mark.parametrize(
    ("engine", "also"), [(None, None), ("native", "als_cli.als.kernels.short_rows"), ("implicit", None)]
)
def test_kernels_are_loaded_in_the_background_and_once(engine, also):
    start_warm_up.cache_clear()
    start_warm_up(engine)
    for thread in [thread for thread in threading.enumerate() if thread.name == "als-warm-up"]:
        thread.join()
    assert RANKING in sys.modules
    assert also is None or also in sys.modules
    start_warm_up(engine)
    assert "als-warm-up" not in {thread.name for thread in threading.enumerate()}
