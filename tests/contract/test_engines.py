"""The contract of all engines: the reported loss is the loss of the factors and decreases, and seeds are reproducible.

The loss in this file follows Hu, Koren, Volinsky 2008 (equation 3) pair by pair. It shares no code with an engine.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.als.engine import AlsSettings, Factors, Iteration
from als_cli.als.implicit_engine import ImplicitEngine
from als_cli.als.native import NativeEngine

SETTINGS = AlsSettings(factors=8, regularization=0.3, iterations=5, exact=False, seed=3, threads=2)


@pytest.fixture(params=[ImplicitEngine, NativeEngine], ids=["implicit", "native"])
def engine(request):
    return request.param()


@pytest.fixture(scope="module")
def confidence() -> csr_matrix:
    rng = np.random.default_rng(5)
    dense = np.where(rng.random((70, 50)) < 0.2, 1 + rng.gamma(2.0, 3.0, (70, 50)), 0.0)
    dense[4], dense[:, 9] = 0.0, 0.0
    dense[10, dense[10] > 0] *= -1
    return csr_matrix(dense.astype(np.float32))


def loss_by_definition(confidence: csr_matrix, factors: Factors, regularization: float) -> float:
    stored = confidence.toarray().astype(np.float64)
    total = regularization * (
        np.square(factors.users.astype(float)).sum() + np.square(factors.items.astype(float)).sum()
    )
    for user, item in np.ndindex(*stored.shape):
        value = stored[user, item]
        score = float(factors.users[user].astype(float) @ factors.items[item].astype(float))
        total += (abs(value) if value else 1.0) * ((1.0 if value > 0 else 0.0) - score) ** 2
    return total / stored.size


def fit(engine, confidence, settings=SETTINGS) -> tuple[Factors, list[Iteration]]:
    iterations: list[Iteration] = []
    return engine.fit(confidence, settings, iterations.append), iterations


def test_reports_the_loss_of_its_factors(engine, confidence):
    factors, iterations = fit(engine, confidence)
    assert [iteration.number for iteration in iterations] == [1, 2, 3, 4, 5]
    assert iterations[-1].loss == pytest.approx(loss_by_definition(confidence, factors, 0.3), rel=1e-5)


@pytest.mark.parametrize("exact", [False, True])
def test_the_loss_never_rises(engine, confidence, exact):
    _, iterations = fit(engine, confidence, replace(SETTINGS, exact=exact, iterations=8))
    losses = [iteration.loss for iteration in iterations]
    assert all(later <= earlier * (1 + 1e-6) for earlier, later in pairwise(losses))


def test_shapes_types_and_empty_rows(engine, confidence):
    factors, _ = fit(engine, confidence)
    for side, rows in ((factors.users, 70), (factors.items, 50)):
        assert side.shape == (rows, 8)
        assert side.dtype == np.float32
        assert side.flags.c_contiguous
    assert not factors.users[4].any()
    assert not factors.items[9].any()


def test_the_same_seed_gives_the_same_bytes(engine, confidence):
    first, _ = fit(engine, confidence)
    again, _ = fit(engine, confidence)
    other, _ = fit(engine, confidence, replace(SETTINGS, seed=4))
    assert first.users.tobytes() == again.users.tobytes()
    assert first.items.tobytes() == again.items.tobytes()
    assert first.items.tobytes() != other.items.tobytes()


def test_fold_in_is_the_exact_solution_of_a_row(engine, confidence):
    factors, _ = fit(engine, confidence)
    found = engine.fold_in(factors.items, confidence, SETTINGS)
    items, stored = factors.items.astype(np.float64), confidence.toarray().astype(np.float64)
    for user in np.flatnonzero(np.diff(confidence.indptr)):
        c = np.where(stored[user] == 0, 1.0, np.abs(stored[user]))
        system = (items.T * c) @ items + 0.3 * np.eye(8)
        expected = np.linalg.solve(system, items.T @ np.maximum(stored[user], 0))
        assert found[user] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert not found[4].any()


def test_an_int64_indptr_changes_nothing(engine, confidence):
    wide = confidence.copy()
    wide.indptr = wide.indptr.astype(np.int64)
    assert fit(engine, wide)[0].users.tobytes() == fit(engine, confidence)[0].users.tobytes()
