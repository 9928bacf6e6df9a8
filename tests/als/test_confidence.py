"""Confidences from strengths."""

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.als.confidence import ConfidenceRule, interactions_per_item, mean_confidence

STRENGTH = csr_matrix(np.array([[0, 2.0, 0], [5.0, 0, -1.0]], dtype=np.float32))
COUNTS = np.array([1, 1, 1])


@pytest.mark.parametrize(
    ("form", "growth"), [("linear", lambda r: r), ("log", lambda r: math.log(1 + r / 0.5))]
)
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_the_formula_holds_for_every_pair_and_a_dislike_keeps_its_sign(form, growth, scale):
    confidence = ConfidenceRule(form, alpha=3.0, epsilon=0.5, scale=scale).apply(STRENGTH, COUNTS)
    expected = [(1 + 3 * growth(r)) / scale for r in (2, 5, 1)]
    np.testing.assert_allclose(confidence.data, [expected[0], expected[1], -expected[2]], rtol=1e-6)
    assert confidence.dtype == np.float32
    np.testing.assert_array_equal(confidence.indices, STRENGTH.indices)


def test_strengths_are_not_changed():
    before = STRENGTH.data.copy()
    ConfidenceRule("log", 3.0, 1.0, 2.0, 0.5, 0.5).apply(STRENGTH, COUNTS)
    np.testing.assert_array_equal(STRENGTH.data, before)


def test_the_mean_is_over_stored_pairs_and_magnitudes():
    rule = ConfidenceRule("linear", alpha=1.0, epsilon=1.0, scale=1.0)
    assert mean_confidence(STRENGTH, rule, COUNTS) == pytest.approx((3 + 6 + 2) / 3)
    assert mean_confidence(csr_matrix((2, 2), dtype=np.float32), rule, COUNTS[:2]) == 1.0


def histories(users=40, items=25):
    """Return long and short rows, a user with one item, a user without items, an item without users, and dislikes."""
    rng = np.random.default_rng(4)
    dense = rng.gamma(2.0, 2.0, (users, items)) * (rng.random((users, items)) < rng.random((users, 1)) ** 2)
    dense[3], dense[3, 7], dense[5], dense[:, 9] = 0, 2.5, 0, 0
    dense[rng.random(dense.shape) < 0.1] *= -1
    return csr_matrix(dense.astype(np.float32))


def tempered_by_definition(strength, p, q, alpha, epsilon):
    """Return c = g(r) (n_u / mean n)^-p (n_i / mean n)^-q, divided by its mean, pair by pair."""
    dense = strength.toarray().astype(np.float64)
    per_user = [sum(value != 0 for value in row) for row in dense]
    per_item = [sum(value != 0 for value in column) for column in dense.T]
    pairs = [(u, i) for u, i in np.ndindex(*dense.shape) if dense[u, i] != 0]
    mean_user = sum(per_user) / len(per_user)
    mean_item = sum(per_item) / len(per_item)
    found = np.zeros_like(dense)
    for u, i in pairs:
        growth = 1 + alpha * math.log(1 + abs(dense[u, i]) / epsilon)
        weight = growth * (per_user[u] / mean_user) ** -p * (per_item[i] / mean_item) ** -q
        found[u, i] = math.copysign(weight, dense[u, i])
    return found / (sum(abs(found[pair]) for pair in pairs) / len(pairs))


def tempered(strength, p, q):
    counts = interactions_per_item(strength)
    rule = ConfidenceRule("log", 10.0, 2.0, 1.0, p, q)
    scale = mean_confidence(strength, rule, counts)
    return ConfidenceRule("log", 10.0, 2.0, scale, p, q).apply(strength, counts)


@pytest.mark.parametrize(("p", "q"), [(0.25, 0.25), (0.5, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_tempering_is_the_definition_with_mean_one_and_signs_kept(p, q):
    strength = histories()
    found = tempered(strength, p, q)
    np.testing.assert_allclose(
        found.toarray(), tempered_by_definition(strength, p, q, alpha=10.0, epsilon=2.0), rtol=1e-6
    )
    assert np.abs(found.data).mean(dtype=np.float64) == pytest.approx(1.0, abs=1e-7)


def test_tempering_does_not_depend_on_the_order_of_users_and_items():
    strength = histories()
    rng = np.random.default_rng(1)
    users, items = rng.permutation(strength.shape[0]), rng.permutation(strength.shape[1])
    permuted = strength[users][:, items]
    permuted.sort_indices()
    np.testing.assert_allclose(
        tempered(permuted, 0.3, 0.4).toarray(),
        tempered(strength, 0.3, 0.4).toarray()[users][:, items],
        rtol=1e-6,
    )


def test_a_folded_in_history_has_the_confidences_of_training():
    strength = histories()
    counts = interactions_per_item(strength)
    rule = ConfidenceRule("log", 10.0, 2.0, 1.7, 0.5, 0.5)
    together = rule.apply(strength, counts)
    for user in (0, 3, 5, 39):
        alone = rule.apply(strength[user], counts)
        np.testing.assert_array_equal(alone.toarray(), together[user].toarray())


def test_an_item_without_interactions_counts_as_one():
    rule = ConfidenceRule("linear", 1.0, 1.0, 1.0, item_exponent=0.5)
    found = rule.apply(STRENGTH, np.array([0, 4, 0]))
    np.testing.assert_allclose(found.data, [3 / 2, 6, -2], rtol=1e-6)
