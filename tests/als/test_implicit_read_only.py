"""Engine `implicit` on read-only memory-mapped arrays, as in datasets and models."""

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.engine import AlsSettings
from als_cli.als.implicit_engine import ImplicitEngine

SETTINGS = AlsSettings(factors=3, regularization=0.1, iterations=2, exact=False, seed=1, threads=1)


def test_trains_and_folds_in_the_same():
    dense = (np.random.default_rng(6).random((20, 12)) < 0.4).astype(np.float32)
    matrix, frozen = csr_matrix(dense), csr_matrix(dense)
    for array in (frozen.data, frozen.indices, frozen.indptr):
        array.setflags(write=False)
    expected = ImplicitEngine().fit(matrix, SETTINGS, lambda _: None)
    found = ImplicitEngine().fit(frozen, SETTINGS, lambda _: None)
    np.testing.assert_array_equal(found.users, expected.users)
    found.items.setflags(write=False)
    np.testing.assert_array_equal(
        ImplicitEngine().fold_in(found.items, frozen, SETTINGS),
        ImplicitEngine().fold_in(expected.items, matrix, SETTINGS),
    )
