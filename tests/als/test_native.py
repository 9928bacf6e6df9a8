"""The native engine, compared with the float64 reference, an independent gradient, and other numbers of threads."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from als_cli.als import reference, schedule
from als_cli.als.engine import AlsSettings, Factors
from als_cli.als.native import FixedItems, NativeEngine
from als_cli.als.objective import loss_of
from als_cli.errors import TrainingError

BASE = AlsSettings(
    factors=8, regularization=0.05, iterations=3, exact=True, seed=1, threads=2, objective="weighted",
    unobserved_weight=0.2, frequency_exponent=1.0,
)  # fmt: skip
OBJECTIVES = [
    pytest.param({"objective": "weighted"}, id="weighted"),
    pytest.param(
        {"objective": "weighted", "frequency_exponent": 0.0, "regularization": 2.0}, id="plain ridge"
    ),
    pytest.param({"objective": "hu2008", "unobserved_weight": 1.0, "frequency_exponent": 0.5}, id="hu2008"),
]


def confidences(rng: np.random.Generator, users=40, items=30, share=0.3) -> csr_matrix:
    """Return a matrix with all special cases: empty rows, one pair, all pairs, dislikes, c = a0 (w = 0), c < a0 (w < 0)."""
    dense = np.where(rng.random((users, items)) < share, 1 + rng.gamma(1.0, 4.0, (users, items)), 0.0)
    dense[3], dense[:, 5] = 0.0, 0.0
    dense[7] = 2.0
    dense[8], dense[8, 2] = 0.0, 4.0
    dense[9], dense[9, :6] = 0.0, 1.0
    dense[10, :6] = -2.0
    dense[11, 3:5] = 0.5
    dense[:, 12] = np.maximum(dense[:, 12], 1.0)
    return csr_matrix(dense.astype(np.float32))


def relative_errors(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return np.linalg.norm(found - expected, axis=1) / np.maximum(np.linalg.norm(expected, axis=1), 1e-12)


def gradient(confidence: csr_matrix, X: np.ndarray, Y: np.ndarray, settings: AlsSettings) -> np.ndarray:
    """Return dL/dX pair by pair, from the loss. It shares no code with the engine or the reference."""
    C = confidence.toarray().astype(np.float64)
    G = np.zeros_like(X)
    for u in range(len(X)):
        strength = (
            settings.regularization
            * (np.abs(C[u]).sum() + settings.unobserved_weight * C.shape[1]) ** settings.frequency_exponent
        )
        G[u] += 2 * strength * X[u]
        for i in range(C.shape[1]):
            score = X[u] @ Y[i]
            if C[u, i] != 0:
                G[u] -= 2 * abs(C[u, i]) * ((C[u, i] > 0) - score) * Y[i]
            if C[u, i] == 0 or settings.objective == "weighted":
                G[u] += 2 * settings.unobserved_weight * score * Y[i]
    return G


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("factors", [1, 2, 15, 16, 17, 33, 64, 100])
def test_exact_rows_equal_the_reference(objective, factors):
    rng = np.random.default_rng(factors)
    confidence, settings = confidences(rng), replace(BASE, factors=factors, **objective)
    items = rng.normal(size=(30, factors)).astype(np.float32)
    expected = reference.half_step(confidence.toarray().astype(float), items.astype(float), loss_of(settings))
    found = NativeEngine().fold_in(items, confidence, settings)
    assert relative_errors(found, expected).max() < 1e-4


@pytest.mark.parametrize("factors", [512, 2048])
def test_many_factors(factors):
    rng = np.random.default_rng(factors)
    confidence, settings = confidences(rng)[3:13], replace(BASE, factors=factors)
    items = rng.normal(size=(30, factors)).astype(np.float32)
    expected = reference.half_step(confidence.toarray().astype(float), items.astype(float), loss_of(settings))
    assert relative_errors(NativeEngine().fold_in(items, confidence, settings), expected).max() < 1e-4


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_gradient_of_an_exact_half_step_is_flat(objective):
    rng = np.random.default_rng(2)
    confidence, settings = confidences(rng), replace(BASE, **objective)
    items = rng.normal(size=(30, 8)).astype(np.float32)
    users = NativeEngine().fold_in(items, confidence, settings)
    at_zero = gradient(confidence, np.zeros_like(users, dtype=float), items.astype(float), settings)
    at_solution = gradient(confidence, users.astype(float), items.astype(float), settings)
    assert np.abs(at_solution).max() < 1e-4 * np.abs(at_zero).max()


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("exact", [True, False])
def test_reports_the_reference_loss_of_every_iteration(objective, exact):
    confidence = confidences(np.random.default_rng(3), users=60, items=80)
    settings = replace(BASE, exact=exact, **objective)
    for iterations in (1, 2, 4):
        losses: list[float] = []
        factors = NativeEngine().fit(
            confidence,
            replace(settings, iterations=iterations),
            lambda iteration, to=losses: to.append(iteration.loss),
        )
        expected = reference.total_loss(
            confidence.toarray().astype(float),
            factors.users.astype(float),
            factors.items.astype(float),
            loss_of(settings),
        )
        assert losses[-1] == pytest.approx(expected, rel=1e-5)


def test_conjugate_gradients_come_close_to_the_exact_solution():
    confidence = confidences(np.random.default_rng(4), users=300, items=200)
    losses = {}
    for exact in (True, False):
        iterations: list[float] = []
        NativeEngine().fit(
            confidence, replace(BASE, exact=exact, iterations=6), lambda s, to=iterations: to.append(s.loss)
        )
        losses[exact] = iterations
    assert losses[False][-1] == pytest.approx(losses[True][-1], rel=0.02)


@pytest.mark.parametrize("exact", [True, False])
def test_one_and_two_threads_give_the_same_bytes(exact):
    rng = np.random.default_rng(6)
    confidence = csr_matrix((rng.random((6000, 900)) < 0.03).astype(np.float32))
    settings = replace(BASE, factors=48, exact=exact, iterations=2)
    one, two = (NativeEngine().fit(confidence, replace(settings, threads=t), lambda _: None) for t in (1, 2))
    assert one.users.tobytes() == two.users.tobytes()
    assert one.items.tobytes() == two.items.tobytes()


def test_rows_solved_in_blocks_have_the_same_solution(monkeypatch):
    rng = np.random.default_rng(11)
    confidence = csr_matrix(
        np.where(rng.random((500, 60)) < 0.5, 1 + rng.gamma(1.0, 2.0, (500, 60)), 0.0).astype(np.float32)
    )
    settings = replace(BASE, factors=24, exact=False, iterations=3)
    losses: dict[int, list[float]] = {}
    for floats in (1 << 19, 512):  # a block holds all rows, then 21 of them
        losses[floats] = []
        monkeypatch.setattr(schedule, "BLOCK_FLOATS", floats)
        monkeypatch.setattr(schedule, "PAIRS_PER_BLOCK", 3)
        factors = NativeEngine().fit(
            confidence, settings, lambda iteration, to=losses[floats]: to.append(iteration.loss)
        )
    planned = schedule.schedule_rows(confidence.T.tocsr(), 24, exact=False, shift=0.0)
    assert sum(map(len, planned.longest)) == 60
    assert losses[512] == pytest.approx(losses[1 << 19], rel=1e-5)
    expected = reference.total_loss(
        confidence.toarray().astype(float),
        factors.users.astype(float),
        factors.items.astype(float),
        loss_of(settings),
    )
    assert losses[512][-1] == pytest.approx(expected, rel=1e-5)


def test_a_warm_start_continues_the_training():
    confidence = confidences(np.random.default_rng(7), users=80, items=60)
    losses: list[float] = []
    first = NativeEngine().fit(
        confidence, replace(BASE, iterations=4), lambda iteration: losses.append(iteration.loss)
    )
    kept = first.items.copy()
    NativeEngine().fit(
        confidence, replace(BASE, iterations=2), lambda iteration: losses.append(iteration.loss), first
    )
    assert losses[4] <= losses[3] * (1 + 1e-6)
    np.testing.assert_array_equal(first.items, kept)


def test_any_number_of_factors_is_supported():
    factors = NativeEngine().fit(
        confidences(np.random.default_rng(8)), replace(BASE, factors=5), lambda _: None
    )
    assert factors.users.shape == (40, 5)
    assert factors.items.flags.c_contiguous


def test_memory_mapped_items_need_no_other_kernel(tmp_path):
    confidence = confidences(np.random.default_rng(9))
    items = np.random.default_rng(9).normal(size=(30, 16)).astype(np.float32)
    np.save(tmp_path / "items.npy", items)
    mapped = np.load(tmp_path / "items.npy", mmap_mode="r")
    settings = replace(BASE, factors=16)
    found = NativeEngine().fold_in(mapped, confidence, settings)
    np.testing.assert_array_equal(found, NativeEngine().fold_in(items, confidence, settings))


@pytest.mark.parametrize("factors", [15, 16, 33])
def test_prepared_items_serve_several_fold_ins(factors):
    rng = np.random.default_rng(5)
    confidence, settings = confidences(rng), replace(BASE, factors=factors)
    given = rng.normal(size=(30, factors)).astype(np.float32)
    items = given.copy()
    fixed = FixedItems(items, settings.threads)
    for ridge in (0.1, 2.0):
        here = replace(settings, regularization=ridge)
        expected = reference.half_step(confidence.toarray().astype(float), given.astype(float), loss_of(here))
        assert relative_errors(fixed.fold_in(confidence, here), expected).max() < 1e-4
        scores = fixed.users(confidence, here) @ fixed.factors.T
        np.testing.assert_allclose(scores, expected @ given.T, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(items, given)


def test_factors_that_are_not_finite_are_an_error():
    items = np.full((30, 8), np.nan, np.float32)
    with pytest.raises(TrainingError, match="not finite"):
        NativeEngine().fold_in(items, confidences(np.random.default_rng(1)), BASE)
    start = Factors(np.zeros((40, 8), np.float32), items)
    with pytest.raises(TrainingError, match="iteration 1"):
        NativeEngine().fit(confidences(np.random.default_rng(1)), BASE, lambda _: None, start)


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    users=st.integers(1, 12),
    items=st.integers(1, 12),
    factors=st.integers(1, 40),
)
def test_permuting_users_permutes_the_factors(seed, users, items, factors):
    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((users, items)) < 0.5, rng.gamma(1.0, 2.0, (users, items)), 0.0).astype(
        np.float32
    )
    fixed = rng.normal(size=(items, factors)).astype(np.float32)
    order = rng.permutation(users)
    settings = replace(BASE, factors=factors)
    straight = NativeEngine().fold_in(fixed, csr_matrix(dense), settings)
    permuted = NativeEngine().fold_in(fixed, csr_matrix(dense[order]), settings)
    np.testing.assert_allclose(permuted, straight[order], rtol=1e-5, atol=1e-6)
