"""Engine `native`: alternating least squares in the eigenbasis of the fixed side, compiled with numba.

Minimises the loss of :mod:`als_cli.als.objective`; :mod:`als_cli.als.reference` is the same computation in plain numpy.
Rows with few pairs are solved exactly. Other rows take a few preconditioned conjugate-gradient steps, or are solved
exactly with `settings.exact`.
"""

import time
from collections.abc import Generator, Iterable
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.eigenbasis import column_squares, rotate, weighted_squares
from als_cli.als.engine import AlsSettings, Factors, Iteration, ProgressCallback, has_converged, not_finite
from als_cli.als.half_step import Side, row_system_of, solve_side, solve_turned, turn, width_of
from als_cli.als.kernels.row_system import aligned, frozen
from als_cli.als.kernels.rows import explain_rows, load_row_kernels
from als_cli.als.objective import Loss, loss_of
from als_cli.als.ordering import both_sides, ordering_of, put_back
from als_cli.als.schedule import schedule_rows
from als_cli.als.threads import Workers
from als_cli.arrays import Float32Array, Float64Array, Int32Array

_NO_LOSSES = np.empty(0, np.float64)
_EXPLAINED_TOGETHER = 128


class NativeEngine:
    """The compiled solver."""

    name = "native"

    def fit(
        self,
        confidence: csr_matrix,
        settings: AlsSettings,
        on_iteration: ProgressCallback,
        start: Factors | None = None,
    ) -> Factors:
        """Return factors that minimise the loss on `confidence`; see :class:`als_cli.als.engine.Engine`.

        Training continues from `start`, factors (U, f) and (I, f), which are not changed. Without `start` it begins
        with random item factors from `settings.seed`.
        """
        with Workers(settings.threads) as workers:
            training, losses = _Training(workers, confidence, settings, start), list[float]()
            del (
                confidence
            )  # training has its own copy: this frees the matrix when the caller holds no reference
            for number in range(1, settings.iterations + 1):
                started = time.perf_counter()
                losses.append(training.run(number))
                on_iteration(Iteration(number, losses[-1], time.perf_counter() - started))
                if has_converged(losses, settings.tolerance):
                    break
            return training.finished()

    def iterate(
        self, confidence: csr_matrix, settings: AlsSettings, numbers: Iterable[int]
    ) -> Generator[Factors]:
        """Yield the factors after each of the increasing `numbers` of iterations: those of `fit` with so many iterations.

        `settings.iterations` is not used. Close the iterator when it is not used up, because it holds threads.
        """
        with Workers(settings.threads) as workers:
            training, done = _Training(workers, confidence, settings, None), 0
            for number in numbers:
                while done < number:
                    done += 1
                    training.run(done)
                yield training.factors

    def fold_in(
        self,
        items: Float32Array,
        confidence: csr_matrix,
        settings: AlsSettings,
        start: Float32Array | None = None,
    ) -> Float32Array:
        """Return user factors (B, f) for fixed `items` (I, f); each row is the exact solution.

        `start` (B, f) are factors near the solution. With `start` and without `settings.exact`, long rows take
        `settings.cg_steps` conjugate-gradient steps instead.
        """
        return FixedItems(items, settings.threads).fold_in(confidence, settings, start)


class FixedItems:
    """Item factors, rotated into their eigenbasis once, for several fold-ins.

    Scores do not change when both sides are rotated. So items can be ranked in the eigenbasis, without rotation back.
    """

    def __init__(self, items: Float32Array, threads: int) -> None:
        """Rotate a copy of `items` (I, f).

        Raises
        ------
        TrainingError
            The items are not finite.
        """
        self._columns = items.shape[1]
        with Workers(threads) as workers:
            try:
                self._turned = turn(workers, _wide(items), self._columns)
            except FloatingPointError as error:
                raise not_finite("in the item factors given") from error

    @property
    def factors(self) -> Float32Array:
        """Item factors (I, f) in the eigenbasis, C-contiguous."""
        return np.ascontiguousarray(self._turned.factors[:, : self._columns])

    def fold_in(
        self, confidence: csr_matrix, settings: AlsSettings, start: Float32Array | None = None
    ) -> Float32Array:
        """Return user factors (B, f) in the basis of the given items; see :meth:`NativeEngine.fold_in`."""
        with Workers(settings.threads) as workers:
            users = self._solved(workers, confidence, settings, start)
            rotate(workers, users, np.ascontiguousarray(self._turned.axes.basis.T))
        return np.ascontiguousarray(users[:, : self._columns])

    def users(
        self, confidence: csr_matrix, settings: AlsSettings, start: Float32Array | None = None
    ) -> Float32Array:
        """Return user factors (B, f) in the eigenbasis, for scores with :attr:`factors`."""
        with Workers(settings.threads) as workers:
            users = self._solved(workers, confidence, settings, start)
        return np.ascontiguousarray(users[:, : self._columns])

    def contributions(
        self, confidence: csr_matrix, settings: AlsSettings, listed: Int32Array, count: int
    ) -> tuple[Int32Array, Float32Array]:
        """Return the `count` items of each history that contribute most to the scores of `listed` items, largest first.

        `confidence` (B, I) are the histories, and `listed` (B, n) the item rows, -1 for none. Returned are item rows
        (B, n, count), -1 for none, and contributions (B, n, count), 0 for none. The contributions of all items of a
        history add up to the score of :meth:`fold_in`. Negative ones are left out.
        """
        loss, (users, slots) = loss_of(settings), listed.shape
        ridge = loss.ridge(confidence).astype(np.float32)
        system = row_system_of(self._turned, confidence, ridge, loss, self._columns)
        items = np.full((users, slots, count), -1, np.int32)
        values = np.zeros((users, slots, count), np.float32)
        has_any = (listed >= 0).any(axis=1) & (np.diff(confidence.indptr) > 0)
        rows = frozen(np.flatnonzero(has_any), np.int32)
        pieces = [
            rows[start : start + _EXPLAINED_TOGETHER] for start in range(0, len(rows), _EXPLAINED_TOGETHER)
        ]
        with Workers(settings.threads) as workers:
            workers.map(
                lambda piece: explain_rows(piece, system, frozen(listed, np.int32), items, values), pieces
            )
        return items, values

    def _solved(
        self, workers: Workers, confidence: csr_matrix, settings: AlsSettings, start: Float32Array | None
    ) -> Float32Array:
        """Return user factors (B, width) in the eigenbasis; `start` (B, f) is in the basis of the given items."""
        loss, exact = loss_of(settings), settings.exact or start is None
        side = _side(confidence, replace(settings, factors=self._columns, exact=exact), loss, start)
        solve_turned(workers, side, self._turned, loss, settings.cg_steps, _NO_LOSSES)
        return side.factors


