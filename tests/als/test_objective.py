import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.als import reference
from als_cli.als.objective import Loss


@pytest.mark.parametrize("nu", [0.0, 0.5, 1.0])
def test_the_ridge_scales_with_the_weight_of_a_row(nu):
    confidence = csr_matrix(np.array([[2.0, -3.0, 0.0], [0.0, 0.0, 0.0]], np.float32))
    found = Loss(0.5, 0.0, 0.1, nu).ridge(confidence)
    assert found == pytest.approx([0.1 * 6.5**nu, 0.1 * 1.5**nu])


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_the_reference_half_step_minimises_the_reference_loss(shift):
    rng = np.random.default_rng(1)
    C = np.where(rng.random((5, 7)) < 0.5, rng.normal(size=(5, 7)) * 2, 0.0)
    C[np.abs(C) < 0.5] = 0.0
    Y, loss = rng.normal(size=(7, 3)), Loss(0.4, shift, 0.2, 0.7)
    X = reference.half_step(C, Y, loss)
    least = reference.total_loss(C, X, Y, loss)
    for _ in range(50):
        step = rng.normal(size=X.shape) * 1e-3
        step[~(C != 0).any(axis=1)] = 0.0
        assert reference.total_loss(C, X + step, Y, loss) > least
