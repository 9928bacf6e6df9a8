"""From strength to confidence."""

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.als.confidence import ConfidenceRule, mean_confidence

STRENGTH = csr_matrix(np.array([[0, 2.0, 0], [5.0, 0, -1.0]], dtype=np.float32))


@pytest.mark.parametrize(
    ("form", "growth"), [("linear", lambda r: r), ("log", lambda r: math.log(1 + r / 0.5))]
)
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_the_formula_holds_for_every_pair_and_a_dislike_keeps_its_sign(form, growth, scale):
    confidence = ConfidenceRule(form, alpha=3.0, epsilon=0.5, scale=scale).apply(STRENGTH)
    expected = [(1 + 3 * growth(r)) / scale for r in (2, 5, 1)]
    np.testing.assert_allclose(confidence.data, [expected[0], expected[1], -expected[2]], rtol=1e-6)
    assert confidence.dtype == np.float32
    np.testing.assert_array_equal(confidence.indices, STRENGTH.indices)


def test_the_strengths_are_left_as_they_are():
    before = STRENGTH.data.copy()
    ConfidenceRule("log", 3.0, 1.0, 2.0).apply(STRENGTH)
    np.testing.assert_array_equal(STRENGTH.data, before)


def test_the_mean_is_over_stored_pairs_and_magnitudes():
    rule = ConfidenceRule("linear", alpha=1.0, epsilon=1.0, scale=1.0)
    assert mean_confidence(STRENGTH, rule) == pytest.approx((3 + 6 + 2) / 3)
    assert mean_confidence(csr_matrix((2, 2), dtype=np.float32), rule) == 1.0