class _Training:
    """The state of a training: both sides of the matrix, and their factors."""

    def __init__(
        self, workers: Workers, confidence: csr_matrix, settings: AlsSettings, start: Factors | None
    ) -> None:
        self._workers = workers
        self._settings = settings
        self._loss = loss_of(settings)
        self._order = ordering_of(confidence)
        items = start.items if start else _first_factors(confidence, settings)
        by_user, by_item = both_sides(confidence, self._order)
        users = start.users[self._order.users] if start else None
        self._users = _side(by_user, settings, self._loss, users)
        self._items = _side(by_item, settings, self._loss, items[self._order.items])

    @property
    def factors(self) -> Factors:
        """The present factors, rows in the order of the given matrix."""
        columns = self._settings.factors
        return Factors(
            put_back(self._users.factors, self._order.users, columns),
            put_back(self._items.factors, self._order.items, columns),
        )

    def finished(self) -> Factors:
        """Return :attr:`factors` and end the training: the matrices are freed first, which lowers the peak memory."""
        users, items, order = self._users.factors, self._items.factors, self._order
        del self._users, self._items
        columns = self._settings.factors
        in_order = put_back(users, order.users, columns)
        del users
        return Factors(in_order, put_back(items, order.items, columns))

    def run(self, number: int) -> float:
        """Do one iteration (users, then items); return the loss divided by U x I."""
        users, items, steps = self._users, self._items, self._settings.cg_steps
        pair_losses = np.zeros(len(items.factors))
        try:
            solve_side(self._workers, users, items.factors, self._loss, steps, _NO_LOSSES)
            axes = solve_side(self._workers, items, users.factors, self._loss, steps, pair_losses)
        except FloatingPointError as error:
            raise not_finite(f"in iteration {number}") from error
        loss = self._total(float(pair_losses.sum()), axes.spectrum)
        if not np.isfinite(loss):
            raise not_finite(f"after iteration {number}")
        return loss

    def _total(self, pair_loss: float, spectrum: Float64Array) -> float:
        """Return the loss after the half-step of the items, divided by U x I.

        sum_{u,i} (x_u.y_i)^2 = trace(X'X Y'Y), and X'X = diag(`spectrum`) in the present basis of both sides.
        """
        everywhere = spectrum @ column_squares(self._workers, self._items.factors)
        ridges = [
            weighted_squares(self._workers, side.factors, side.ridge) for side in (self._users, self._items)
        ]
        total = pair_loss + self._loss.unobserved_weight * float(everywhere) + sum(ridges)
        return total / (len(self._users.factors) * len(self._items.factors))


def _side(confidence: csr_matrix, settings: AlsSettings, loss: Loss, factors: Float32Array | None) -> Side:
    """Return a side with a copy of `factors` (rows, f), or with zeros. Rows without pairs get the zero vector."""
    shape = (confidence.shape[0], width_of(settings.factors))
    own = _zeros(shape) if factors is None else _wide(factors)
    own[np.diff(confidence.indptr) == 0] = 0.0
    ridge = loss.ridge(confidence).astype(np.float32)
    schedule = schedule_rows(confidence, settings.factors, exact=settings.exact, shift=loss.shift)
    return Side(confidence, ridge, schedule, settings.factors, own)


def _wide(factors: Float32Array) -> Float32Array:
    """Return a copy of `factors` (rows, f) with zero columns added up to `width_of(f)`."""
    wide = _zeros((len(factors), width_of(factors.shape[1])))
    wide[:, : factors.shape[1]] = factors
    return wide


def _zeros(shape: tuple[int, int]) -> Float32Array:
    """Return zeros aligned to a cache line, so that each vector of a row is in one line."""
    return aligned(shape[0] * shape[1]).reshape(shape)


def _first_factors(confidence: csr_matrix, settings: AlsSettings) -> Float32Array:
    """Return random item factors (I, f) float32 from N(0, s^2 / f) with s = init_scale sqrt(n_i / mean n).

    Popular items get longer factors, as after training. The loss is lower after every iteration than with initial
    factors of equal length.
    """
    counts = np.bincount(confidence.indices, minlength=confidence.shape[1])
    values = np.random.default_rng(settings.seed).standard_normal(
        (len(counts), settings.factors), dtype=np.float32
    )
    scale = settings.init_scale * np.sqrt(counts / max(counts.mean(), 1e-9) / settings.factors)
    values *= scale.astype(np.float32)[:, None]
    return values


def warm_up() -> None:
    """Load the kernels, and compile those without machine code in the cache. Call it in a thread while data loads."""
    load_row_kernels()
