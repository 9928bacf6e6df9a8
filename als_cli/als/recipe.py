"""The recipe of a training: all settings from strengths to factors, as numbers. A model stores it for fold-in."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scipy.sparse import csr_matrix

from als_cli.als.confidence import ConfidenceRule, with_recency
from als_cli.als.demand import DemandRule
from als_cli.als.engine import AlsSettings, Factors, ProgressCallback
from als_cli.als.engines import engine_named
from als_cli.arrays import Float32Array, Int64Array

_STEPS = 2
"""Conjugate-gradient steps of a fold-in / steps of an iteration: another ridge moves the solution further away."""


@dataclass(frozen=True)
class FoldIn:
    """Separate fold-in hyperparameters: how users are solved for fixed items, if not as in the iterations.

    The hyperparameters of good item factors, above all tempering, need not give good user factors
    (docs/decisions/0014).
    """

    regularization: float
    confidence: ConfidenceRule
    half_life: float | None = None
    """Half-life in seconds of the confidences in a history, before its newest event. None: all ages count the same."""


@dataclass(frozen=True)
class Recipe:
    """An engine, its settings, the rule for confidences, and the fold-in."""

    engine: str
    settings: AlsSettings
    confidence: ConfidenceRule
    item_interactions: Int64Array = field(compare=False, repr=False)
    """(I,) stored pairs per item of the training matrix. Tempering uses them, in the fold-in too."""
    separate_fold_in: FoldIn | None = None
    """Separate fold-in hyperparameters; None: users are folded in as in the iterations."""
    demand: DemandRule = field(default_factory=DemandRule)
    """How demand changes the ranking. Training does not use it."""

    def fit(
        self, strength: csr_matrix, on_iteration: ProgressCallback, times: csr_matrix | None = None
    ) -> Factors:
        """Return the factors of a model trained on `strength` (U, I); see :class:`als_cli.als.engine.Engine`.

        With separate fold-in hyperparameters, all training users are folded in last, as new users will be. `times`
        (U, I) are the times of the pairs; see :meth:`fold_in_problem`.
        """
        factors = engine_named(self.engine).fit(self.confidences(strength), self.settings, on_iteration)
        if self.separate_fold_in is None:
            return factors
        return Factors(self.fold_in(factors.items, strength, times, factors.users), factors.items)

    def fold_in(
        self,
        items: Float32Array,
        strength: csr_matrix,
        times: csr_matrix | None = None,
        start: Float32Array | None = None,
    ) -> Float32Array:
        """Return user factors (B, f) for the histories `strength` (B, I) and fixed `items` (I, f).

        `times` (B, I) are the times of the pairs; see :meth:`fold_in_problem`. `start` (B, f) are the users' factors
        after the iterations. They save most of the work.
        """
        confidence, settings = self.fold_in_problem(strength, times)
        return engine_named(self.engine).fold_in(items, confidence, settings, start)

    def fold_in_problem(
        self, strength: csr_matrix, times: csr_matrix | None = None
    ) -> tuple[csr_matrix, AlsSettings]:
        """Return confidences (B, I) of the histories `strength` (B, I), and the engine settings of their fold-in.

        `times` (B, I) is the time of each pair in microseconds, with the sparsity of `strength`. Without `times`, the
        half-life of the fold-in is infinite.
        """
        rule, half_life, settings = (
            self.confidence,
            None,
            replace(self.settings, cg_steps=_STEPS * self.settings.cg_steps),
        )
        if self.separate_fold_in is not None:
            rule, half_life = self.separate_fold_in.confidence, self.separate_fold_in.half_life
            settings = replace(settings, regularization=self.separate_fold_in.regularization)
        confidence = rule.apply(strength, self.item_interactions)
        if half_life is not None and times is not None:
            confidence = with_recency(confidence, times, half_life)
        return confidence, settings

    @property
    def fold_in_half_life(self) -> float | None:
        """Half-life in seconds of the confidences in the fold-in. None: all ages count the same."""
        return None if self.separate_fold_in is None else self.separate_fold_in.half_life

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as JSON values, without `item_interactions`, which a model stores elsewhere."""
        return {
            "engine": self.engine,
            "settings": asdict(self.settings),
            "confidence": asdict(self.confidence),
            "fold_in": None if self.separate_fold_in is None else asdict(self.separate_fold_in),
            "demand": asdict(self.demand),
        }

    def confidences(self, strength: csr_matrix) -> csr_matrix:
        """Return the training confidences of the histories `strength` (B, I): CSR, float32, same sparsity."""
        return self.confidence.apply(strength, self.item_interactions)


def recipe_from_json(values: dict[str, Any], item_interactions: Int64Array, threads: int) -> Recipe:
    """Return the recipe from the values of :meth:`Recipe.to_json`, with `threads` threads.

    `item_interactions` (I,) are the stored pairs per item of the training matrix.
    """
    return Recipe(
        engine=values["engine"],
        settings=replace(AlsSettings(**values["settings"]), threads=threads),
        confidence=ConfidenceRule(**values["confidence"]),
        item_interactions=item_interactions,
        separate_fold_in=_fold_in_from_json(values["fold_in"]),
        demand=DemandRule(**values["demand"]),
    )


def _fold_in_from_json(values: dict[str, Any] | None) -> FoldIn | None:
    if values is None:
        return None
    return FoldIn(values["regularization"], ConfidenceRule(**values["confidence"]), values["half_life"])
