"""The adapter of `implicit`: its loss, seeds, and special cases."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.als.engine import AlsSettings, Iteration
from als_cli.als.implicit_engine import ImplicitEngine
from als_cli.errors import TrainingError


def settings(**changes):
    plain = {"factors": 4, "regularization": 0.1, "iterations": 3, "exact": False, "seed": 5, "threads": 2}
    return AlsSettings(**(plain | changes))


def confidence(rng, users=30, items=20, dislikes=False):
    dense = np.where(rng.random((users, items)) < 0.2, 1 + 4 * rng.random((users, items)), 0)
    if dislikes:
        dense *= np.where(rng.random(dense.shape) < 0.3, -1, 1)
    dense[3] = 0
    return csr_matrix(dense.astype(np.float32))


def naive_loss(matrix, factors, regularization):
    """Return the loss of Hu et al. 2008 (equation 3), cell by cell in float64."""
    dense = matrix.toarray().astype(np.float64)
    users, items = factors.users.astype(np.float64), factors.items.astype(np.float64)
    total = 0.0
    for u in range(dense.shape[0]):
        for i in range(dense.shape[1]):
            weight = abs(dense[u, i]) if dense[u, i] != 0 else 1.0
            preference = 1.0 if dense[u, i] > 0 else 0.0
            total += weight * (preference - users[u] @ items[i]) ** 2
    total += regularization * ((users**2).sum() + (items**2).sum())
    return total / dense.size


@pytest.mark.parametrize("dislikes", [False, True])
def test_reported_loss_is_the_equation_divided_by_all_pairs(dislikes):
    matrix = confidence(np.random.default_rng(1), dislikes=dislikes)
    seen: list[Iteration] = []
    factors = ImplicitEngine().fit(matrix, settings(), seen.append)
    assert [iteration.number for iteration in seen] == [1, 2, 3]
    assert seen[-1].loss == pytest.approx(naive_loss(matrix, factors, 0.1), rel=1e-4)
    assert all(iteration.seconds >= 0 for iteration in seen)


def test_same_seed_gives_same_bytes_and_another_seed_does_not():
    matrix = confidence(np.random.default_rng(2))
    one, two, other = (ImplicitEngine().fit(matrix, settings(seed=s), lambda _: None) for s in (1, 1, 2))
    assert one.items.tobytes() == two.items.tobytes()
    assert one.items.tobytes() != other.items.tobytes()


def test_a_user_without_interactions_gets_the_zero_vector():
    factors = ImplicitEngine().fit(confidence(np.random.default_rng(3)), settings(), lambda _: None)
    assert not factors.users[3].any()
    assert factors.users[4].any()


@pytest.mark.parametrize("exact", [False, True])
def test_int64_index_pointers_are_accepted(exact):
    matrix = confidence(np.random.default_rng(4))
    matrix.indptr = matrix.indptr.astype(np.int64)
    factors = ImplicitEngine().fit(matrix, settings(exact=exact), lambda _: None)
    assert factors.users.shape == (30, 4)
    assert factors.users.dtype == np.float32


def test_fold_in_solves_the_row_exactly():
    rng = np.random.default_rng(6)
    matrix, items = confidence(rng), rng.normal(size=(20, 4)).astype(np.float32)
    users = ImplicitEngine().fold_in(items, matrix, settings())
    for u in range(matrix.shape[0]):
        weight = np.where(matrix.toarray()[u] > 0, matrix.toarray()[u], 1.0).astype(np.float64)
        liked = (matrix.toarray()[u] > 0).astype(np.float64)
        left = (items.T * weight) @ items + 0.1 * np.eye(4)
        expected = np.linalg.solve(left, items.T @ (weight * liked))
        np.testing.assert_allclose(users[u], expected, rtol=2e-4, atol=1e-5)


def test_diverging_training_is_an_error_with_advice():
    matrix = confidence(np.random.default_rng(7))
    matrix.data[:] = 3e38
    with pytest.raises(TrainingError, match="not finite") as caught:
        ImplicitEngine().fit(matrix, settings(regularization=0.0), lambda _: None)
    assert "train.regularization" in caught.value.hint
