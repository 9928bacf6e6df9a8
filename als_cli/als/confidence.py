"""Confidence of a pair from its strength (Hu, Koren, Volinsky 2008, section 4), tempered by popularity."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.arrays import Float64Array, Int64Array


@dataclass(frozen=True)
class ConfidenceRule:
    """c_ui = (1 + alpha g(r_ui)) n_u^-p n_i^-q / scale with g(r) = r (linear) or log(1 + r / epsilon) (log).

    With the form `proportional`, which models of the library `implicit` have, c_ui = alpha r / scale.

    n_u and n_i are the numbers of stored pairs of the user and of the item. They are not divided by their means,
    because that would only change the scale.
    """

    form: str
    alpha: float
    epsilon: float
    scale: float
    """1, or the mean confidence of the training set. Training and fold-in use the same number."""
    user_exponent: float = 0.0
    """p: reduces the confidence of pairs of users with long histories; 0: no reduction."""
    item_exponent: float = 0.0
    """q: reduces the confidence of pairs of popular items; 0: no reduction."""

    def apply(self, strength: csr_matrix, item_interactions: Int64Array) -> csr_matrix:
        """Return the confidence c_ui of every stored pair of `strength` (B, I): CSR, float32, same sparsity.

        n_u is the number of stored pairs in a row of `strength`. n_i is `item_interactions` (I,): the stored pairs of
        the item in the training matrix, also when the rows are not training users. A negative strength is a dislike.
        Its confidence is computed from ``|r|`` and stored with a minus sign.
        """
        values = np.abs(strength.data, dtype=np.float64)
        if self.form == "log":
            values /= self.epsilon
            np.log1p(values, out=values)
        values *= self.alpha
        if self.form != "proportional":
            values += 1.0
        if self.user_exponent:
            lengths = np.diff(strength.indptr)
            values *= np.repeat(_shrunk(lengths, self.user_exponent), lengths)
        if self.item_exponent:
            values *= _shrunk(item_interactions, self.item_exponent)[strength.indices]
        values /= self.scale
        signed = np.copysign(values, strength.data, out=values).astype(np.float32)
        return csr_matrix((signed, strength.indices, strength.indptr), shape=strength.shape)


def with_recency(confidence: csr_matrix, times: csr_matrix, half_life: float) -> csr_matrix:
    """Return `confidence` (B, I), halved for every `half_life` seconds before the newest pair of its row.

    `times` (B, I) is the time of each pair in microseconds, with the sparsity of `confidence`. Rows with equal times do
    not change. Confidences below the range of float32 become zero, but never those of the newest pair.
    """
    lengths = np.diff(times.indptr)
    newest = np.zeros(len(lengths), np.int64)
    filled = lengths > 0
    newest[filled] = np.maximum.reduceat(times.data, times.indptr[:-1][filled])
    ages = (np.repeat(newest, lengths) - times.data) / 1e6
    with np.errstate(over="ignore", under="ignore"):
        values = (confidence.data * np.exp2(-ages / half_life)).astype(np.float32)
    return csr_matrix((values, confidence.indices, confidence.indptr), shape=confidence.shape)


def interactions_per_item(strength: csr_matrix) -> Int64Array:
    """Return the number of stored pairs of each item (column) of `strength` (B, I): (I,) int64."""
    return np.bincount(strength.indices, minlength=strength.shape[1]).astype(np.int64)


def mean_confidence(strength: csr_matrix, rule: ConfidenceRule, item_interactions: Int64Array) -> float:
    """Return the mean of the absolute confidences of `strength` (B, I) under `rule`; 1 for an empty matrix."""
    values = rule.apply(strength, item_interactions).data
    return float(np.abs(values).mean(dtype=np.float64)) if len(values) else 1.0


def _shrunk(interactions: Int64Array, exponent: float) -> Float64Array:
    """Return ``n^-exponent`` for each n of `interactions`; 1 for n = 0."""
    return np.maximum(interactions, 1).astype(np.float64) ** -exponent
