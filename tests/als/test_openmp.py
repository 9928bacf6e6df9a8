"""A system without OpenMP, such as a slim image, gets a message that names the missing package."""

import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.als.engine import AlsSettings
from als_cli.als.implicit_engine import ImplicitEngine
from als_cli.errors import ResourceError
from als_cli.evaluation.item_knn import neighbours_of

MATRIX = csr_matrix(np.eye(3, dtype=np.float32))


class WithoutOpenmp:
    """Fails as the dynamic linker does."""

    def find_spec(self, name, *_):
        if name.startswith("implicit"):
            raise ImportError("libgomp.so.1: cannot open shared object file: No such file or directory")


@pytest.fixture
def slim(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "implicit"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [WithoutOpenmp(), *sys.meta_path])


@pytest.mark.parametrize(
    "call",
    [
        lambda: ImplicitEngine().fit(MATRIX, AlsSettings(2, 0.1, 1, False, 0, 1), lambda _: None),
        lambda: neighbours_of(MATRIX, "cosine", 2, 1),
    ],
    ids=["engine", "baseline"],
)
@pytest.mark.usefixtures("slim")
def test_the_message_names_the_package(call):
    with pytest.raises(ResourceError, match=r"libgomp\.so\.1") as caught:
        call()
    assert "libgomp1" in caught.value.hint
