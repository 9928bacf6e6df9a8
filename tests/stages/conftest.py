"""Fixtures of several files of tests of stages. A file can have a `shop` of its own."""

from functools import partial

import pytest

from tests.stages.tea_shop import open_shop


@pytest.fixture
def shop(tmp_path):
    """Return a function that opens the tea shop with keys of section `recommend`."""
    return partial(open_shop, tmp_path)


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a file with a name and a text, and returns its path."""

    def write(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write
