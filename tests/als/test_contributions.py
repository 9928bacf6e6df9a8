"""Contributions of a history to the scores of items: compared with the definition in float64."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.als.engine import AlsSettings
from als_cli.als.linear_form import largest_contributions
from als_cli.als.native import FixedItems
from als_cli.als.objective import loss_of
from als_cli.als.reference import half_step, ridge, weights_and_targets

USERS, ITEMS = 40, 60


def settings_of(objective, factors=12):
    return AlsSettings(factors, 0.05, 1, True, 0, 2, objective, 0.3, 1.0 if objective == "weighted" else 0.0)


def histories(seed, dislikes):
    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((USERS, ITEMS)) < 0.2, rng.uniform(0.5, 4, (USERS, ITEMS)), 0)
    if dislikes:
        dense *= np.where(rng.random((USERS, ITEMS)) < 0.2, -1, 1)
    dense[3] = 0
    return csr_matrix(dense.astype(np.float32))


def by_definition(C, Y, loss):
    """Return b_j y_i'A_u^-1 y_j of all users u, items i and items j: (U, I, I)."""
    w, b = weights_and_targets(C, loss)
    lambdas = ridge(C, loss)
    parts = np.zeros((len(C), len(Y), len(Y)))
    for u in range(len(C)):
        system = loss.unobserved_weight * Y.T @ Y + lambdas[u] * np.eye(Y.shape[1]) + (Y.T * w[u]) @ Y
        parts[u] = (Y @ np.linalg.solve(system, Y.T)) * b[u]
    return parts


@pytest.mark.parametrize("objective", ["weighted", "hu2008"])
@pytest.mark.parametrize("dislikes", [False, True])
@pytest.mark.parametrize("factors", [5, 12, 40])
def test_they_are_those_of_the_definition_and_add_up_to_the_score(objective, dislikes, factors):
    settings, confidence = settings_of(objective, factors), histories(factors, dislikes)
    Y = np.random.default_rng(2).normal(size=(ITEMS, factors)).astype(np.float32)
    fixed, listed = FixedItems(Y, 2), np.random.default_rng(3).integers(0, ITEMS, (USERS, 7)).astype(np.int32)
    listed[:, 5] = -1
    items, values = fixed.contributions(confidence, settings, listed, ITEMS)
    C, loss = confidence.toarray().astype(np.float64), loss_of(settings)
    expected = by_definition(C, Y.astype(np.float64), loss)
    scores = half_step(C, Y.astype(np.float64), loss) @ Y.T
    for user in range(USERS):
        for slot, item in enumerate(listed[user]):
            if item < 0 or user == 3:
                assert (items[user, slot] == -1).all()
                assert (values[user, slot] == 0).all()
                continue
            wanted = expected[user, item]
            found = np.zeros(ITEMS)
            known = items[user, slot] >= 0
            found[items[user, slot][known]] = values[user, slot][known]
            np.testing.assert_allclose(found, np.maximum(wanted, 0), atol=2e-4)
            assert (np.diff(values[user, slot][known]) <= 0).all()
            np.testing.assert_allclose(found.sum() + wanted[wanted < 0].sum(), scores[user, item], atol=1e-3)
    np.testing.assert_allclose(fixed.fold_in(confidence, settings) @ Y.T, scores, atol=1e-3)


@pytest.mark.parametrize("objective", ["weighted", "hu2008"])
def test_plain_numpy_gives_the_same(objective):
    settings, confidence = settings_of(objective), histories(5, dislikes=True)
    Y = np.random.default_rng(2).normal(size=(ITEMS, 12)).astype(np.float32)
    listed = np.random.default_rng(3).integers(-1, ITEMS, (USERS, 6)).astype(np.int32)
    items, values = FixedItems(Y, 2).contributions(confidence, settings, listed, 3)
    plain_items, plain_values = largest_contributions(Y, confidence, settings, listed, 3)
    np.testing.assert_allclose(values, plain_values, atol=2e-4)
    clear = values > 2e-3
    assert clear.mean() > 0.3
    same = items == plain_items
    assert same[clear].mean() > 0.99  # values that are equal in float32 may change places


def test_only_the_largest_are_given_in_order():
    settings, confidence = settings_of("weighted"), histories(1, dislikes=False)
    fixed = FixedItems(np.random.default_rng(2).normal(size=(ITEMS, 12)).astype(np.float32), 1)
    listed = np.tile(np.arange(4, dtype=np.int32), (USERS, 1))
    all_items, all_values = fixed.contributions(confidence, settings, listed, ITEMS)
    items, values = fixed.contributions(confidence, settings, listed, 2)
    np.testing.assert_array_equal(items, all_items[:, :, :2])
    np.testing.assert_array_equal(values, all_values[:, :, :2])
