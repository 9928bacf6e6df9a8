"""Engines by name."""

import sys
import threading

import pytest

from als_cli.als.engines import engine_named, start_warm_up
from als_cli.errors import ConfigError


@pytest.mark.parametrize("name", ["native", "implicit"])
def test_an_engine_answers_to_its_name(name):
    assert engine_named(name).name == name


def test_an_unknown_engine_is_named_with_those_there_are():
    with pytest.raises(ConfigError, match="no engine is called 'spark'") as caught:
        engine_named("spark")
    assert "native, implicit" in caught.value.hint


def test_warming_up_loads_the_kernels_in_the_background_and_once():
    start_warm_up.cache_clear()
    start_warm_up("native")
    started = [thread for thread in threading.enumerate() if thread.name == "als-warm-up"]
    for thread in started:
        thread.join()
    assert "als_cli.als.kernels.short_rows" in sys.modules
    start_warm_up("native")
    assert "als-warm-up" not in {thread.name for thread in threading.enumerate()}
