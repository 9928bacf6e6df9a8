"""From a pair's strength to its confidence (Hu, Koren, Volinsky 2008, section 4)."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class ConfidenceRule:
    """c = (1 + alpha g(r)) / scale with g(r) = r (linear) or log(1 + r / epsilon) (log)."""

    form: str
    alpha: float
    epsilon: float
    scale: float
    """1, or the mean of the training part's confidences: one number for training and fold-in alike."""

    def apply(self, strength: csr_matrix) -> csr_matrix:
        """Return c_ui for every stored pair of `strength`, same sparsity, float32.

        A negative strength is a dislike: its confidence is computed from ``|r|`` and stored with a minus sign.
        """
        magnitude = np.abs(strength.data, dtype=np.float64)
        growth = magnitude if self.form == "linear" else np.log1p(magnitude / self.epsilon)
        values = np.copysign((1.0 + self.alpha * growth) / self.scale, strength.data).astype(np.float32)
        return csr_matrix((values, strength.indices, strength.indptr), shape=strength.shape)


def mean_confidence(strength: csr_matrix, rule: ConfidenceRule) -> float:
    """Return the mean magnitude of the confidences that `rule` gives, 1 where nothing is stored."""
    values = rule.apply(strength).data
    return float(np.abs(values).mean(dtype=np.float64)) if len(values) else 1.0
