"""Engine `implicit`: an adapter of the library `implicit`.

Minimises the loss of Hu, Koren, Volinsky 2008 (equation 3), with the ridge of the items:
``sum_ui c_ui (p_ui - x_u.y_i)^2 + lambda (sum_u |x_u|^2 + sum_i |y_i|^2)`` with c = 1 for unobserved pairs.
"""

import time
import warnings
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from als_cli.als.engine import AlsSettings, Factors, Iteration, ProgressCallback, has_converged, not_finite
from als_cli.als.openmp import importing_implicit
from als_cli.als.threads import blas_limited_to
from als_cli.arrays import Float32Array
from als_cli.errors import ResourceError

_MAXIMUM_INDPTR = 2**31 - 1


class ImplicitEngine:
    """ALS by ``implicit.cpu.als``: three conjugate-gradient steps per row, or Cholesky with `settings.exact`."""

    name = "implicit"

    def fit(self, confidence: csr_matrix, settings: AlsSettings, on_iteration: ProgressCallback) -> Factors:
        """Return factors that minimise the loss on `confidence`; see :class:`als_cli.als.engine.Engine`.

        `on_iteration` gets the loss of this module's docstring, divided by U x I.
        """
        matrix = _as_implicit_wants(confidence)
        model = _solver(settings, calculate_training_loss=True)
        to_mean_loss = _LossScale(matrix)
        started, losses = time.perf_counter(), list[float]()

        def report(iteration: int, _seconds: float, loss: float) -> None:
            nonlocal started
            if not np.isfinite(loss):
                raise not_finite(f"after iteration {iteration + 1}")
            now = time.perf_counter()
            losses.append(to_mean_loss(loss))
            on_iteration(Iteration(iteration + 1, losses[-1], now - started))
            started = now
            if has_converged(losses, settings.tolerance):
                raise _SettledError

        with blas_limited_to(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with suppress(_SettledError):
                model.fit(matrix, show_progress=False, callback=report)
        factors = Factors(np.ascontiguousarray(model.user_factors), np.ascontiguousarray(model.item_factors))
        if not (np.isfinite(factors.users).all() and np.isfinite(factors.items).all()):
            raise not_finite(f"after iteration {settings.iterations}")
        return factors

    def fold_in(
        self,
        items: Float32Array,
        confidence: csr_matrix,
        settings: AlsSettings,
        start: Float32Array | None = None,  # noqa: ARG002 - the interface
    ) -> Float32Array:
        """Return user factors (B, f) for fixed `items` (I, f); each row is the exact solution (equation 4).

        `start` is not used: `implicit` always solves a row without a start value.
        """
        matrix = _as_implicit_wants(confidence)
        model = _solver(settings, calculate_training_loss=False)
        model.item_factors = _writable(items, np.float32)
        with blas_limited_to(1):
            users = model.recalculate_user(np.arange(matrix.shape[0]), matrix)
        return np.ascontiguousarray(users)


class _SettledError(Exception):
    """Stops training: `implicit` has no other way to stop early. The factors stay in the model."""


class _LossScale:
    """Converts the loss of `implicit`, which is divided by the sum of all confidences, to the loss divided by U x I."""

    def __init__(self, matrix: csr_matrix) -> None:
        pairs = matrix.shape[0] * matrix.shape[1]
        magnitude = np.abs(matrix.data, dtype=np.float64)
        self._factor = (float(magnitude.sum()) + pairs - matrix.nnz) / pairs
        # implicit adds c_ui for disliked pairs too, although their loss at x.y = 0 is zero.
        self._surplus = float(magnitude[matrix.data < 0].sum()) / pairs

    def __call__(self, loss: float) -> float:
        return loss * self._factor - self._surplus


def _solver(settings: AlsSettings, *, calculate_training_loss: bool) -> Any:  # implicit has no type hints
    # The limit comes first: implicit warns of several BLAS threads when a solver is made. A filter of warnings alone
    # would not do, because another thread (that loads kernels) may reset it.
    with blas_limited_to(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with importing_implicit():
            from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares(
            factors=settings.factors,
            regularization=settings.regularization,
            alpha=1.0,  # the matrix contains confidences already
            iterations=settings.iterations,
            use_cg=not settings.exact,
            calculate_training_loss=calculate_training_loss,
            num_threads=settings.threads,
            random_state=settings.seed,
        )


def _as_implicit_wants(confidence: csr_matrix) -> csr_matrix:
    if confidence.nnz > _MAXIMUM_INDPTR:
        raise ResourceError(
            f"engine implicit cannot index {confidence.nnz} interactions (its limit is {_MAXIMUM_INDPTR})",
            hint="raise events.min_user_interactions or events.min_item_interactions",
        )
    return csr_matrix(
        (
            _writable(confidence.data, np.float32),
            _writable(confidence.indices, np.int32),
            _writable(confidence.indptr, np.int32),
        ),
        shape=confidence.shape,
    )


def _writable(values: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    # Datasets and models are memory-mapped read-only; implicit requires writable buffers.
    return np.require(values, dtype, ["C", "W"])
