"""What a training takes, as a formula: the same on every machine, so that what is chosen by it is too."""

from scipy.sparse import csr_matrix

_PAIR_OPERATIONS = 26.0
"""Floating-point operations per pair and factor of a sweep: two visits of thirteen (docs/benchmarks.md)."""
_PAIR_RATE = 25e9
"""Of those per second, on two cores of 2023."""
_DENSE_OPERATIONS = 8.0
"""Per row and squared factor: Gram matrix and rotations of both sides."""
_DENSE_RATE = 150e9
_EIGEN_OPERATIONS = 40.0
"""Per cubed factor: both eigenproblems, on one thread."""
_EIGEN_RATE = 20e9


def sweep_seconds(matrix: csr_matrix, factors: int) -> float:
    """Return the seconds of one sweep over `matrix` (U, I) on a machine of two cores, estimated: the real time may be half or twice as long."""
    pairs = _PAIR_OPERATIONS * matrix.nnz * factors / _PAIR_RATE
    dense = _DENSE_OPERATIONS * sum(matrix.shape) * factors**2 / _DENSE_RATE
    return float(pairs + dense + _EIGEN_OPERATIONS * factors**3 / _EIGEN_RATE)


def training_bytes(matrix: csr_matrix, factors: int) -> int:
    """Return the peak memory of a training: two matrices and three times the factors, float32 and int32."""
    return int(2 * 8 * matrix.nnz + 3 * 4 * sum(matrix.shape) * factors)
