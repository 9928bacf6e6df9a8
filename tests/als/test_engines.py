"""Engines by name."""

import pytest

from als_cli.als.engines import engine_named
from als_cli.errors import ConfigError


@pytest.mark.parametrize("name", ["native", "implicit"])
def test_each_engine_has_its_name(name):
    assert engine_named(name).name == name


def test_the_error_for_an_unknown_engine_lists_all_engines():
    with pytest.raises(ConfigError, match="no engine is called 'spark'") as caught:
        engine_named("spark")
    assert "native, implicit" in caught.value.hint
