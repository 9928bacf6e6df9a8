"""From a pair's strength to its confidence (Hu, Koren, Volinsky 2008, section 4)."""

import numpy as np
from scipy.sparse import csr_matrix


def confidence_matrix(strength: csr_matrix, form: str, alpha: float, epsilon: float) -> csr_matrix:
    """Return c_ui for every stored pair of `strength`, same sparsity, float32.

    linear: ``c = 1 + alpha r``; log: ``c = 1 + alpha log(1 + r / epsilon)``. A negative strength is a dislike: its
    confidence is computed from ``|r|`` and stored with a minus sign.
    """
    magnitude = np.abs(strength.data.astype(np.float64))
    growth = magnitude if form == "linear" else np.log1p(magnitude / epsilon)
    values = np.copysign(1.0 + alpha * growth, strength.data).astype(np.float32)
    return csr_matrix((values, strength.indices, strength.indptr), shape=strength.shape)
