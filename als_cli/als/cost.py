"""Expected time and memory of a training, by formula: the same on every machine, so selection by cost is too."""

from scipy.sparse import csr_matrix

_PAIR_OPERATIONS = 26.0
"""Floating-point operations per pair and factor in an iteration: two visits of thirteen operations each."""
_PAIR_RATE = 25e9
"""Pair operations per second, on two cores of a processor of 2023."""
_DENSE_OPERATIONS = 8.0
"""Floating-point operations per row and f^2: Gram matrices and rotations of both sides."""
_DENSE_RATE = 150e9
_EIGEN_OPERATIONS = 40.0
"""Floating-point operations per f^3: the eigendecompositions of both sides, on one thread."""
_EIGEN_RATE = 20e9
_RANKING_RATE = 80e9
"""Floating-point operations per second of top-N, which compares all items unless the norms end it earlier."""


def iteration_seconds(matrix: csr_matrix, factors: int) -> float:
    """Return the expected seconds of one iteration on `matrix` (U, I) with two cores; the real time may be half or twice as long."""
    pairs = _PAIR_OPERATIONS * matrix.nnz * factors / _PAIR_RATE
    dense = _DENSE_OPERATIONS * sum(matrix.shape) * factors**2 / _DENSE_RATE
    return float(pairs + dense + _EIGEN_OPERATIONS * factors**3 / _EIGEN_RATE)


def ranking_seconds(users: int, items: int, factors: int) -> float:
    """Return the expected seconds to rank all `items` for `users`; the real time may be half or twice as long."""
    return 2.0 * users * items * factors / _RANKING_RATE


def training_bytes(matrix: csr_matrix, factors: int) -> int:
    """Return the expected peak memory of a training in bytes: two matrices and three times the factors."""
    return int(2 * 8 * matrix.nnz + 3 * 4 * sum(matrix.shape) * factors)
